/*
 * Runs the kernel `example` of the test beside this file: loaded from the file that the command line names, or, with -DLINKED,
 * as a part of this program. Prints the bits of the results.
 */
#include "example.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define require(holds) \
    do { \
        if (!(holds)) { \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #holds, cot_last_error()); \
            exit(EXIT_FAILURE); \
        } \
    } while (0)

enum { SIDE = 16, THREADS = 4 };

static const cot_kernel *shared;

/* Several threads run one function at once, and each has its own messages. */
static void *smooth_often(void *result)
{
    float x[SIDE * SIDE], y[SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; i++) {
        x[i] = 0.125f * (float)i;
    }
    for (int round = 0; round < 20; round++) {
        require(example_smooth(shared, x, y, NULL) == COT_STATUS_OK);
        if (round > 0) {
            require(memcmp(result, y, sizeof y) == 0);
        }
        memcpy(result, y, sizeof y);
        require(example_smooth(shared, x, x, NULL) == COT_STATUS_OVERLAP);
        require(strstr(cot_last_error(), "shares memory with argument `x`") != NULL);
    }
    return NULL;
}

static bool stop_at_thirty(void *user, int64_t row, const double *values, size_t columns)
{
    require(columns == 1 && values[0] == 0.5 * (double)row);
    *(int64_t *)user += 1;
    return row == 30;
}

int main(int count, char **words)
{
    cot_kernel *kernel = NULL;
#ifdef LINKED
    require(count == 1 && words[0] != NULL);
    require(example_open(&kernel) == COT_STATUS_OK);
#else
    require(count == 2);
    require(cot_kernel_load("absent.cot", &kernel) == COT_STATUS_IO && kernel == NULL);
    require(cot_kernel_load(words[1], &kernel) == COT_STATUS_OK);
#endif
    require(strcmp(cot_kernel_name(kernel), "example") == 0);
    require(cot_kernel_function_count(kernel) == 3);
    shared = kernel;

    static float results[THREADS][SIDE * SIDE];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        require(pthread_create(&threads[i], NULL, smooth_often, results[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        require(pthread_join(threads[i], NULL) == 0);
        require(memcmp(results[i], results[0], sizeof results[0]) == 0);
    }
    for (size_t i = 0; i < example_smooth_y_size; i++) {
        uint32_t bits;
        memcpy(&bits, &results[0][i], sizeof bits);
        printf("%08x\n", bits);
    }

    int64_t reports = 0;
    const int32_t limit = 100;
    int32_t rounds = 0;
    cot_options options = {.threads = 2, .progress = stop_at_thirty, .user = &reports};
    require(example_count(kernel, &limit, &rounds, &options) == COT_STATUS_OK);
    require(rounds == 30 && reports == 3);
    options.progress = NULL;
    cot_cancel *cancel = cot_cancel_new();
    cot_cancel_set(cancel);
    options.cancel = cancel;
    require(example_count(kernel, &limit, &rounds, &options) == COT_STATUS_OK);
    require(rounds == 1);
    cot_cancel_free(cancel);

    const bool flag[2] = {true, false};
    const double z[4] = {1.0, 2.0, 3.0, -1.0};
    double w[4];
    bool not_flag[2];
    require(example_switch(kernel, flag, z, not_flag, w, NULL) == COT_STATUS_OK);
    require(!not_flag[0] && not_flag[1]);
    require(w[0] == -3.0 && w[1] == 4.0 && w[2] == 8.0 && w[3] == -6.0);

    cot_kernel_free(kernel);
    return EXIT_SUCCESS;
}
