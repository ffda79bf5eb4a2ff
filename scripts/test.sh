#!/usr/bin/env bash
# Makes .venv if it is missing, installs what the tests need, and runs the tests.
# Arguments are passed on to pytest:
#
#   bash scripts/test.sh
#   bash scripts/test.sh tests/unit/losses -x
set -euo pipefail
. "$(dirname "$0")/environment.sh"

cd "$root"
case "$*" in
*slow*) ensure_environment test notebook ;;
*browser*) ensure_environment browser ;;
*) ensure_environment test ;;
esac
# Tests compile much and compute little: code that is not optimised is made in half the
# time, and in a quarter less without the emitters of fusions, which later versions of XLA
# can't do without. Slow tests of whole programs clear this, for code as users have it.
quick="--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
xla=$("$venv/bin/python" -c 'from importlib.metadata import version; print(version("jaxlib"))')
case $xla in
0.10.*) quick="$quick --xla_cpu_use_fusion_emitters=false" ;;
esac
export XLA_FLAGS="${XLA_FLAGS-$quick}"
# Two at a time: compiling keeps one core busy, and the machines are small. Each goes
# through files one after the other, whose tests share what they compiled.
exec "$venv/bin/python" -m pytest --numprocesses=2 --dist=worksteal "$@"
