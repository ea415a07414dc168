// What the C peers share: the data of src/bin/cotangent/cases/data.rs, the measuring of benches/compare.rs, the report.

#pragma once

#define _POSIX_C_SOURCE 200809L

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ITERATIONS = 100, FEWEST_SAMPLES = 15, MOST_SAMPLES = 4096 };

static inline float uniform(uint32_t position, float low, float high)
{
    uint32_t hash = (position + 1) * 0x9e3779b1u;
    hash ^= hash >> 15;
    hash *= 0x85ebca77u;
    hash ^= hash >> 13;
    return low + (high - low) * ((float)(hash >> 8) / (float)(1 << 24));
}

// Memory for an image, cleared in parallel so that its pages lie near the threads that use them.
static inline float *image(long pixels)
{
    float *memory = aligned_alloc(64, (pixels * sizeof(float) + 63) / 64 * 64);
    if (!memory) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
#pragma omp parallel for schedule(static)
    for (long i = 0; i < pixels; i++)
        memory[i] = 0;
    return memory;
}

static inline double milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e3 * now.tv_sec + 1e-6 * now.tv_nsec;
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double quantile(const double *sorted, int count, double fraction)
{
    int position = (int)(fraction * (count - 1) + 0.5);
    return sorted[position < count ? position : count - 1];
}

// The arguments of every peer: SECONDS for each case, then the names of those wanted, all if there are none.
static double seconds = 3;
static char **names;
static int named;

static void read_arguments(int count, char **words)
{
    if (count > 1)
        seconds = atof(words[1]);
    named = count > 2 ? count - 2 : 0;
    names = words + 2;
}

static int wanted(const char *name)
{
    for (int i = 0; i < named; i++)
        if (!strcmp(names[i], name))
            return 1;
    return !named;
}

// Calls until the median is known to one percent or the time is up, and prints the case as a member of a JSON object. The
// result is a matrix, or a vector if it has one row.
static void measure(const char *name, void (*call)(void), const float *result, long rows, long columns)
{
    static int printed;
    static double times[MOST_SAMPLES], sorted[MOST_SAMPLES];
    double start = milliseconds();
    do
        call();
    while (milliseconds() - start < 100 * seconds);
    int count = 0;
    for (start = milliseconds(); count < 3 || (count < MOST_SAMPLES && milliseconds() - start < 1e3 * seconds);) {
        double before = milliseconds();
        call();
        times[count++] = milliseconds() - before;
        if (count < FEWEST_SAMPLES || count % 5)
            continue;
        memcpy(sorted, times, count * sizeof *times);
        qsort(sorted, count, sizeof *sorted, by_size);
        double reach = 0.98 / sqrt(count);
        double width = quantile(sorted, count, 0.5 + reach) - quantile(sorted, count, 0.5 - reach);
        if (width / (2 * quantile(sorted, count, 0.5)) < 0.01)
            break;
    }
    qsort(times, count, sizeof *times, by_size);
    double median = quantile(times, count, 0.5), sum = 0, squares = 0;
    long pixels = rows * columns;
    for (long i = 0; i < pixels; i++) {
        sum += result[i];
        squares += (double)result[i] * result[i];
    }
    printf("%s    \"%s\": {\"median_ms\": %.6g, \"min_ms\": %.6g, \"spread\": %.4g, \"samples\": %d,\n", printed++ ? ",\n" : "",
           name, median, times[0], (quantile(times, count, 0.75) - quantile(times, count, 0.25)) / median, count);
    printf("        \"results\": [{\"shape\": [");
    if (rows > 1)
        printf("%ld, ", rows);
    printf("%ld], \"sum\": %.9g, \"norm\": %.9g, \"elements\": [", columns, sum, sqrt(squares));
    for (int i = 0; i < 16; i++)
        printf("%s%.9g", i ? ", " : "", result[i * pixels / 16]);
    printf("]}]}");
}
