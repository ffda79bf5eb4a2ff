"""Style transfer by optimisation; the files are its steps."""
