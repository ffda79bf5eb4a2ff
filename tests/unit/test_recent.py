"""What is kept within bounds."""

import random

from nst_jax.recent import Recent


def test_what_was_asked_for_longest_ago_is_forgotten():
    kept = Recent[str, int](3)
    kept["a"], kept["b"], kept["c"] = 1, 2, 3
    assert kept.get("a") == 1
    kept["d"] = 4
    assert kept.get("b") is None
    assert "c" in kept  # To look is no use.
    kept["e"] = 5
    assert "c" not in kept
    assert (kept.get("a"), kept.get("d"), kept.get("e")) == (1, 4, 5)


def test_sizes_count_and_what_is_too_large_is_not_kept():
    kept = Recent[int, str](10, len)
    kept[1], kept[2] = "12345", "12345"
    kept[3] = "x" * 11
    assert 1 in kept
    assert 2 in kept
    assert 3 not in kept
    kept[1] = "1"
    kept[4] = "1234"
    assert all(key in kept for key in (1, 2, 4))
    kept[2] = "x" * 11  # The old value is gone, too.
    assert [key for key in range(5) if key in kept] == [1, 4]


def test_as_a_list_that_is_cut():
    rng = random.Random(0)
    kept, model = Recent[int, int](9, lambda value: value), []
    for _ in range(2000):
        key, value = rng.randrange(6), rng.randrange(1, 12)
        model = [pair for pair in model if pair[0] != key]
        kept[key] = value
        if value <= 9:
            model.append((key, value))
        while sum(value for _, value in model) > 9:
            model.pop(0)
        asked = rng.randrange(6)
        model.sort(key=lambda pair: pair[0] == asked)  # Stable: the asked one is last.
        assert kept.get(asked) == dict(model).get(asked)
        assert all((key in kept) == (key in dict(model)) for key in range(6))
