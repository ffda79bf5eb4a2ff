"""What there is to compute on: memory, compiled programs."""
