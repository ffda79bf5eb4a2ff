"""The one error of this room."""


class ImageError(ValueError):
    """One line: which file or argument, what is wrong with it, what to do."""
