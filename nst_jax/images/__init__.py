"""Image files, resizing and colour: the border between files and arrays."""
