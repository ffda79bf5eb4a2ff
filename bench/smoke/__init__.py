"""Whether the project runs as it should on this device: a few checks, a line for each.

    python3 -m bench.smoke --device=gpu --output=smoke.jsonl

A minute or two, before anything is measured. Needs jax, flax, optax, safetensors,
pillow, numpy, scipy, tqdm, psutil and filelock; no network, no stored weights.
"""
