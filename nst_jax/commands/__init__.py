"""The `nst-jax` program, one file a command."""
