"""The drill, line 13: whatever arrives first, the books are the same."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tests.drill.conftest import Start
from tests.world import Ambassador, World, friend

Event = tuple[str, dict[str, Any]]
PERCENT = {"bonus__ambassador__kind": "percent", "bonus__ambassador__percent": "10"}


async def test_states_of_one_order_in_every_order_of_arrival(start: Start) -> None:
    """Drill 13, rules 1 and 7: sign-up, paid, part refund and the last part, in all 24 orders."""
    world = await start(**PERCENT)
    books = set()

    for number, places in enumerate(itertools.permutations(range(4))):
        anna = await world.ambassador(f"Anna{number}")
        events = one_order(world, anna, number)
        await arrive(world, [events[place] for place in places])
        books.add(await summary(world, anna))

    assert books == {((("held_minor", 300),), ("on_hold",))}


async def test_two_orders_of_one_friend_in_every_order_of_arrival(start: Start) -> None:
    """Drill 13, rules 6a and 7: the earliest order earns; when it is sent back, the next takes its place."""
    world = await start(**PERCENT)
    books = set()

    for number, places in enumerate(itertools.permutations(range(4))):
        anna = await world.ambassador(f"Anna{number}")
        events = two_orders(world, anna, number)
        await arrive(world, [events[place] for place in places])
        books.add(await summary(world, anna))

    assert books == {((("held_minor", 500),), ("on_hold",))}


def one_order(world: World, anna: Ambassador, number: int) -> Sequence[Event]:
    """€ 90 with the code at the checkout, of which 30 and then 60 come back."""
    buyer, order, day = friend(number), f"o{number}", timedelta(days=1)
    start = world.now - 5 * day
    about = {"at": start + day, "code": anna.code}
    return [
        account(number, anna, start.isoformat()),
        ("order.state", world.state(order, buyer, **about)),
        ("order.state", world.state(order, buyer, **about, refunded="30.00", updated_at=iso(start + 2 * day))),
        ("order.state", world.state(order, buyer, **about, refunded="60.00", updated_at=iso(start + 3 * day))),
    ]


def two_orders(world: World, anna: Ambassador, number: int) -> Sequence[Event]:
    """€ 90, then € 50 a day later; the first is sent back."""
    buyer, day = friend(number), timedelta(days=1)
    start = world.now - 5 * day
    first = {"at": start + day, "code": anna.code}
    second = {"at": start + 2 * day, "total": "50.00"}
    return [
        account(number, anna, start.isoformat()),
        ("order.state", world.state(f"a{number}", buyer, **first)),
        ("order.state", world.state(f"b{number}", buyer, **second, customer=buyer.body() | {"orders": None})),
        ("order.state", world.state(f"a{number}", buyer, **first, status="refunded", refunded="90.00",
                                    updated_at=iso(start + 3 * day))),
    ]  # fmt: skip


def account(number: int, anna: Ambassador, created_at: str) -> Event:
    """The friend's sign-up through the link."""
    buyer = friend(number)
    return "customer.state", {"id": buyer.id, "email": buyer.email, "codes": [anna.code], "created_at": created_at}


async def arrive(world: World, events: Sequence[Event]) -> None:
    """One after the other, and the first once more at the end."""
    for kind, data in [*events, events[0]]:
        answer = await world.hook(kind, data)
        assert answer.status == 200
        assert answer.body["status"] != "quarantined"


async def summary(world: World, anna: Ambassador) -> tuple[Any, ...]:
    """The accounts and the friends, to be compared."""
    balance = await world.balance(anna)
    return tuple(sorted(balance.items())), tuple(row["status"] for row in await world.referrals(anna))


def iso(moment: Any) -> str:
    return str(moment.isoformat())
