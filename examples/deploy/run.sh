#!/usr/bin/env bash
# Compiles a solver to a kernel, runs it from C, once loaded and once linked, and from Python, and compares the results with
# those of the program that is compiled in memory, bit for bit. Run from anywhere; needs cargo, cc and python3.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=${CARGO_TARGET_DIR:-target}
library=$target/debug
out=$target/deploy
mkdir -p "$out"

# The problem and its solution, as the command line has them: a photograph with noise.
cargo run --quiet --bin cotangent -- solve denoise-tv --save-arrays "$out"
shape=$(python3 - "$out" <<'PYTHON'
import ast
import sys
for name in ["degraded", "restored"]:
    with open(f"{sys.argv[1]}/{name}.npy", "rb") as file:
        magic, length = file.read(8), int.from_bytes(file.read(2), "little")
        assert magic == b"\x93NUMPY\x01\x00", magic
        header = ast.literal_eval(file.read(length).decode())
        assert header["descr"] == "<f4" and not header["fortran_order"], header
        with open(f"{sys.argv[1]}/{name}.f32", "wb") as raw:
            raw.write(file.read())
print("x".join(map(str, header["shape"])))
PYTHON
)

# The same as a kernel, and the library that runs it: there is no compiler in it.
cargo run --quiet --bin cotangent -- compile denoise-tv --shape "$shape" -o "$out/denoise_tv.cot" --header "$out/denoise_tv.h"
cargo build --quiet -p cotangent-c

say() { printf '\n== %s\n' "$*"; }
flags=(-std=c11 -Wall -Wextra -Werror -O2 -Icapi/include "-I$out" examples/deploy/solve.c)

say 'C, with a kernel that is loaded'
cc "${flags[@]}" "-L$library" -lcotangent -o "$out/solve-loaded"
LD_LIBRARY_PATH=$library "$out/solve-loaded" "$out/denoise_tv.cot" "$out/degraded.f32" "$out/loaded.f32"

say 'C, with a kernel that is linked'
cc "${flags[@]}" -DLINKED "$out/denoise_tv.cot" "$library/libcotangent.a" -lpthread -ldl -lm -o "$out/solve-linked"
"$out/solve-linked" "$out/degraded.f32" "$out/linked.f32"

say 'Python'
ways=(loaded linked)
# NumPy comes from the system or into an environment of its own; without a network there may be none.
python=python3
if ! "$python" -c 'import numpy' 2>/dev/null; then
    python=$out/venv/bin/python
    "$python" -c 'import numpy' 2>/dev/null || { python3 -m venv "$out/venv" && "$python" -m pip install --quiet numpy; } || true
fi
if "$python" -c 'import numpy' 2>/dev/null; then
    "$python" examples/deploy/solve.py "$out/denoise_tv.cot" "$out/degraded.f32" "$out/python.f32" \
        --library "$library/libcotangent.so"
    ways+=(python)
else
    echo 'left out: there is no NumPy, and it cannot be installed here'
fi

for way in "${ways[@]}"; do
    cmp "$out/restored.f32" "$out/$way.f32"
done
say 'all results are the same, bit for bit'
