"""Whatever order deliveries arrive in, the books are the same (rules 1, 6, 7; drill line 13)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from referrals.reasons import UNDER_REVIEW
from referrals.recruiting.shops import Buyer, OrderState
from storage.database import Database
from storage.ledger import Bonus
from tests.builders import NOON, Shop, later, order

MONTH_CAP = 2
_worlds = count(1)


@dataclass(frozen=True)
class Purchase:
    """One order of one friend: who is pointed at, how much, and what became of it."""

    friend: int
    ambassador: int | None
    by_click: bool
    total: int
    minutes: int
    fates: tuple[str, ...]


purchases = st.lists(
    st.builds(
        Purchase,
        friend=st.integers(0, 2),
        ambassador=st.one_of(st.none(), st.integers(0, 1)),
        by_click=st.booleans(),
        total=st.sampled_from([2000, 2500, 9000, 60_000]),
        minutes=st.integers(0, 300),
        fates=st.sampled_from([(), ("part",), ("refunded",), ("cancelled",), ("part", "refunded"), ("completed",)]),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("when", ["first_order", "every_order"])
@pytest.mark.parametrize("kind", ["fixed", "percent"])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bought=purchases, seed=st.randoms(use_true_random=False))
def test_every_order_of_arrival_makes_the_same_books(
    database: Database, bought: list[Purchase], seed: object, when: str, kind: str
) -> None:
    """Rule 7: within the hold, budget apart. One configuration a database: terms are pinned by their day.

    What an owner is to look at may differ: suspicion rests on what is known when a bonus is made, and moves no money.
    """
    keys = {"bonus__ambassador__percent": "10"} if kind == "percent" else {}
    shop = Shop(
        database, bonus__ambassador__when=when, bonus__ambassador__kind=kind, bonus__ambassador__per_month=MONTH_CAP,
        bonus__ambassador__budget_per_month="none", fraud__review_score=101, **keys,
    )  # fmt: skip
    in_order, shuffled = (_play(shop, bought, shuffle=shuffle) for shuffle in (None, seed))

    assert in_order == shuffled
    assert shop.faults() == []


def _play(shop: Shop, bought: list[Purchase], *, shuffle: object) -> dict[int, list[tuple[int, str, list[str]]]]:
    """The bonuses of each purchase once everything has arrived, in a world of their own."""
    world = next(_worlds)
    people = [shop.ambassador(f"world{world}-ambassador{number}") for number in range(2)]
    states = _states(world, bought, codes=[code for _, code in people])
    if shuffle is not None:
        shuffle.shuffle(states)  # type: ignore[attr-defined] # Hypothesis' own random.Random
    for state in states:
        shop.deliver(state, now=NOON + timedelta(hours=12))
    owners = {customer_id: number for number, (customer_id, _) in enumerate(people)}
    found: dict[int, list[tuple[int, str, list[str]]]] = {}
    for row in shop.rows(Bonus):
        if row["customer_id"] in owners and row["amount_minor"]:
            place = int(row["sort_key"].rpartition("-")[2])
            codes = [why["code"] for why in row["reasons"] if why["code"] != UNDER_REVIEW]
            found.setdefault(place, []).append((owners[row["customer_id"]], str(row["amount_minor"]), codes))
    return found


def _states(world: int, bought: list[Purchase], *, codes: list[str]) -> list[OrderState]:
    states = []
    placed = sorted(enumerate(bought), key=lambda item: (item[1].minutes, str(item[0])))
    orders_of: dict[int, int] = {}
    for place, purchase in placed:
        orders_of[purchase.friend] = orders_of.get(purchase.friend, 0) + 1
        buyer = Buyer(
            f"w{world}f{purchase.friend}", f"w{world}f{purchase.friend}@example.nl", orders=orders_of[purchase.friend]
        )
        code = None if purchase.ambassador is None else codes[purchase.ambassador]
        at = NOON + timedelta(minutes=purchase.minutes)
        paid = order(f"w{world}-{place}", buyer, total=purchase.total, at=at)
        paid = replace(paid, ref=code) if purchase.by_click else replace(paid, codes=(code,) if code else ())
        states.append(paid)
        for number, fate in enumerate(purchase.fates, start=1):
            refunded = {"part": purchase.total // 2, "refunded": purchase.total}.get(fate, 0)
            status = {"part": "paid"}.get(fate, fate)
            states.append(later(paid, 10 * number, status=status, refunded_minor=refunded))
    return states
