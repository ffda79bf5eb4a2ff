"""A working folder, and weights that work."""

from support.batch_folder import folder
from support.stored_weights import home

__all__ = ["folder", "home"]
