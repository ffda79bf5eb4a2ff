"""The order in which jobs wait."""

import json

import pytest

from nst_jax.web.queue import Queue
from nst_jax.web.refusals import ConflictError


def test_jobs_wait_in_an_order_that_can_be_changed(tmp_path):
    path = tmp_path / "queue.json"
    queue = Queue(path, [])
    for name in "abcd":
        queue.add(name)
    queue.add("a")  # It waits already: it doesn't do so twice.
    queue.add("c", first=True)
    queue.move("d", "b")
    queue.move("a", None)
    queue.move("b", "b")
    assert [queue.place(name) for name in "dbca"] == [0, 1, 2, 3]
    queue.remove("b")
    queue.remove("unknown")
    queue.add("e", first=True)
    assert queue.place("b") is None
    for pair in (("x", None), ("a", "x")):
        with pytest.raises(ConflictError, match="job x doesn't wait"):
            queue.move(*pair)
    # At the next start it is the same, and jobs that it doesn't know come last.
    again = Queue(path, ["n", "a", "c", "e"])
    assert len(again) == 4
    assert [again.next() for _ in range(5)] == ["e", "c", "a", "n", None]
    assert json.loads(path.read_text()) == []
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"{", b"null", b"5", b"[1, null]", b"[" * 10**5])
def test_a_damaged_file_is_no_order(tmp_path, content):
    (tmp_path / "queue.json").write_bytes(content)
    queue = Queue(tmp_path / "queue.json", ["b", "a"])
    assert [queue.next(), queue.next(), queue.next()] == ["b", "a", None]
