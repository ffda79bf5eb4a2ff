#!/usr/bin/env bash
# From a fresh clone to a stylised picture: makes .venv, installs the project, fetches
# VGG-19, repaints an example photo, and says where the picture is and how long each
# part took. Flags of `nst-jax stylize` are passed on:
#
#   bash scripts/demo.sh
#   bash scripts/demo.sh --size=512 --steps=300 --output=mine.png
set -euo pipefail
. "$(dirname "$0")/environment.sh"

began=$SECONDS
lap() {
  printf '%-22s %4d s\n' "$1" $((SECONDS - began))
  began=$SECONDS
}

cd "$root"
ensure_environment
lap "environment"
"$venv/bin/nst-weights" fetch vgg19
lap "weights of VGG-19"
"$venv/bin/nst-jax" stylize examples/photos/cat.jpg examples/styles/swirls.jpg \
  --output=demo.png --size=256 --steps=80 --print_every=20 "$@"
lap "picture"
echo "The picture is in $root, or where --output says."
