#!/bin/sh
# Makes what the peers need: a Python environment with pinned packages, and the C programs.
set -eu
cd "$(dirname "$0")"
if ! .venv/bin/python -c 'import jax; assert jax.__version__ == "0.8.1"' 2>/dev/null; then
    python3 -m venv .venv
    .venv/bin/pip install --quiet 'jax==0.8.1' 'jaxlib==0.8.1' 'numpy==2.4.6'
fi
mkdir -p build
for program in cg pdhg triad; do
    "${CC:-gcc}" -std=c11 -Wall -Wextra -O3 -march=native -ffast-math -fopenmp $program.c -o build/$program -lm
done
