"""What waits because nobody knows who bought before."""

from __future__ import annotations

from datetime import timedelta

from referrals.reasons import ON_HOLD_UNTIL, UNDER_REVIEW
from referrals.recruiting.history import history_is_known
from storage.auditlog import AuditEvent
from storage.database import Database
from storage.ledger import Bonus
from tests.builders import NOON, Shop, friend, order

LONG_AGO = NOON - timedelta(days=400)


def young(database: Database) -> Shop:
    """A shop that is not new, of whose history nothing is known yet."""
    return Shop(database, programme__no_history=False)


def known(shop: Shop) -> int:
    return shop.database.run(history_is_known, programme=shop.programme, now=shop.now, actor="reconcile")


def test_bonuses_leave_review_once_the_history_is_known(database: Database) -> None:
    """Rule 13: until then they wait, also beyond their hold."""
    shop = young(database)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code), order(2, friend(2), code=code))
    assert shop.reasons("1") == [UNDER_REVIEW, ON_HOLD_UNTIL]
    shop.pass_days(22)
    assert shop.balance(anna).available_minor == 0

    assert known(shop) == 2

    assert shop.reasons("1") == [ON_HOLD_UNTIL]
    shop.pass_days(0)
    assert shop.balance(anna).available_minor == 3000
    assert shop.faults() == []


def test_who_turns_out_to_have_bought_before_brings_nothing(database: Database) -> None:
    """Rules 3 and 13: the earlier order is told later, and what is not available yet follows it."""
    shop = young(database)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code))
    shop.deliver(order(0, friend(1), at=LONG_AGO))

    known(shop)

    assert "friend_is_existing_customer" in shop.reasons("1")
    assert shop.balance(anna).held_minor == 0
    assert [row["under_review"] for row in shop.rows(Bonus) if row["status"] == "held"] == []
    assert shop.faults() == []


def test_the_audit_log_says_who_knew_it_and_a_second_time_is_none(database: Database) -> None:
    shop = young(database)
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code))

    assert (known(shop), known(shop)) == (1, 0)

    (event,) = [row for row in shop.rows(AuditEvent) if row["action"] == "history:known"]
    assert (event["actor"], event["after"], event["at"]) == ("reconcile", {"left_review": 1}, NOON)
    shop.deliver(order(2, friend(2), code=code))
    assert shop.reasons("2") == [ON_HOLD_UNTIL]
