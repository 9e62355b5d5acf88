"""The arithmetic of lots: nothing is made, nothing is lost, what expires first goes first (rule 9)."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referrals.rewarding.voucher_lots import Moves, Part, Undo, moved, moves, redeem, split, total, undo

Purse = Counter[tuple[int, str]]  # by lot and account

amounts = st.integers(1, 10**9)
parts = st.lists(amounts, max_size=8).map(lambda minors: [Part(n, minor) for n, minor in enumerate(minors)])


def after(purse: Purse, found: Moves) -> Purse:
    changed = Purse(purse)
    for lot, pairs in found.items():
        for account, minor in pairs:
            changed[lot, account] += minor
    return Purse({where: minor for where, minor in changed.items() if minor})


def holding(found: list[Part], account: str) -> Purse:
    return Purse({(part.bonus_id, account): part.minor for part in found})


def of(purse: Purse, account: str) -> dict[int, int]:
    return {lot: minor for (lot, name), minor in purse.items() if name == account}


@given(parts, st.integers(0, 10**10))
def test_a_split_takes_from_the_front_and_loses_nothing(found: list[Part], amount: int) -> None:
    taken, rest = split(found, amount)

    assert total(taken) == min(amount, total(found))
    assert Counter({p.bonus_id: p.minor for p in taken}) + Counter({p.bonus_id: p.minor for p in rest}) == Counter(
        {p.bonus_id: p.minor for p in found}
    )
    assert all(one.bonus_id <= other.bonus_id for one in taken for other in rest)
    assert all(one.bonus_id < other.bonus_id for each in (taken, rest) for one, other in pairwise(each))


@given(parts, st.integers(0, 10**10), st.booleans())
def test_what_is_redeemed_and_undone_lies_where_it_lay(found: list[Part], amount: int, keep_rest: bool) -> None:
    """Each lot for itself, to the cent."""
    voucher = holding(found, "reserved")

    used = redeem(found, amount, keep_rest=keep_rest)
    spent = after(voucher, used)
    back = undo(
        Undo(of(spent, "redeemed"), of(spent, "available"), of(spent, "available"), {}, debt_minor=0), stands=True
    )

    assert moved(used, "redeemed") == min(amount, total(found))
    assert moved(used, "available") == (0 if keep_rest else total(found) - moved(used, "redeemed"))
    assert after(spent, back) == voucher


lots = st.dictionaries(st.integers(0, 5), amounts)
undoings = st.builds(Undo, lots, lots, lots, lots, st.integers(0, 10**9))


@given(undoings, st.booleans())
def test_whatever_happened_meanwhile_no_lot_gives_what_it_has_not(known: Undo, stands: bool) -> None:
    """Rule 9: debts are paid by the lots that left them, and never more than is owed."""
    before = Purse({(lot, "redeemed"): minor for lot, minor in known.redeemed.items()})
    before.update({(lot, "available"): minor for lot, minor in known.available.items()})

    found = undo(known, stands=stands)
    now = after(before, found)

    assert all(sum(minor for _, minor in pairs) == 0 for pairs in found.values())
    assert all(minor > 0 for minor in now.values())
    assert not of(now, "redeemed")
    assert 0 <= moved(found, "debt") <= known.debt_minor
    assert all(now[lot, "debt"] <= known.owed.get(lot, 0) for lot in known.redeemed)
    assert stands or not of(now, "reserved")


@pytest.mark.parametrize(
    "parts, amount, keep_rest, expected",
    [
        ([], 5, False, {}),
        ([Part(1, 5)], 5, False, {1: (("reserved", -5), ("redeemed", 5))}),
        ([Part(1, 5)], 2, True, {1: (("reserved", -2), ("redeemed", 2))}),
        ([Part(1, 5)], 2, False, {1: (("reserved", -5), ("redeemed", 2), ("available", 3))}),
    ],
)
def test_one_posting_a_lot(parts: list[Part], amount: int, keep_rest: bool, expected: Moves) -> None:
    assert redeem(parts, amount, keep_rest=keep_rest) == expected


def test_moves_leave_one_account_for_the_other() -> None:
    assert moves([Part(7, 3)], "available", "debt") == {7: (("available", -3), ("debt", 3))}
