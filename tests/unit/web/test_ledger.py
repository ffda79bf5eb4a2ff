"""What all threads share: wishes, as who paints comes to know them."""

import pytest

from nst_jax.web import ledger, records
from nst_jax.web.ledger import Ledger
from nst_jax.web.limits import Limits
from nst_jax.web.orders import Order
from nst_jax.web.records import Record


@pytest.mark.parametrize(("wish", "left"), [(ledger.DISCARD, []), (ledger.STOP, [1])])
def test_a_wish_that_comes_at_the_very_end_counts(tmp_path, wish, left):
    made = Ledger(tmp_path / "kept", Limits(), pytest.fail)
    order = Order("optimise", "photo-cat", ("painting-swirls",))
    made.add(Record("0123456789abcdef", order, 1.0, "cat", 64, 48, 20))
    record = made.next()
    # Whoever paints it has looked for wishes before, and is done.
    made.wish(record.id, wish)
    made.end(record.id, state=records.DONE, phase="done")
    assert [1 for job in made.jobs() if job["state"] == records.DONE] == left
    assert made.shelf.path(record.id).exists() == bool(left)
