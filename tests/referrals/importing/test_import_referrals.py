"""Referrals that a former programme left open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from referrals.importing import referral_rows
from referrals.importing.cells import Refused
from referrals.importing.referral_rows import ReferralRow
from referrals.importing.referrals import import_referrals
from referrals.privacy.traces import forget_log
from storage.auditlog import AuditEvent
from storage.database import Database
from storage.mailbox import Outbox
from storage.referrals import Referral
from tests.builders import BRAM, CHRIS, NOON, SHOP, Shop, order

LAST_WEEK = NOON - timedelta(days=7)


def row(**changes: str | None) -> ReferralRow:
    return replace(ReferralRow(SHOP, "bram", "anna", None, LAST_WEEK, "paper voucher 12"), **changes)  # type: ignore[arg-type]  # mypy takes ** for every field


def bring(shop: Shop, *rows: ReferralRow) -> list[str]:
    found = shop.database.run(import_referrals, rows, programme=shop.programme, now=NOON)
    return [outcome.why if isinstance(outcome, Refused) else outcome for outcome in found]


def test_an_open_invitation_earns_when_its_friend_buys(database: Database) -> None:
    """Rules 12, 14, 28: a sign-up of its day; the same again changes nothing, and nobody hears of the import."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna", shop_id="anna")
    shop.ambassador("Bram", shop_id="bram")

    assert bring(shop, row(), row(ambassador_id=None, code=code.lower())) == ["applied", "unchanged"]
    assert bring(shop, row()) == ["unchanged"]
    assert shop.rows(Outbox) == []
    assert [(each["stage"], each["standing"], each["signed_up_at"]) for each in shop.rows(Referral)] == [
        ("signed_up", True, LAST_WEEK)
    ]
    (event,) = [each for each in shop.rows(AuditEvent) if each["action"] == "referral:imported"]
    assert event["after"]["why"] == "paper voucher 12"

    shop.deliver(order(1, replace(BRAM, id="bram", email=None)))
    assert shop.balance(anna).held_minor == 1500


def test_what_the_former_programme_paid_earns_nothing_here(database: Database) -> None:
    """Rule 16, and every other row that cannot be: each with its reason, and nothing of it stays."""
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna", shop_id="anna")
    shop.ambassador("Mats", shop_id="mats")
    shop.ambassador("Bram", shop_id="bram")
    shop.deliver(order(1, CHRIS, at=LAST_WEEK + timedelta(days=1)))
    found = bring(
        shop, row(), row(ambassador_id="mats"), row(friend_id="78"), row(friend_id="anna"), row(friend_id="nobody"),
        row(ambassador_id="nobody"), row(ambassador_id=None, code="NOBODY"),
    )  # fmt: skip
    assert found[0] == "applied"
    for why, word in zip(
        found[1:],
        ["somebody else", "bought already", "own_account", "nobody here", "nobody's", "nobody's"],
        strict=True,
    ):
        assert word in why
    assert (len(shop.rows(Referral)), shop.balance(anna).held_minor) == (1, 0)


def test_a_file_says_who_the_friend_is() -> None:
    with pytest.raises(Refused, match="friend_id: the header has no such column"):
        referral_rows.columns_of(["code", "date"])


def test_a_programme_that_pays_sign_ups_takes_no_file_of_them(database: Database) -> None:
    shop = Shop(database, bonus__ambassador__when="sign_up")
    shop.ambassador("Anna", shop_id="anna")
    shop.ambassador("Bram", shop_id="bram")
    assert "sign_up" in bring(shop, row())[0]
    assert shop.rows(Referral) == []


def test_who_is_forgotten_is_in_no_words_about_a_friend(database: Database) -> None:
    """Rule 41: why somebody was said to be hers goes with the ambassador as it goes with the friend."""
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna", shop_id="anna")
    shop.ambassador("Bram", shop_id="bram")
    bring(shop, row())
    shop.database.run(forget_log, [anna], subjects=())
    assert "paper voucher" not in str(shop.rows(AuditEvent))
