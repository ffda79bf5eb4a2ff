"""One reader a file format; each returns arrays under the source file's own keys."""
