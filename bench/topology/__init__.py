"""What the compiler says of the project's programs for TPUs, without any TPU.

Estimates, never measurements: libtpu compiles a program for a chip that isn't here, and
tells what it would compute, read and need. `python -m bench.topology` asks it.
"""
