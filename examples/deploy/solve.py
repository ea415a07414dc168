"""Runs the function `solve` of a kernel on an array of raw float32 numbers, with ctypes and NumPy.

    cotangent compile denoise-tv --shape 512x512 -o denoise_tv.cot
    python solve.py denoise_tv.cot degraded.f32 restored.f32 --library libcotangent.so
"""

import argparse
import ctypes
from ctypes import POINTER, byref, c_bool, c_char_p, c_double, c_int, c_int64, c_size_t, c_ssize_t, c_void_p

import numpy as np

# Element types by the numbers of `cot_dtype`.
DTYPES = [np.dtype(name) for name in "?,i1,i2,i4,i8,u1,u2,u4,u8,f4,f8,c8,c16".split(",")]

PROGRESS = ctypes.CFUNCTYPE(c_bool, c_void_p, c_int64, POINTER(c_double), c_size_t)


class Parameter(ctypes.Structure):
    """`cot_parameter`"""

    _fields_ = [
        ("name", c_char_p),
        ("unit", c_char_p),
        ("text", c_char_p),
        ("dtype", c_int),
        ("rank", c_size_t),
        ("shape", POINTER(c_size_t)),
        ("bytes", c_size_t),
    ]

    def empty(self):
        """A new array for it."""
        return np.empty(self.shape[: self.rank], DTYPES[self.dtype])

    def __str__(self):
        shape = ",".join(map(str, self.shape[: self.rank]))
        unit = f" in {self.unit.decode()}" if self.unit else ""
        return f"{self.name.decode()}: {DTYPES[self.dtype]}[{shape}]{unit}. {self.text.decode()}"


class Buffer(ctypes.Structure):
    """`cot_buffer`"""

    _fields_ = [
        ("data", c_void_p),
        ("dtype", ctypes.c_int32),
        ("rank", c_size_t),
        ("shape", POINTER(c_size_t)),
        ("strides", POINTER(c_ssize_t)),
    ]

    def __init__(self, array):
        """The memory of an array, with whatever strides it has."""
        shape, strides = (c_size_t * array.ndim)(*array.shape), (c_ssize_t * array.ndim)(*array.strides)
        super().__init__(array.ctypes.data, DTYPES.index(array.dtype), array.ndim, shape, strides)


class Options(ctypes.Structure):
    """`cot_options`"""

    _fields_ = [("threads", c_size_t), ("progress", PROGRESS), ("user", c_void_p), ("cancel", c_void_p)]


class Kernel:
    """A kernel from a file."""

    handle = None

    def __init__(self, library, path):
        self.library = library = ctypes.CDLL(library)
        for name in ["last_error", "kernel_name", "kernel_text", "kernel_level", "function_name", "function_text"]:
            getattr(library, f"cot_{name}").restype = c_char_p
        for name in ["kernel_function_count", "function_argument_count", "function_result_count"]:
            getattr(library, f"cot_{name}").restype = c_size_t
        library.cot_kernel_function.restype = c_void_p
        self.handle = c_void_p()
        self.check(library.cot_kernel_load(str(path).encode(), byref(self.handle)))

    def __del__(self):
        if self.handle:
            self.library.cot_kernel_free(self.handle)

    def check(self, status):
        """Raises the library's message if a call has failed."""
        if status != 0:
            raise RuntimeError(self.library.cot_last_error().decode())

    def parameters(self, function, kind):
        """The arguments or the results of a function."""
        parameters = []
        for index in range(getattr(self.library, f"cot_function_{kind}_count")(function)):
            parameters.append(Parameter())
            self.check(getattr(self.library, f"cot_function_{kind}")(function, c_size_t(index), byref(parameters[-1])))
        return parameters

    def describe(self):
        """Prints what the kernel is."""
        library, kernel = self.library, self.handle
        print(f"{library.cot_kernel_name(kernel).decode()}, {library.cot_kernel_level(kernel).decode()}")
        print(library.cot_kernel_text(kernel).decode())
        for index in range(library.cot_kernel_function_count(kernel)):
            function = c_void_p(library.cot_kernel_function(kernel, c_size_t(index)))
            print(f"  {library.cot_function_name(function).decode()}: {library.cot_function_text(function).decode()}")
            for kind in "argument", "result":
                for parameter in self.parameters(function, kind):
                    print(f"    {kind} {parameter}")

    def function(self, name):
        """The function of a name."""
        function = c_void_p()
        self.check(self.library.cot_kernel_find(self.handle, name.encode(), byref(function)))
        return function

    def run(self, name, *arguments, threads=0, progress=None):
        """Runs a function on arrays and gives its results. `progress` gets the number of a row and its numbers; a true answer
        stops the run."""
        function = self.function(name)
        results = [parameter.empty() for parameter in self.parameters(function, "result")]
        read, written = ((Buffer * len(arrays))(*map(Buffer, arrays)) for arrays in (arguments, results))
        watch = PROGRESS(lambda _, row, values, columns: bool(progress(row, values[:columns]))) if progress else PROGRESS()
        options = Options(threads, watch)
        counts = c_size_t(len(read)), c_size_t(len(written))
        self.check(self.library.cot_run(function, read, counts[0], written, counts[1], byref(options)))
        return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernel")
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--library", default="libcotangent.so")
    arguments = parser.parse_args()

    kernel = Kernel(arguments.library, arguments.kernel)
    kernel.describe()
    (expected,) = kernel.parameters(kernel.function("solve"), "argument")
    degraded = np.fromfile(arguments.input, np.float32).reshape(expected.shape[: expected.rank])

    def show(row, values):
        print(f"iteration {row:3}: objective {values[0]:g}")

    restored = kernel.run("solve", degraded, progress=show)[0]
    restored.tofile(arguments.output)


if __name__ == "__main__":
    main()
