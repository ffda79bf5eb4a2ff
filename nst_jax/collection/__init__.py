"""A folder of results: names, manifest, gallery, contact sheet."""
