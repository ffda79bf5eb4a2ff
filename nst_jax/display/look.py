"""What all our pages look like: the style sheet that they share."""

import importlib.resources


def css() -> str:
    """Colours, type and controls, in CSS: light and dark, as `color-scheme` says."""
    file = importlib.resources.files(__package__) / "templates" / "look.css"
    return file.read_text(encoding="utf-8")
