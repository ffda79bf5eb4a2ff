"""All GPU cases: `python -m bench.device`, with the flags of `python -m bench.run`.

Needs nothing installed but jax with its CUDA plugin, flax, optax, torch, safetensors,
pillow and the like, and no network: without stored weights it takes random ones.
"""

import sys

from bench import run

if __name__ == "__main__":
    run.main(["device", *sys.argv[1:]])
