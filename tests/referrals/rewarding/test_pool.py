"""The owner's pool: codes of the shop become vouchers, each once (rules 9)."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from referrals import errors
from referrals.rewarding.pool import PoolLine, load_codes, low_stock, offered, remove_codes, stock
from referrals.rewarding.vouchers import issue_voucher
from storage.database import Database
from storage.mailbox import Chat, Outbox
from storage.pool import PoolCode
from storage.vouchers import Voucher
from tests.builders import NOON, Shop
from tests.referrals.rewarding.purse import Purse

OLGA = 9_000_001


def rich(database: Database, *codes: tuple[str, int], low: int = 0) -> Purse:
    """Anna has € 30, and the pool these codes."""
    keys: dict[str, Any] = {"vouchers__source": "pool", "vouchers__pool_low": low, "telegram__owner_ids": [OLGA]}
    purse = Purse(Shop(database, **keys), bonuses=2)
    load(purse, *codes)
    return purse


def load(purse: Purse, *codes: tuple[str, int], expires_at: datetime | None = None) -> list[str]:
    lines = [PoolLine(code, minor, "EUR", expires_at) for code, minor in codes]
    return purse.shop.database.run(load_codes, lines, now=purse.shop.now)


def test_a_voucher_is_the_shops_own_code_to_the_letter(database: Database) -> None:
    purse = rich(database, ("Zomer-10-x", 1000), ("lente-25-y", 2500))
    voucher = purse.issue(1000)
    assert (voucher.code, voucher.expires_at, voucher.returnable) == ("Zomer-10-x", None, False)
    assert purse.accounts() == (0, 2000, 1000, 0, 0)
    assert purse.redeem("zomer10X", 400).returned_minor == 600
    assert purse.faults() == []


def test_without_an_amount_it_is_the_greatest_that_credit_pays(database: Database) -> None:
    purse = rich(database, ("TIENEURO", 1000), ("VIJFENTWINTIG", 2500), ("VIJFTIGEURO", 5000))
    assert purse.shop.database.look(offered, "EUR", most_minor=3000, now=purse.shop.now) == [1000, 2500]
    assert purse.issue(None).amount_minor == 2500


@pytest.mark.parametrize("amount_minor", [500, None], ids=["not that worth", "none at all"])
def test_what_the_pool_does_not_have_is_refused_and_takes_no_credit(
    database: Database, amount_minor: int | None
) -> None:
    purse = rich(database, ("VIJFTIGEURO", 5000))
    with pytest.raises(errors.NoSuchReward):
        purse.issue(amount_minor)
    assert purse.accounts() == (0, 3000, 0, 0, 0)


def test_each_line_is_loaded_once_and_a_refused_one_changes_nothing(database: Database) -> None:
    purse = rich(database)
    lines = (("ZOMER-10", 1000), ("zomer 1O", 1000), ("KORT", 1000), ("GRATIS-0", 0), ("LENTE-10", 1000))
    assert load(purse, *lines) == ["loaded", "twice", "unfit", "unfit", "loaded"]
    assert load(purse, *lines[:1], ("LENTE-10", 2500)) == ["known", "other"]
    assert {row["code"] for row in purse.shop.rows(PoolCode)} == {"ZOMER-10", "LENTE-10"}


def test_a_code_that_a_voucher_of_ours_has_is_refused(database: Database) -> None:
    purse = Purse(Shop(database), bonuses=1)
    assert load(purse, (purse.issue(None).code, 1000)) == ["taken"]


def test_a_code_that_ends_soon_is_given_to_nobody_and_of_others_the_first_to_end(database: Database) -> None:
    purse = rich(database, ("EEUWIG-10", 1000))
    for days in (6, 90, 60):
        load(purse, (f"EINDIG-{days}-10", 1000), expires_at=purse.shop.now + timedelta(days=days))
    assert [purse.issue(1000).code for _ in range(3)] == ["EINDIG-60-10", "EINDIG-90-10", "EEUWIG-10"]
    left = purse.shop.database.look(stock, now=purse.shop.now)[0]
    assert (left.left, left.given, left.over) == (0, 3, 1)


def test_a_code_that_was_not_used_before_its_end_is_credit_again(database: Database) -> None:
    purse = rich(database)
    load(purse, ("EINDIG-60-10", 1000), expires_at=purse.shop.now + timedelta(days=60))
    voucher = purse.issue(1000)
    with pytest.raises(errors.VoucherStays):
        purse.void(voucher.id)
    purse.shop.pass_days(60)
    assert purse.expire() == 1
    assert purse.accounts() == (0, 3000, 0, 0, 0)


def test_a_bonus_taken_back_leaves_the_shops_code_and_a_debt(database: Database) -> None:
    """Rule 9: the voucher is voided, debt if the shop cannot."""
    purse = rich(database, ("VIJFENTWINTIG", 2500))
    purse.issue(2500)
    purse.refund(1)
    assert purse.accounts() == (0, 500, 2500, 0, 1500)
    assert purse.shop.rows(Voucher)[0]["status"] == "standing"
    assert purse.faults() == []


def test_owners_hear_once_that_an_amount_runs_out_and_again_after_more_were_loaded(database: Database) -> None:
    purse = rich(database, ("EERSTE-5", 500), ("TWEEDE-5", 500), low=1)
    purse.shop.database.run(lambda session: session.add(Chat(chat_id=OLGA, created_at=NOON)))
    purse.issue(500)
    purse.issue(500)
    heard = [(row["kind"], row["data"]["count"]) for row in purse.shop.rows(Outbox) if row["chat_id"] == OLGA]
    assert heard == [("pool_low", 1), ("pool_empty", 0)]
    low = purse.shop.database.look(low_stock, programme=purse.shop.programme, now=purse.shop.now)
    assert low == [{"amount_minor": 500, "currency": "EUR", "count": 0}]
    load(purse, ("DERDE-55", 500))
    purse.issue(500)
    assert [row["kind"] for row in purse.shop.rows(Outbox) if row["chat_id"] == OLGA][2:] == ["pool_empty"]


def test_what_somebody_has_is_not_removed(database: Database) -> None:
    purse = rich(database, ("EERSTE-5", 500), ("TWEEDE-5", 500), ("DERDE-55", 500))
    given = purse.issue(500).code
    assert purse.shop.database.run(remove_codes, [given, "twEEde5"]) == 1
    assert purse.shop.database.run(remove_codes, None) == 1
    assert [row["code"] for row in purse.shop.rows(PoolCode)] == [given]


async def test_two_workers_never_give_one_code(two: tuple[Database, Database]) -> None:
    purse = rich(two[0], *[(f"CODE-{n:04}", 500) for n in range(4)])
    at: dict[str, Any] = {"programme": purse.shop.programme, "now": purse.shop.now, "currency": "EUR"}
    calls = [two[n % 2].write(issue_voucher, purse.anna, amount_minor=500, **at) for n in range(6)]
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert len({one.code for one in done if not isinstance(one, BaseException)}) == 4
    assert sum(isinstance(one, errors.NoSuchReward) for one in done) == 2
    assert purse.faults() == []
