"""Everything kept of a person, and nothing of anybody else (rules 16, 41)."""

from __future__ import annotations

import json
from typing import Any

from referrals.privacy.erasure import erase
from referrals.privacy.export import export_person
from referrals.recruiting.joining import join
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
