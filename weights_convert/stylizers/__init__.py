"""Style networks of one pass: files of other systems, brought to our own form."""
