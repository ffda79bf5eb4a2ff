#!/usr/bin/env bash
# The benchmark, against PyTorch on this machine. Run it alone on the machine.
#
#   bash scripts/bench.sh --quick     a table in under 5 minutes, once installed
#   bash scripts/bench.sh --cpu       the CPU cases in full: about an hour
#   bash scripts/bench.sh --device    the GPU cases: 8 minutes of them; --resume goes on
#
# Further flags are those of `python -m bench.run`, such as --output=DIR, --cases=step,
# --minutes=10, --resume. The last two make bench/REPORT.md anew.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

case "${1:-}" in
  --quick | --cpu | --device) selection=${1#--} ;;
  *) fail "give --quick, --cpu or --device" ;;
esac
shift

cd "$root"
ensure_environment bench
"$venv/bin/python" -m bench.run "$selection" "$@"
case "$selection $*" in
  quick* | *--output* | *--list*) ;;
  *) "$venv/bin/python" -m bench.report ;;
esac
