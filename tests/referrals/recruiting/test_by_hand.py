from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import Session, select

from referrals.errors import CustomerExcluded, OwnReferral, UnknownCustomer, UnknownOrder
from referrals.people.customers import set_state
from referrals.recruiting.by_hand import refer_by_hand
from storage.auditlog import AuditEvent
from storage.orders import Order
from tests.referrals.recruiting.cast import DAY, HOUR, TUESDAY, Cast, codes_of


def by_hand(cast: Cast, ambassador_id: int, **who: int) -> int:
    return cast.database.run(
        refer_by_hand,
        ambassador_id=ambassador_id,
        why="she told us",
        actor="owner:1",
        programme=cast.programme,
        now=cast.now,
        **who,
    )


def audit_log(session: Session) -> list[tuple[str, str, Any, Any]]:
    return [(each.actor, each.action, each.before, each.after) for each in session.exec(select(AuditEvent))]


def order_id(session: Session, number: str) -> int:
    return session.exec(select(Order.id).where(Order.external_id == number)).one()


def test_an_owner_says_who_brought_a_friend(cast: Cast) -> None:
    """Rule 12: by hand needs no evidence, pays, and is in the audit log."""
    anna, _ = cast.ambassador()
    cast.order("1001", buyer="79")
    chris = cast.customer("79")
    referral_id = by_hand(cast, anna, friend_id=chris)
    pair = cast.pairs(chris)[anna]
    assert (pair["id"], pair["standing"], pair["evidence"], pair["by_hand_by"]) == (
        referral_id,
        True,
        "by_hand",
        "owner:1",
    )
    assert cast.held(anna) == 1500
    assert cast.database.look(audit_log) == [
        (
            "owner:1",
            "referral:by_hand",
            {"ambassador": None},
            {"ambassador": anna, "order": None, "why": "she told us"},
        ),
    ]
    assert cast.audit() == []


def test_an_order_names_its_friend(cast: Cast) -> None:
    """Rules 5 and 12: also a guest's, who has no other name."""
    anna, _ = cast.ambassador()
    cast.order("1001")
    by_hand(cast, anna, order_id=cast.database.look(order_id, "1001"))
    assert cast.held(anna) == 1500


def test_by_hand_beats_a_sign_up_and_an_order(cast: Cast) -> None:
    """Rules 12 and 16: the friend moves with what is not credit yet."""
    anna, code = cast.ambassador()
    mats, other = cast.ambassador("70", "mats@example.com")
    bram = cast.customer("78", ref=other.code)
    cast.order("1001", buyer="78", codes=(other.code,))
    assert (cast.held(anna), cast.held(mats)) == (0, 1500)
    by_hand(cast, anna, friend_id=bram)
    assert (cast.held(anna), cast.held(mats)) == (1500, 0)
    pairs = cast.pairs(bram)
    assert (pairs[anna]["standing"], pairs[mats]["standing"]) == (True, False)
    assert codes_of(pairs[mats]["reasons"]) == ["already_referred"]
    cast.account("78", ref=other.code)
    assert cast.held(anna) == 1500
    assert cast.audit() == []
    assert code


def test_the_same_said_again_changes_nothing(cast: Cast) -> None:
    """Rule 40: a repeat is safe."""
    anna, _ = cast.ambassador()
    bram = cast.customer("78")
    first = by_hand(cast, anna, friend_id=bram)
    cast.now += HOUR
    assert by_hand(cast, anna, friend_id=bram) == first
    assert cast.pairs(bram)[anna]["by_hand_at"] == TUESDAY
    assert len(cast.database.look(audit_log)) == 1


def test_the_last_word_of_an_owner_stands(cast: Cast) -> None:
    """Rule 12."""
    anna, _ = cast.ambassador()
    mats, _ = cast.ambassador("70", "mats@example.com")
    bram = cast.customer("78")
    for ambassador in (anna, mats, anna):
        cast.now += DAY
        by_hand(cast, ambassador, friend_id=bram)
    pairs = cast.pairs(bram)
    assert (pairs[anna]["standing"], pairs[mats]["standing"]) == (True, False)


def test_nobody_is_their_own_friend_even_by_hand(cast: Cast) -> None:
    """Rule 16."""
    anna, _ = cast.ambassador()
    with pytest.raises(OwnReferral):
        by_hand(cast, anna, friend_id=anna)


def test_who_is_excluded_brings_nobody_even_by_hand(cast: Cast) -> None:
    """Rule 18."""
    mats, _ = cast.ambassador()
    cast.database.run(set_state, mats, state="excluded", why="fraud", actor="owner:1", now=TUESDAY)
    with pytest.raises(CustomerExcluded):
        by_hand(cast, mats, friend_id=cast.customer("78"))


def test_an_unknown_friend_or_order_is_said_so(cast: Cast) -> None:
    anna, _ = cast.ambassador()
    with pytest.raises(UnknownCustomer):
        by_hand(cast, anna)
    with pytest.raises(UnknownCustomer):
        by_hand(cast, anna, friend_id=4711)
    with pytest.raises(UnknownOrder):
        by_hand(cast, anna, order_id=4711)
