"""Everything kept of a person, and nothing of anybody else (rules 16, 41)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from referrals.errors import CustomerExcluded
from referrals.privacy.erasure import erase
from referrals.privacy.export import export_person
from referrals.recruiting.joining import join
from referrals.rewarding.redemptions import OrderKey, redeem_voucher
from referrals.rewarding.vouchers import issue_voucher
from storage.database import Database
from tests.builders import Shop
from tests.referrals.privacy.person import ACCOUNT, EMAIL, NAME, NICKNAME, TELEGRAM, WORDS, anna, shop_of
from tests.referrals.privacy.test_erasure import chat_person


def export(shop: Shop, number: int) -> dict[str, Any]:
    found: dict[str, Any] = shop.database.look(export_person, number, programme=shop.programme, now=shop.now)
    return found


def test_it_holds_everything_that_is_theirs(database: Database) -> None:
    """Rule 41; a mail address is kept as a fingerprint only, and the export says so."""
    shop = shop_of(database, programme__name="Atelier Noord")
    number, code = anna(shop)
    kept = export(shop, number)
    text = json.dumps(kept)
    assert kept["programme"] == "Atelier Noord"
    assert kept["exported_at"] == shop.now.isoformat()
    assert [each for each in (NAME, NICKNAME, ACCOUNT, str(TELEGRAM), *WORDS[1:4], code) if each not in text] == []
    assert EMAIL not in text
    assert {each["kind"] for each in kept["known_by"]} == {"shop", "email", "telegram"}
    assert [each["external_id"] for each in kept["orders"]] == ["anna-1", "anna-2"]
    assert kept["balances"]["EUR"]["held_minor"] == 1500
    assert [(each["account"], each["amount_minor"]) for each in kept["ledger"]] == [("held", 1500)]
    assert [len(each["messages"]) for each in kept["cases"]] == [2]
    assert [len(each["consents"]) for each in kept["references"]] == [1]
    assert kept["wishes"][0]["tips"] is False


def test_it_holds_nothing_of_a_friend(database: Database) -> None:
    """Requirement 7 and rule 41: that somebody came, when and how it stands; not who, and not their order."""
    shop = shop_of(database)
    number, _ = anna(shop)
    kept = export(shop, number)
    assert [each["stage"] for each in kept["referrals"]] == ["ordered"]
    assert "bram" not in json.dumps(kept).lower()
    assert not any("friend" in name or "order" in name for each in kept["referrals"] for name in each)


def test_who_was_merged_is_in_it_and_who_was_erased_is_a_number(database: Database) -> None:
    """Rule 15: one person, one export, by either number."""
    shop = shop_of(database)
    number, _ = anna(shop)
    other = database.run(chat_person, shop)
    database.run(join, number, other, programme=shop.programme, now=shop.now)
    assert export(shop, other) == export(shop, number)
    assert [each["chat_id"] for each in export(shop, number)["chats"]] == [55, TELEGRAM]
    database.run(erase, number, actor="key:till", programme=shop.programme, now=shop.now)
    kept = export(shop, number)
    assert (kept["known_by"], kept["chats"], kept["messages"]) == ([], [], [])
    assert [(each["account"], each["amount_minor"]) for each in kept["ledger"]] == [("held", 1500), ("held", -1500)]


def test_vouchers_are_told_and_are_worth_nothing_to_anybody_once_their_owner_is_forgotten(database: Database) -> None:
    """Rules 9 and 41: credit that was a code lies under the number, and no shop can redeem it."""
    shop = shop_of(database)
    number, _ = anna(shop)
    shop.pass_days(40)
    made = database.run(issue_voucher, number, amount_minor=500, currency="EUR", programme=shop.programme, now=shop.now)
    (told,) = export(shop, number)["vouchers"]
    assert (told["code"], told["left_minor"], told["status"]) == (made.code.replace("-", ""), 500, "standing")
    database.run(erase, number, actor="key:till", programme=shop.programme, now=shop.now)
    with pytest.raises(CustomerExcluded):
        database.run(
            redeem_voucher, made.code, order=OrderKey("webshop", "9"), amount_minor=None, currency=None,
            actor="key:till", now=shop.now,
        )  # fmt: skip
    assert shop.faults() == []
