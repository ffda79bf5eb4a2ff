"""Style transfer in one pass: trained networks that paint a picture at once."""
