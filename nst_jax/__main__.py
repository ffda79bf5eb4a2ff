"""`python -m nst_jax` is the program `nst-jax`."""

from nst_jax.commands.main import run

if __name__ == "__main__":
    run()
