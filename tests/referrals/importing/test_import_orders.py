from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from referrals.importing.orders import import_orders
from referrals.recruiting.orders import Arrival, apply_orders
from referrals.recruiting.shops import Buyer, OrderState
from storage.database import Database
from storage.mailbox import Outbox
from storage.orders import Order
from tests.builders import BRAM, NOON, Shop, friend, later, order
from tests.engines import lent_url
from tests.referrals.importing.books_of import stored
from tests.referrals.rewarding.purse import Purse

LONG_AGO = NOON - timedelta(days=400)


def bring(shop: Shop, *states: OrderState) -> list[str]:
    """These orders are imported in one transaction."""
    return shop.database.run(import_orders, states, programme=shop.programme, now=shop.now)


class Undone(Exception):
    """Ends a transaction of which nothing is to stay."""


def what_if(shop: Shop, deed: Callable[[Session], Any]) -> dict[str, list[str]]:
    """All that would be stored after the deed."""
    found: dict[str, list[str]] = {}

    def tried(session: Session) -> None:
        deed(session)
        session.flush()
        found.update(stored(session))
        raise Undone

    tried.books = True  # type: ignore[attr-defined]  # as the decorator marks a use case
    with pytest.raises(Undone):
        shop.database.run(tried)
    return found


def buyers() -> st.SearchStrategy[Buyer]:
    """Six accounts and five addresses, which do not always go together, and phones that two of them share."""
    return st.builds(
        Buyer,
        id=st.sampled_from([None, "Anna", "1", "2", "3", "4"]),
        email=st.sampled_from([None, "anna@example.nl", "a@example.nl", "b@example.nl", "nonsense"]),
        phone=st.sampled_from([None, None, "0612345678", "+31 6 87654321"]),
        orders=st.sampled_from([None, None, 1, 2]),
    )


def states(codes: Sequence[str], prefix: str) -> st.SearchStrategy[list[OrderState]]:
    """Orders of two years, each once, one in four with a code, known, unknown or the buyer's own."""
    one = st.builds(
        lambda buyer, code, status, days, test, back: (buyer, code, status, days, test, back),
        buyers(),
        st.sampled_from([None, None, None, *codes]),
        st.sampled_from(["paid", "completed", "pending", "cancelled", "refunded"]),
        st.integers(0, 700),
        st.sampled_from([False, False, False, True]),
        st.sampled_from([0, 0, 4000, 9000]),
    )
    return st.lists(one, min_size=1, max_size=12).map(
        lambda rows: [
            order(
                f"{prefix}{place}", buyer, code=code, status=status, at=NOON - timedelta(days=days), test=test,
                refunded_minor=back,
            )
            for place, (buyer, code, status, days, test, back) in enumerate(rows)
        ]
    )  # fmt: skip


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Anna and Mats have codes; nothing that a test tries there stays."""
    folder: Path = tmp_path_factory.mktemp("played")
    database = Database.open(lent_url("sqlite", folder))
    yield Shop(database)
    database.close()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_import_makes_the_rows_that_hooks_would_have_made(played: Shop, data: st.DataObject) -> None:
    """Rules 1-16: what stands before, what is imported in one list, and what comes by hook later are drawn."""
    anna, mats = (played.ambassador(name)[1] for name in ("Anna", "Mats"))
    before, past, after = (data.draw(states((anna, mats, "NOBODY"), prefix)) for prefix in "bpa")
    known: dict[str, Any] = {"programme": played.programme, "now": NOON}

    def by(way: Callable[[Session], Any]) -> Callable[[Session], None]:
        def deed(session: Session) -> None:
            apply_orders(session, [Arrival(state, NOON) for state in before], **known)
            way(session)
            apply_orders(session, [Arrival(state, NOON) for state in after], **known)

        return deed

    hooks = what_if(played, by(lambda session: apply_orders(session, [Arrival(one, NOON) for one in past], **known)))
    imported = what_if(played, by(lambda session: import_orders(session, past, **known)))

    assert imported == hooks


def test_the_same_orders_again_change_nothing(database: Database) -> None:
    """Rule 1: an older state changes nothing, and neither does the same."""
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    past = [order(1, BRAM, at=LONG_AGO), order(2, friend(2), code=code), order(3, friend(3), status="pending")]
    assert bring(shop, *past) == ["applied"] * 3
    before = shop.database.look(stored)

    assert bring(shop, *past) == ["unchanged"] * 3
    assert bring(shop, replace(past[0], updated_at=LONG_AGO - timedelta(days=1), status="cancelled")) == ["unchanged"]
    assert shop.database.look(stored) == before


def test_of_two_states_of_one_order_in_a_file_the_newer_one_stands(database: Database) -> None:
    """Rule 1, in both orders of the rows."""
    shop = Shop(database)
    for number, turn in ((1, 1), (2, -1)):
        first = order(number, friend(number), at=LONG_AGO)
        bring(shop, *[first, later(first, status="refunded", refunded_minor=9000)][::turn])
    assert [row["status"] for row in shop.rows(Order)] == ["refunded"] * 2


def test_nobody_hears_of_an_import(database: Database) -> None:
    """Rule 28: bonuses that it earns are booked; what is long past is no news."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    bring(shop, order(1, friend(1), code=code), order(2, friend(1), code=code), order(3, BRAM, code="NOBODY"))
    assert shop.balance(anna).held_minor == 1500
    assert shop.rows(Outbox) == []


def test_an_imported_order_makes_its_buyer_an_existing_customer(database: Database) -> None:
    """Rule 13: imports count."""
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    bring(shop, order(1, replace(BRAM, id=None), at=LONG_AGO))
    shop.deliver(order(2, BRAM, code=code))
    assert shop.reasons("2") == ["friend_is_existing_customer"]


def test_an_order_that_had_come_to_nothing_gives_back_what_its_shop_took_of_a_voucher(database: Database) -> None:
    """Rule 9: the till had said so before the file told of the order."""
    purse = Purse(Shop(database), bonuses=1)
    purse.redeem(purse.issue(None).code, 1000, order="1001")
    bring(purse.shop, order(1001, friend(50), status="cancelled", at=purse.shop.now))
    assert (purse.accounts(), purse.faults()) == ((0, 0, 1500, 0, 0), [])
