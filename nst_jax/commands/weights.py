"""The program `nst-weights`: `weights_convert`'s, and the command that needs JAX."""

from nst_jax.commands import normalize
from weights_convert import commands


def run() -> None:
    """Entry of the program `nst-weights`."""
    commands.run(normalize.add_parser)


if __name__ == "__main__":
    run()
