"""What a run shows of itself: a bar of iterations, the curve of its losses; no JAX."""
