// Conjugate gradients for 4.5 p less the four neighbours: three passes over memory in each iteration.
//
//     cg [SECONDS [CASE...]]

#include "peer.h"

static long n;
static float *b, *x, *r, *p, *ap;

// Row `i` of the operator's result, and the inner product with the row of its argument.
static double apply_row(long i)
{
    const float *restrict row = p + i * n;
    const float *restrict up = i ? row - n : NULL, *restrict down = i + 1 < n ? row + n : NULL;
    float *restrict out = ap + i * n;
    float sum = 0;
    if (up && down) {
        out[0] = 4.5f * row[0] - up[0] - down[0] - row[1];
        for (long j = 1; j + 1 < n; j++)
            out[j] = 4.5f * row[j] - up[j] - down[j] - row[j - 1] - row[j + 1];
        out[n - 1] = 4.5f * row[n - 1] - up[n - 1] - down[n - 1] - row[n - 2];
    } else {
        for (long j = 0; j < n; j++)
            out[j] = 4.5f * row[j] - (up ? up[j] : 0) - (down ? down[j] : 0) - (j ? row[j - 1] : 0) -
                     (j + 1 < n ? row[j + 1] : 0);
    }
    for (long j = 0; j < n; j++)
        sum += row[j] * out[j];
    return sum;
}

static void solve(void)
{
    long pixels = n * n;
    double rr = 0;
#pragma omp parallel for schedule(static) reduction(+ : rr)
    for (long i = 0; i < pixels; i++) {
        x[i] = 0;
        r[i] = p[i] = b[i];
        rr += (double)b[i] * b[i];
    }
    for (int iteration = 0; iteration < ITERATIONS; iteration++) {
        double pap = 0, next = 0;
#pragma omp parallel for schedule(static) reduction(+ : pap)
        for (long i = 0; i < n; i++)
            pap += apply_row(i);
        float alpha = rr / pap;
#pragma omp parallel for schedule(static) reduction(+ : next)
        for (long i = 0; i < n; i++) {
            float sum = 0;
            for (long j = i * n; j < (i + 1) * n; j++) {
                x[j] += alpha * p[j];
                r[j] -= alpha * ap[j];
                sum += r[j] * r[j];
            }
            next += sum;
        }
        float beta = next / rr;
#pragma omp parallel for schedule(static)
        for (long i = 0; i < pixels; i++)
            p[i] = r[i] + beta * p[i];
        rr = next;
    }
}

static void run(const char *name, long size)
{
    if (!wanted(name))
        return;
    n = size;
    float **arrays[] = {&b, &x, &r, &p, &ap};
    for (int i = 0; i < 5; i++)
        *arrays[i] = image(n * n);
    for (long i = 0; i < n * n; i++)
        b[i] = uniform(i, 0, 1e6f);
    measure(name, solve, x, n, n);
    for (int i = 0; i < 5; i++)
        free(*arrays[i]);
}

int main(int count, char **words)
{
    read_arguments(count, words);
    printf("{\"side\": \"c\", \"cases\": {\n");
    run("cg100_256", 256);
    run("cg100_512", 512);
    run("cg100_1024", 1024);
    printf("\n}}\n");
}
