// The triad of the STREAM benchmark on single precision: what memory can do.
//
//     triad [SECONDS [CASE...]]

#include "peer.h"

enum { COUNT = 10000000 };

static float *out, *x, *y;

static void triad(void)
{
#pragma omp parallel for schedule(static)
    for (long i = 0; i < COUNT; i++)
        out[i] = 2.5f * x[i] + y[i];
}

int main(int count, char **words)
{
    read_arguments(count, words);
    float **arrays[] = {&out, &x, &y};
    for (int i = 0; i < 3; i++)
        *arrays[i] = image(COUNT);
    for (long i = 0; i < COUNT; i++) {
        x[i] = uniform(i, -1, 1);
        y[i] = uniform(i, 0, 3);
    }
    printf("{\"side\": \"c\", \"cases\": {\n");
    if (wanted("stream_triad"))
        measure("stream_triad", triad, out, 1, COUNT);
    printf("\n}}\n");
    for (int i = 0; i < 3; i++)
        free(*arrays[i]);
}
