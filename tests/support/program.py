"""The program, run in the tests' process."""

from nst_jax.commands import main


def run(*arguments: object) -> int | str | None:
    """The exit status of `nst-jax` with these arguments."""
    try:
        return main.main(main._parse(["nst-jax", *map(str, arguments)]))
    except SystemExit as stop:
        return stop.code
