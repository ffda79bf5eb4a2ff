"""Programs are compiled as their users have them, whatever speeds up the other tests."""

import pytest


@pytest.fixture(autouse=True)
def _optimised(request, monkeypatch):
    """For the processes that slow tests start."""
    if request.node.get_closest_marker("slow"):
        monkeypatch.delenv("XLA_FLAGS", raising=False)
