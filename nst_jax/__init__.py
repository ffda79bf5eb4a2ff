"""Neural style transfer at accelerator speed."""

__version__ = "0.1.0"
