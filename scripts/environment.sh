# Sourced by the other scripts: makes the project's virtual environment, .venv.
#
#   ensure_environment EXTRA...   installs the project, editable, with these extras
#
# Nothing is installed again while pyproject.toml stays the same. PYTHON names another
# interpreter than python3; NST_VENV another place than .venv.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${NST_VENV:-$root/.venv}

fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

make_venv() {
  local python=${PYTHON:-python3}
  command -v "$python" >/dev/null || fail "$python not found: install Python 3.11 to 3.13"
  "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
    fail "$("$python" --version) is not supported: set PYTHON to a Python 3.11 to 3.13"
  "$python" -m venv "$venv" || {
    rm -rf "$venv"
    fail "no virtual environment could be made (on Debian: apt install python3-venv)"
  }
}

ensure_environment() {
  local extra extras stamp
  # `nvidia-smi` comes with the driver.
  if command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; then
    set -- "$@" cuda13
  fi
  [ -x "$venv/bin/python" ] || make_venv
  for extra in "${@:-base}"; do
    stamp=$venv/.nst-$extra
    if [ ! -e "$stamp" ] || [ "$root/pyproject.toml" -nt "$stamp" ]; then
      extras="${extras:+$extras,}$extra"
    fi
  done
  [ -n "${extras:-}" ] || return 0
  local wanted=$root
  [ "$extras" = base ] || wanted="$root[$extras]"
  "$venv/bin/python" -m pip install --disable-pip-version-check --quiet \
    --editable "$wanted" || fail "the installation failed, see above"
  for extra in "${@:-base}"; do touch "$venv/.nst-$extra"; done
}
