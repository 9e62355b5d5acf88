"""What one order may use together: the matrix of pairs (R5)."""

from __future__ import annotations

import pytest

from referrals.rewarding.stacking import stands_beside

PURPOSES = ("credit", "gift")


@pytest.mark.parametrize("stackable", [(), ("credit",), ("gift",), PURPOSES])
def test_two_go_together_where_both_are_named(stackable: tuple[str, ...]) -> None:
    together = {
        (one, other) for one in PURPOSES for other in PURPOSES if stands_beside(one, other, stackable=stackable)
    }
    assert together == {(one, other) for one in stackable for other in stackable}
