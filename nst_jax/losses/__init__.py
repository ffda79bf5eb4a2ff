"""Content, style and total-variation losses: pure functions of views."""
