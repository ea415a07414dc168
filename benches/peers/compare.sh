#!/bin/sh
# Measures this library, JAX and C in turn, several rounds, and prints one table.
#
#     compare.sh [ROUNDS [TEXT]]        TEXT: only the cases whose name contains it
#
# Sides alternate so that a machine that is busy or warm for a while is so for all of them. SECONDS_PER_CASE bounds the
# time for one case in one round.
set -eu
cd "$(dirname "$0")"
rounds=${1:-3}
only=${2:-}
seconds=${SECONDS_PER_CASE:-2}
./setup.sh
rm -rf rounds
mkdir rounds
(cd ../.. && cargo bench --quiet --bench compare --no-run)
for round in $(seq "$rounds"); do
    echo "round $round of $rounds" >&2
    (cd ../.. && cargo bench --quiet --bench compare -- --json "benches/peers/rounds/cotangent-$round.json" \
        --only "$only" --seconds "$seconds") >&2
    .venv/bin/python jax_peer.py --json "rounds/jax-$round.json" --only "$only" --seconds "$seconds" >&2
    for program in cg pdhg triad; do
        case stream_$program in *"${only%%[0-9_]*}"*) build/$program "$seconds" >"rounds/c-$program-$round.json" ;; esac
    done
done
.venv/bin/python table.py rounds
