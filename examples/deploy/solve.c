/*
 * Runs the function `solve` of a kernel on an array of raw float32 numbers.
 *
 * The kernel is a file that is loaded when the program runs:
 *
 *     cotangent compile denoise-tv --shape 512x512 -o denoise_tv.cot
 *     cc solve.c -lcotangent -o solve
 *     ./solve denoise_tv.cot degraded.f32 restored.f32
 *
 * or, with -DLINKED, a part of the program, with a header that says what its functions take:
 *
 *     cotangent compile denoise-tv --shape 512x512 -o denoise_tv.cot --header denoise_tv.h
 *     cc -DLINKED solve.c denoise_tv.cot -lcotangent -o solve
 *     ./solve degraded.f32 restored.f32
 */
#include "cotangent.h"
#ifdef LINKED
#include "denoise_tv.h"
#endif

#include <stdio.h>
#include <stdlib.h>

/* Ends the program if a call has failed. */
static void check(cot_status status)
{
    if (status != COT_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", cot_status_text(status), cot_last_error());
        exit(EXIT_FAILURE);
    }
}

/* Ends the program if something of its own has failed. */
static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "cannot do this: %s\n", what);
        exit(EXIT_FAILURE);
    }
}

/* Memory for an array. At a multiple of 64 it is used where it is, without copies. */
static void *array(size_t bytes)
{
    void *data = aligned_alloc(64, (bytes / 64 + 1) * 64);
    require(data != NULL, "get memory");
    return data;
}

static void read_array(const char *path, void *data, size_t bytes)
{
    FILE *file = fopen(path, "rb");
    require(file != NULL, path);
    require(fread(data, 1, bytes, file) == bytes && fgetc(file) == EOF, "read exactly as many numbers as there should be");
    fclose(file);
}

static void write_array(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    require(file != NULL, path);
    require(fwrite(data, 1, bytes, file) == bytes && fclose(file) == 0, "write the result");
}

/* Shows a row of progress. The answer is whether to stop. */
static bool show(void *user, int64_t row, const double *values, size_t columns)
{
    (void)user, (void)columns;
    printf("iteration %3lld: objective %g\n", (long long)row, values[0]);
    return false;
}

static const cot_options options = {.progress = show};

#ifdef LINKED

/* The compiler checks what the function is given. */
static void solve(const char *input, const char *output)
{
    float *degraded = array(denoise_tv_solve_degraded_size * sizeof *degraded);
    float *restored = array(denoise_tv_solve_restored_size * sizeof *restored);
    float *statistics = array(denoise_tv_solve_statistics_size * sizeof *statistics);
    float objective;
    int32_t iterations, outcome;

    read_array(input, degraded, denoise_tv_solve_degraded_size * sizeof *degraded);
    cot_kernel *kernel;
    check(denoise_tv_open(&kernel));
    check(denoise_tv_solve(kernel, degraded, restored, &objective, &iterations, &outcome, statistics, &options));
    cot_kernel_free(kernel);
    printf("%d iterations, objective %g\n", iterations, objective);
    write_array(output, restored, denoise_tv_solve_restored_size * sizeof *restored);
    free(degraded), free(restored), free(statistics);
}

int main(int count, char **words)
{
    require(count == 3, "usage: solve INPUT OUTPUT");
    solve(words[1], words[2]);
    return EXIT_SUCCESS;
}

#else

/* Prints an argument or a result as `degraded: f32[512,512]`. */
static void print_parameter(const char *kind, const cot_parameter *parameter)
{
    printf("    %s %s: %s[", kind, parameter->name, cot_dtype_name(parameter->dtype));
    for (size_t axis = 0; axis < parameter->rank; axis++) {
        printf("%s%zu", axis ? "," : "", parameter->shape[axis]);
    }
    printf("]%s%s. %s\n", parameter->unit[0] ? " in " : "", parameter->unit, parameter->text);
}

/* Prints what a kernel is. */
static void describe(const cot_kernel *kernel)
{
    printf("%s, %s\n%s\n", cot_kernel_name(kernel), cot_kernel_level(kernel), cot_kernel_text(kernel));
    for (size_t number = 0; number < cot_kernel_function_count(kernel); number++) {
        const cot_function *function = cot_kernel_function(kernel, number);
        cot_parameter parameter;
        printf("  %s: %s\n", cot_function_name(function), cot_function_text(function));
        for (size_t index = 0; index < cot_function_argument_count(function); index++) {
            check(cot_function_argument(function, index, &parameter));
            print_parameter("argument", &parameter);
        }
        for (size_t index = 0; index < cot_function_result_count(function); index++) {
            check(cot_function_result(function, index, &parameter));
            print_parameter("result", &parameter);
        }
    }
}

/* A buffer for an argument or a result. */
static cot_buffer buffer_for(const cot_parameter *parameter)
{
    cot_buffer buffer = {array(parameter->bytes), parameter->dtype, parameter->rank, parameter->shape, NULL};
    return buffer;
}

/* What the function is given is as the kernel describes it. The first result is written. */
static void solve(const cot_kernel *kernel, const char *input, const char *output)
{
    const cot_function *function;
    check(cot_kernel_find(kernel, "solve", &function));
    const size_t result_count = cot_function_result_count(function);
    require(cot_function_argument_count(function) == 1 && result_count > 0, "the function must take one array");

    cot_parameter parameter;
    check(cot_function_argument(function, 0, &parameter));
    cot_buffer argument = buffer_for(&parameter);
    read_array(input, argument.data, parameter.bytes);
    cot_buffer *results = array(result_count * sizeof *results);
    for (size_t index = 0; index < result_count; index++) {
        check(cot_function_result(function, index, &parameter));
        results[index] = buffer_for(&parameter);
    }

    check(cot_run(function, &argument, 1, results, result_count, &options));

    check(cot_function_result(function, 0, &parameter));
    write_array(output, results[0].data, parameter.bytes);
    for (size_t index = 0; index < result_count; index++) {
        free(results[index].data);
    }
    free(results), free(argument.data);
}

int main(int count, char **words)
{
    require(count == 4, "usage: solve KERNEL INPUT OUTPUT");
    cot_kernel *kernel;
    check(cot_kernel_load(words[1], &kernel));
    describe(kernel);
    solve(kernel, words[2], words[3]);
    cot_kernel_free(kernel);
    return EXIT_SUCCESS;
}

#endif
