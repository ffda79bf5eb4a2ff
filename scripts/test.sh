#!/usr/bin/env bash
# Makes .venv if it is missing, installs what the tests need, and runs the tests.
# Arguments are passed on to pytest:
#
#   bash scripts/test.sh
#   bash scripts/test.sh tests/unit/losses -x
set -euo pipefail
. "$(dirname "$0")/environment.sh"

cd "$root"
ensure_environment test
# Two at a time: compiling keeps one core busy, and the machines are small. Each goes
# through files one after the other, whose tests share what they compiled.
exec "$venv/bin/python" -m pytest --numprocesses=2 --dist=worksteal "$@"
