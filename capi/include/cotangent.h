/*
 * cotangent: precompiled array functions, loaded and run without a compiler.
 *
 * A program loads a kernel, finds a function in it, and runs that on buffers:
 *
 *     cot_kernel *kernel;
 *     const cot_function *function;
 *     if (cot_kernel_load("example.cot", &kernel) != COT_STATUS_OK
 *         || cot_kernel_find(kernel, "solve", &function) != COT_STATUS_OK
 *         || cot_run(function, arguments, 1, results, 1, NULL) != COT_STATUS_OK)
 *         fprintf(stderr, "%s\n", cot_last_error());
 *     cot_kernel_free(kernel);
 *
 * Link it with -lcotangent, or with libcotangent.a and -lpthread -ldl -lm. All functions may be called from any number of
 * threads at once, with the same kernels and functions, unless they free them.
 *
 * This file is generated from the sources of the library.
 */

#ifndef COTANGENT_H
#define COTANGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * What became of a call. The numbers stay what they are.
 */
typedef enum {
    /**
     * It has done what it is for.
     */
    COT_STATUS_OK = 0,
    /**
     * An argument cannot be: a null pointer, a wrong number of buffers, an address that is not aligned.
     */
    COT_STATUS_INVALID_ARGUMENT = 1,
    /**
     * There is nothing of that name or number.
     */
    COT_STATUS_NOT_FOUND = 2,
    /**
     * A file could not be opened or read, or changed meanwhile.
     */
    COT_STATUS_IO = 3,
    /**
     * The bytes are not those of a kernel.
     */
    COT_STATUS_NOT_A_KERNEL = 4,
    /**
     * The kernel is not what was written: its end is missing, or its bytes or descriptions do not fit together.
     */
    COT_STATUS_DAMAGED = 5,
    /**
     * The kernel was written by or for another version of this library.
     */
    COT_STATUS_VERSION = 6,
    /**
     * The kernel is for another processor, or for instructions that this one lacks.
     */
    COT_STATUS_CPU = 7,
    /**
     * The kernel is not signed, or not by a trusted key, or was altered since.
     */
    COT_STATUS_SIGNATURE = 8,
    /**
     * The kernel needs more memory than this machine has.
     */
    COT_STATUS_MEMORY = 9,
    /**
     * A buffer has another shape.
     */
    COT_STATUS_SHAPE = 10,
    /**
     * A buffer has elements of another type.
     */
    COT_STATUS_DTYPE = 11,
    /**
     * A result shares memory with itself, another result or an argument.
     */
    COT_STATUS_OVERLAP = 12,
    /**
     * The function failed while it ran.
     */
    COT_STATUS_RUN = 13,
    /**
     * A mistake of this library. The message says which; please report it.
     */
    COT_STATUS_INTERNAL = 14,
} cot_status;

/**
 * The type of the elements of a buffer. The numbers stay what they are.
 */
typedef enum {
    /**
     * `bool`, one byte.
     */
    COT_DTYPE_BOOL = 0,
    /**
     * `int8_t`.
     */
    COT_DTYPE_I8 = 1,
    /**
     * `int16_t`.
     */
    COT_DTYPE_I16 = 2,
    /**
     * `int32_t`.
     */
    COT_DTYPE_I32 = 3,
    /**
     * `int64_t`.
     */
    COT_DTYPE_I64 = 4,
    /**
     * `uint8_t`.
     */
    COT_DTYPE_U8 = 5,
    /**
     * `uint16_t`.
     */
    COT_DTYPE_U16 = 6,
    /**
     * `uint32_t`.
     */
    COT_DTYPE_U32 = 7,
    /**
     * `uint64_t`.
     */
    COT_DTYPE_U64 = 8,
    /**
     * `float`.
     */
    COT_DTYPE_F32 = 9,
    /**
     * `double`.
     */
    COT_DTYPE_F64 = 10,
    /**
     * `float _Complex`: real and imaginary part.
     */
    COT_DTYPE_C64 = 11,
    /**
     * `double _Complex`: real and imaginary part.
     */
    COT_DTYPE_C128 = 12,
} cot_dtype;

/**
 * A token that stops runs which were given it, from any thread.
 */
typedef struct cot_cancel cot_cancel;

/**
 * A function of a kernel. It belongs to the kernel and may run on any number of threads at once.
 */
typedef struct cot_function cot_function;

/**
 * A kernel: precompiled functions, ready to run. It may be used from any number of threads at once.
 */
typedef struct cot_kernel cot_kernel;

/**
 * A kernel that a linker has made a part of the program: what the symbol `cotangent_kernel_NAME` is. Only its address is of
 * use, for `cot_kernel_open_linked`.
 */
typedef struct cot_linked_kernel cot_linked_kernel;

/**
 * What there is to know of an argument or a result. Its texts and its shape are there for as long as the kernel is.
 */
typedef struct {
    /**
     * Its name.
     */
    const char *name;
    /**
     * The unit of its elements, such as "1/mm"; empty if they have none. Nothing is converted.
     */
    const char *unit;
    /**
     * What it is; it may be empty.
     */
    const char *text;
    /**
     * The type of its elements.
     */
    cot_dtype dtype;
    /**
     * The number of its axes.
     */
    size_t rank;
    /**
     * The extent of each axis.
     */
    const size_t *shape;
    /**
     * Bytes of all its elements.
     */
    size_t bytes;
} cot_parameter;

/**
 * An array in memory of the caller's, for an argument or a result of a function.
 *
 * Arguments are only read. A row-major array at an address that is a multiple of 64 is used where it is; any other is copied.
 */
typedef struct {
    /**
     * The element whose indices are all 0. It may be NULL if there are no elements.
     */
    void *data;
    /**
     * The type of the elements: a `cot_dtype`.
     */
    int32_t dtype;
    /**
     * The number of axes.
     */
    size_t rank;
    /**
     * The extent of each axis. It may be NULL if there are none.
     */
    const size_t *shape;
    /**
     * For each axis, bytes from one element to the next; they may be negative, and 0 for arguments. NULL for an array without
     * gaps, with the last axis the fastest.
     */
    const ptrdiff_t *strides;
} cot_buffer;

/**
 * What watches a run: it gets the number of a row of progress and the numbers in it, which are gone afterwards, and answers
 * whether to stop. It is called on the thread that runs the function, may run other functions, and must return: no exception
 * or `longjmp` may leave it.
 */
typedef bool (*cot_progress)(void *user, int64_t row, const double *values, size_t columns);

/**
 * How a function is run. With all zeros it is run as if there were none.
 */
typedef struct {
    /**
     * The number of threads; 0 for as many as the environment variable `COTANGENT_THREADS` says or the machine offers.
     * Results do not depend on it.
     */
    size_t threads;
    /**
     * Is called for each row of progress that the function reports, if it reports any; NULL for nothing.
     */
    cot_progress progress;
    /**
     * Is passed on to `progress`.
     */
    void *user;
    /**
     * A token by which other threads stop the run; NULL for none. A function that reports no progress does not look at it.
     */
    const cot_cancel *cancel;
} cot_options;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Loads a kernel file, with the code for the best instructions that this processor has, and puts a handle where `kernel`
 * points to; NULL if it fails. The file is not needed afterwards. Give the kernel back with `cot_kernel_free`.
 *
 * Its code will run in this process, so load files of your own only; for files of others there is `cot_kernel_load_signed`.
 * Damage by accident is found; it is no defence against malice.
 *
 * # Safety
 *
 * `path` is NULL or ends with NUL. `kernel` is NULL or leads to a pointer. The file was written by this library, or whoever
 * wrote it may do in this process what they like.
 */
cot_status cot_kernel_load(const char *path,
                           cot_kernel **kernel);

/**
 * Loads the bytes of a kernel file as `cot_kernel_load` does the file. They are not needed afterwards.
 *
 * # Safety
 *
 * `bytes` is NULL or leads to `length` bytes. `kernel` is NULL or leads to a pointer. The bytes were written by this library,
 * or whoever wrote them may do in this process what they like.
 */
cot_status cot_kernel_load_bytes(const void *bytes,
                                 size_t length,
                                 cot_kernel **kernel);

/**
 * Loads a kernel file that was signed with one of `key_count` keys, each the 32 bytes of an Ed25519 public key, and refuses
 * all others.
 *
 * # Safety
 *
 * `path` is NULL or ends with NUL. `keys` is NULL or leads to so many keys. `kernel` is NULL or leads to a pointer. Whoever
 * has the private keys signs only files that this library has written, or may do in this process what they like.
 */
cot_status cot_kernel_load_signed(const char *path,
                                  const uint8_t (*keys)[32],
                                  size_t key_count,
                                  cot_kernel **kernel);

/**
 * Opens a kernel that a linker has made a part of the program: `table` is the address of its symbol
 * `cotangent_kernel_NAME`. Give the kernel back with `cot_kernel_free`.
 *
 * # Safety
 *
 * `table` is NULL or the address of that symbol, and what was linked is an unaltered file of this library. `kernel` is NULL
 * or leads to a pointer.
 */
cot_status cot_kernel_open_linked(const cot_linked_kernel *table,
                                  cot_kernel **kernel);

/**
 * Gives a kernel back, with all that belongs to it: functions, names, texts. NULL is ignored.
 *
 * # Safety
 *
 * `kernel` is NULL or comes from a function that loads kernels; nothing of it runs any longer, and it is not used afterwards.
 */
void cot_kernel_free(cot_kernel *kernel);

/**
 * The name of a kernel. It is there for as long as the kernel is; NULL for NULL.
 *
 * # Safety
 *
 * `kernel` is NULL or a kernel that is not freed meanwhile.
 */
const char *cot_kernel_name(const cot_kernel *kernel);

/**
 * What a kernel is for; it may be empty. It is there for as long as the kernel is; NULL for NULL.
 *
 * # Safety
 *
 * `kernel` is NULL or a kernel that is not freed meanwhile.
 */
const char *cot_kernel_text(const cot_kernel *kernel);

/**
 * The version of the library that wrote a kernel. It is there for as long as the kernel is; NULL for NULL.
 *
 * # Safety
 *
 * `kernel` is NULL or a kernel that is not freed meanwhile.
 */
const char *cot_kernel_library(const cot_kernel *kernel);

/**
 * The level of instructions of the code that was chosen for this processor, such as "x86-64-v3". It is there for as long as
 * the kernel is; NULL for NULL.
 *
 * # Safety
 *
 * `kernel` is NULL or a kernel that is not freed meanwhile.
 */
const char *cot_kernel_level(const cot_kernel *kernel);

/**
 * The number of functions of a kernel; 0 for NULL.
 *
 * # Safety
 *
 * `kernel` is NULL or a kernel that is not freed meanwhile.
 */
size_t cot_kernel_function_count(const cot_kernel *kernel);

/**
 * The function of a number, counted from 0; NULL if there is none. It is there for as long as the kernel is.
 *
 * # Safety
 *
 * `kernel` is NULL or a kernel that is not freed meanwhile.
 */
const cot_function *cot_kernel_function(const cot_kernel *kernel,
                                        size_t index);

/**
 * Finds the function of a name, and puts it where `function` points to; NULL if there is none. It is there for as long as the
 * kernel is.
 *
 * # Safety
 *
 * `kernel` is NULL or a kernel that is not freed meanwhile. `name` is NULL or ends with NUL. `function` is NULL or leads to a
 * pointer.
 */
cot_status cot_kernel_find(const cot_kernel *kernel,
                           const char *name,
                           const cot_function **function);

/**
 * The name of a function. It is there for as long as the kernel is; NULL for NULL.
 *
 * # Safety
 *
 * `function` is NULL or a function of a kernel that is not freed meanwhile.
 */
const char *cot_function_name(const cot_function *function);

/**
 * What a function computes; it may be empty. It is there for as long as the kernel is; NULL for NULL.
 *
 * # Safety
 *
 * `function` is NULL or a function of a kernel that is not freed meanwhile.
 */
const char *cot_function_text(const cot_function *function);

/**
 * The number of arguments of a function; 0 for NULL.
 *
 * # Safety
 *
 * `function` is NULL or a function of a kernel that is not freed meanwhile.
 */
size_t cot_function_argument_count(const cot_function *function);

/**
 * The number of results of a function; 0 for NULL.
 *
 * # Safety
 *
 * `function` is NULL or a function of a kernel that is not freed meanwhile.
 */
size_t cot_function_result_count(const cot_function *function);

/**
 * Tells of the argument of a number, counted from 0, where `parameter` points to.
 *
 * # Safety
 *
 * `function` is NULL or a function of a kernel that is not freed meanwhile. `parameter` is NULL or leads to a `cot_parameter`.
 */
cot_status cot_function_argument(const cot_function *function,
                                 size_t index,
                                 cot_parameter *parameter);

/**
 * Tells of the result of a number, counted from 0, where `parameter` points to.
 *
 * # Safety
 *
 * `function` is NULL or a function of a kernel that is not freed meanwhile. `parameter` is NULL or leads to a `cot_parameter`.
 */
cot_status cot_function_result(const cot_function *function,
                               size_t index,
                               cot_parameter *parameter);

/**
 * Runs a function: reads the arguments and overwrites the results, one buffer for each, in the order of their numbers.
 *
 * Everything about the buffers is checked before anything runs. A run that was stopped, by `progress` or a token, is ok: the
 * results are those it had by then. After a failure of the function itself the results hold anything.
 *
 * # Safety
 *
 * `function` is NULL or a function of a kernel that is not freed meanwhile. `arguments` and `results` are NULL or lead to so
 * many buffers, each with as many extents and strides as it has axes, and with memory for all its elements that nobody else
 * writes meanwhile, nor reads if it is that of a result. `options` is NULL or leads to options whose token is not freed
 * meanwhile.
 */
cot_status cot_run(const cot_function *function,
                   const cot_buffer *arguments,
                   size_t argument_count,
                   const cot_buffer *results,
                   size_t result_count,
                   const cot_options *options);

/**
 * A new token, not set. Give it back with `cot_cancel_free`.
 */
cot_cancel *cot_cancel_new(void);

/**
 * Sets a token: runs that have it end at the next row that they report, and give what they have by then.
 *
 * It may be called from any thread and from a signal handler. NULL is ignored.
 *
 * # Safety
 *
 * `cancel` is NULL or a token that is not freed meanwhile.
 */
void cot_cancel_set(const cot_cancel *cancel);

/**
 * Makes a token as new, for another run. NULL is ignored.
 *
 * # Safety
 *
 * `cancel` is NULL or a token that is not freed meanwhile.
 */
void cot_cancel_reset(const cot_cancel *cancel);

/**
 * Whether a token is set; false for NULL.
 *
 * # Safety
 *
 * `cancel` is NULL or a token that is not freed meanwhile.
 */
bool cot_cancel_is_set(const cot_cancel *cancel);

/**
 * Gives a token back. NULL is ignored.
 *
 * # Safety
 *
 * `cancel` is NULL or comes from `cot_cancel_new`; no run has it any longer, and it is not used afterwards.
 */
void cot_cancel_free(cot_cancel *cancel);

/**
 * The message of the last failure on this thread; empty if there was none. It stays until the next failure on this thread.
 */
const char *cot_last_error(void);

/**
 * A few words for a `cot_status`; `cot_last_error` says more. The text is there for as long as the program runs.
 */
const char *cot_status_text(int32_t status);

/**
 * The name of a `cot_dtype`, such as "f32"; NULL if there is none of that number. It is there for as long as the program runs.
 */
const char *cot_dtype_name(int32_t dtype);

/**
 * Bytes of an element of a `cot_dtype`; 0 if there is none of that number.
 */
size_t cot_dtype_size(int32_t dtype);

/**
 * The version of this library, such as "0.1.0".
 */
const char *cot_version(void);

/**
 * The version of what compiled code and this library agree on. Kernels of another one are refused.
 */
uint32_t cot_abi_version(void);

/**
 * The version of how kernel files are laid out. Kernels of another one are refused.
 */
uint32_t cot_format_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* COTANGENT_H */
