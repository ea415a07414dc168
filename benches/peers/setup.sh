#!/bin/sh
# Makes what the peers need: a Python environment with pinned packages, and the C programs.
#
#     setup.sh [scico]        scico: with SCICO, for the cases of operators and solvers
set -eu
cd "$(dirname "$0")"
if ! .venv/bin/python -c 'import jax; assert jax.__version__ == "0.8.1"' 2>/dev/null; then
    python3 -m venv .venv
    .venv/bin/pip install --quiet 'jax==0.8.1' 'jaxlib==0.8.1' 'numpy==2.4.6'
fi
if [ "${1:-}" = scico ] && ! .venv/bin/python -c 'import scico; assert scico.__version__ == "0.0.7"' 2>/dev/null; then
    .venv/bin/pip install --quiet 'scico==0.0.7' 'jax==0.8.1' 'jaxlib==0.8.1' 'numpy==2.4.6' 'PyAbel==0.9.1'
fi
mkdir -p build
for program in cg pdhg triad; do
    "${CC:-gcc}" -std=c11 -Wall -Wextra -O3 -march=native -ffast-math -fopenmp $program.c -o build/$program -lm
done
