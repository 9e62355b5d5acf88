"""Orders under the address of somebody who was brought: the evidence ``email``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from referrals.recruiting.attribution import Evidence, FriendFacts, OrderFacts, Rules, attribute
from referrals.rewarding.release import due_bonuses, release_bonuses
from storage.database import Database
from storage.ledger import Bonus
from storage.orders import Order
from tests.referrals.recruiting.cast import DAY, HOUR, SHOP, TUESDAY, Cast, codes_of, make_programme
from tests.rows import rows_of

EVIDENCE = ["voucher", "code", "sign_up", "click", "email"]
BRAM = "bram@example.com"


def cast_of(database: Database, **attribution: Any) -> Cast:
    return Cast(database, make_programme(attribution={"evidence": EVIDENCE} | attribution))


def brought(cast: Cast, *, at: datetime = TUESDAY) -> tuple[int, int, str]:
    """Anna, Bram whom she brought, and her code."""
    anna, code = cast.ambassador()
    bram = cast.customer("1", email=BRAM, ref=code.code, created_at=at)
    return anna, bram, code.code


def evidence(cast: Cast, id: str) -> list[tuple[str, int, str | None]]:
    found = next(row for row in rows_of(cast.database, Order) if row["external_id"] == id)["evidence"]
    return [(each["kind"], each["ambassador_id"], each.get("lost")) for each in found]


def test_a_second_account_under_a_friends_address_is_the_ambassadors(database: Database) -> None:
    """Rules 11 and 12: it counts at the date of the friend's own evidence, and joins nobody."""
    cast = cast_of(database)
    anna, bram, _ = brought(cast)

    done = cast.order("1001", buyer="2", email="Bram+shop@Example.com", at=TUESDAY + HOUR)

    assert done.customer_id not in (bram, None)
    pair = cast.pairs(done.customer_id or 0)[anna]
    assert (pair["evidence"], pair["evidence_at"], pair["standing"]) == ("email", TUESDAY, True)
    assert evidence(cast, "1001") == [("email", anna, None)]
    assert cast.held(anna) == 1500
    assert cast.audit() == []


def test_without_the_key_an_address_says_nothing(database: Database) -> None:
    """Rule 12: evidence is what the configuration names."""
    cast = Cast(database, make_programme())
    anna, _, _ = brought(cast)

    done = cast.order("1001", buyer="2", email=BRAM, at=TUESDAY + HOUR)

    assert codes_of(done.reasons) == ["no_evidence"]
    assert (evidence(cast, "1001"), cast.held(anna)) == ([], 0)


@pytest.mark.parametrize(
    "ordered, why", [(TUESDAY - HOUR, "order_before_sign_up"), (TUESDAY + 31 * DAY, "outside_window")]
)
def test_a_borrowed_date_counts_like_any_other(database: Database, ordered: datetime, why: str) -> None:
    """Rule 11: not after the order, and in the window."""
    cast = cast_of(database)
    anna, _, _ = brought(cast)
    cast.now = max(cast.now, ordered)

    assert codes_of(cast.order("1001", buyer="2", email=BRAM, at=ordered).reasons) == [why]
    assert cast.held(anna) == 0


def test_stronger_evidence_wins_and_the_address_is_a_stored_loser(database: Database) -> None:
    """Rule 12: the kinds in their configured order."""
    cast = cast_of(database)
    anna, _, _ = brought(cast)
    chris, code = cast.ambassador("88", email="chris@example.com")

    done = cast.order("1001", buyer="2", email=BRAM, at=TUESDAY + HOUR, codes=(code.code,))

    assert evidence(cast, "1001") == [("code", chris, None), ("email", anna, "already_referred")]
    assert {each: row["standing"] for each, row in cast.pairs(done.customer_id or 0).items()} == {
        chris: True,
        anna: False,
    }


@pytest.mark.parametrize("bram_first", [True, False])
@pytest.mark.parametrize("backwards", [False, True])
def test_people_of_one_address_are_one_friend(database: Database, *, bram_first: bool, backwards: bool) -> None:
    """Rules 7 and 16: whichever account paid first, and whichever order arrived first, there is one bonus."""
    cast = cast_of(database)
    anna, _, _ = brought(cast)
    first, second = TUESDAY + HOUR, TUESDAY + 2 * HOUR
    cast.now = second + HOUR
    orders = [("1001", "1", first if bram_first else second), ("1002", "2", second if bram_first else first)]

    for id, buyer, at in reversed(orders) if backwards else orders:
        cast.order(id, buyer=buyer, email=BRAM, at=at)

    assert cast.held(anna) == 1500
    paid = [row for row in rows_of(cast.database, Order) if not row["reasons"]]
    assert [row["external_id"] for row in paid] == ["1001" if bram_first else "1002"]
    assert cast.audit() == []


def test_of_three_accounts_of_one_address_the_first_counts(database: Database) -> None:
    """Rule 16: one friend, once, also for those who only share an address."""
    cast = cast_of(database)
    anna, _, _ = brought(cast)
    for hours, buyer in enumerate(("2", "3"), start=1):
        cast.order(f"100{hours}", buyer=buyer, email=BRAM, at=TUESDAY + hours * HOUR)

    assert cast.held(anna) == 1500
    assert codes_of(cast.order("1003", buyer="4", email=BRAM, at=TUESDAY + 4 * HOUR).reasons) == [
        "friend_is_existing_customer"
    ]


def test_an_ambassador_does_not_earn_by_the_address_of_a_friend(database: Database) -> None:
    """Rule 16: Anna's own account under Bram's address."""
    cast = cast_of(database)
    anna, _, _ = brought(cast)

    assert codes_of(cast.order("1001", buyer="77", email=BRAM, at=TUESDAY + HOUR).reasons) == ["own_order"]
    assert cast.held(anna) == 0


def test_of_two_who_claim_the_owner_the_touch_chooses() -> None:
    """Rule 12: what stands and what nothing speaks against is lent; within one kind the touch decides."""
    for touch, winner in (("first", 0), ("last", 1)):
        claims = [Evidence("email", one, None, TUESDAY + one * HOUR) for one in (0, 1)]
        facts = FriendFacts(7, [order_of(*claims)], [])

        decision = attribute(facts, Rules(30, touch, tuple(EVIDENCE)))

        assert decision.bond == claims[winner]


def test_what_was_refused_is_not_lent(database: Database) -> None:
    """Rule 13: a friend who was a customer before brings nobody either."""
    cast = cast_of(database)
    _, code = cast.ambassador()
    cast.order("1000", buyer="1", email=BRAM, at=TUESDAY - DAY)
    cast.account("1", email=BRAM, ref=code.code, created_at=TUESDAY)

    assert codes_of(cast.order("1001", buyer="2", email=BRAM, at=TUESDAY + HOUR).reasons) == ["no_evidence"]


def test_a_friend_who_has_earned_credit_stays_the_ambassadors(database: Database) -> None:
    """Rule 12: nothing that comes later takes the friend away, and the address earns once."""
    cast = cast_of(database)
    anna, _, _ = brought(cast)
    _, code = cast.ambassador("88", email="chris@example.com")
    friend = cast.order("1001", buyer="2", email=BRAM, at=TUESDAY + HOUR).customer_id or 0
    cast.now += 22 * DAY
    due = cast.database.look(due_bonuses, programme=cast.programme, now=cast.now, limit=10)
    cast.database.run(release_bonuses, due, programme=cast.programme, now=cast.now)

    cast.order("1002", buyer="2", email=BRAM, codes=(code.code,))
    cast.order("1003", buyer="1", email=BRAM, at=TUESDAY)

    assert [one for one, row in cast.pairs(friend).items() if row["standing"]] == [anna]
    assert len([row for row in rows_of(cast.database, Bonus) if row["amount_minor"]]) == 1
    assert cast.audit() == []


def order_of(*evidence: Evidence) -> OrderFacts:
    return OrderFacts(1, (TUESDAY + 2 * HOUR, SHOP, "1"), TUESDAY + 2 * HOUR, True, None, 1, evidence)
