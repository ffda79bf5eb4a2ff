"""Pretrained networks: frozen Flax modules with activations ("taps") by name."""
