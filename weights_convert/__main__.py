"""`python -m weights_convert` is the program `nst-weights`, without `normalize`."""

from weights_convert.commands import run

if __name__ == "__main__":
    run()
