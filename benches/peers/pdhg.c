// Total variation denoising by primal-dual hybrid gradients: two passes over memory in each iteration.
//
//     pdhg [SECONDS [CASE...]]

#include "peer.h"

static const float tau = 0.25f, sigma = 0.25f, lambda = 0.1f;
static long n;
// The image, its extrapolation, and both components of the dual variable.
static float *noisy, *x, *bar, *rows, *columns;

static void primal_row(long i)
{
    const float *restrict below = rows + i * n, *restrict above = i ? below - n : NULL;
    const float *restrict across = columns + i * n, *restrict data = noisy + i * n;
    float *restrict now = x + i * n, *restrict ahead = bar + i * n;
    // Components that cross the border are zero, since they start as zero and their differences are.
    for (long j = 0; j < n; j++) {
        float adjoint = (above ? above[j] : 0) - below[j] + (j ? across[j - 1] : 0) - across[j];
        float next = (now[j] - tau * adjoint + tau * data[j]) * (1 / (1 + tau));
        ahead[j] = 2 * next - now[j];
        now[j] = next;
    }
}

static void dual_row(long i)
{
    const float *restrict here = bar + i * n, *restrict below = i + 1 < n ? here + n : here;
    float *restrict down = rows + i * n, *restrict right = columns + i * n;
    for (long j = 0; j + 1 < n; j++) {
        float first = down[j] + sigma * (below[j] - here[j]);
        float second = right[j] + sigma * (here[j + 1] - here[j]);
        float norm = sqrtf(first * first + second * second);
        float scale = 1 / fmaxf(norm * (1 / lambda), 1);
        down[j] = first * scale;
        right[j] = second * scale;
    }
    float first = down[n - 1] + sigma * (below[n - 1] - here[n - 1]);
    down[n - 1] = first / fmaxf(fabsf(first) * (1 / lambda), 1);
}

static void solve(void)
{
    long pixels = n * n;
#pragma omp parallel for schedule(static)
    for (long i = 0; i < pixels; i++) {
        x[i] = noisy[i];
        rows[i] = columns[i] = 0;
    }
    for (int iteration = 0; iteration < ITERATIONS; iteration++) {
#pragma omp parallel for schedule(static)
        for (long i = 0; i < n; i++)
            primal_row(i);
#pragma omp parallel for schedule(static)
        for (long i = 0; i < n; i++)
            dual_row(i);
    }
}

static void run(const char *name, long size)
{
    if (!wanted(name))
        return;
    n = size;
    float **arrays[] = {&noisy, &x, &bar, &rows, &columns};
    for (int i = 0; i < 5; i++)
        *arrays[i] = image(n * n);
    for (long i = 0; i < n * n; i++)
        noisy[i] = uniform(i, 0, 1);
    measure(name, solve, x, n, n);
    for (int i = 0; i < 5; i++)
        free(*arrays[i]);
}

int main(int count, char **words)
{
    read_arguments(count, words);
    printf("{\"side\": \"c\", \"cases\": {\n");
    run("pdhg_tv100_256", 256);
    run("pdhg_tv100_512", 512);
    run("pdhg_tv100_1024", 1024);
    printf("\n}}\n");
}
