"""Credit that nobody uses ends, after two warnings and with a last chance (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from referrals.config import parse_config
from referrals.jobs.registry import run_job
from referrals.people.customers import set_state
from referrals.recruiting.joining import join
from referrals.recruiting.overview import why
from referrals.rewarding.credit_expiry import news_of_ending
from referrals.rewarding.credit_terms import first_ending, is_undated
from storage.credit import CreditTerm
from storage.database import Database
from storage.ledger import Bonus, Posting
from storage.mailbox import Outbox
from tests.builders import Shop, later
from tests.referrals.configs import with_keys
from tests.referrals.rewarding.purse import Purse

LOST, ALL = (0, 0, 0, 0, 0), (0, 4500, 0, 0, 0)


class Years(Purse):
    """Anna's purse, and the job that looks at it."""

    async def pass_days(self, days: float) -> int:
        self.shop.pass_days(days)
        return await self.job()

    async def job(self) -> int:
        done = await run_job(self.shop.database, "expire-credit", programme=self.shop.programme, now=self.shop.now)
        assert done["failed"] == 0
        return int(done["done"])

    def warnings(self) -> list[dict[str, Any]]:
        return [row["data"] for row in self.shop.rows(Outbox) if row["kind"] == "credit_ends"]

    def ends(self) -> tuple[str, int] | None:
        found = self.shop.database.look(first_ending, self.anna, programme=self.shop.programme)
        return (found.from_at.date().isoformat(), found.sums["EUR"]) if found else None


@pytest.fixture
def purse(database: Database) -> Years:
    """Anna has € 45 in three bonuses that came to her credit on one day, 18 December."""
    return Years(Shop(database), bonuses=3)


async def test_credit_ends_after_a_year_with_two_warnings(purse: Years) -> None:
    """Rule 9, and requirement P2: warning before expiry, dates exact, never below zero."""
    assert await purse.job() == 0
    assert purse.ends() == ("2027-12-19", 4500)
    assert await purse.pass_days(334) == 0
    assert await purse.pass_days(1) == 3
    first = purse.warnings()
    assert [(one["amount_minor"], one["until_at"][:10], one["last"]) for one in first] == [(4500, "2027-12-19", False)]
    assert await purse.pass_days(23) == 3
    assert [one["last"] for one in purse.warnings()] == [False, True]
    assert await purse.pass_days(6) == 0
    assert purse.accounts() == ALL

    assert await purse.pass_days(1) == 3

    assert purse.accounts() == LOST
    assert purse.lots("expired") == [1500, 1500, 1500]
    assert purse.ends() is None
    assert purse.faults() == []
    assert await purse.job() == 0
    found = purse.shop.database.look(why, purse.anna, programme=purse.shop.programme, now=purse.shop.now)
    assert [(one.status, one.reasons[0]["code"], one.amount_minor) for one in found] == [
        ("expired", "credit_expired", 1500)
    ] * 3


async def test_the_last_chance_is_a_voucher_that_keeps_its_own_days(purse: Years) -> None:
    await purse.pass_days(364)
    await purse.pass_days(29)
    voucher = purse.issue(4000)
    await purse.pass_days(2)
    await purse.pass_days(7)
    assert purse.accounts() == (0, 0, 4000, 0, 0)
    assert purse.lots("expired") == [0, 0, 500]
    assert voucher.expires_at
    assert voucher.expires_at.date() - voucher.created_at.date() == timedelta(days=180)
    assert purse.faults() == []


async def test_what_comes_back_late_has_a_week_and_a_warning_again(purse: Years) -> None:
    """A voucher whose time is over says that the amount is credit again: then it is."""
    for days in (335, 23, 6):
        await purse.pass_days(days)
    purse.issue(None)
    await purse.pass_days(180)
    assert purse.accounts() == ALL
    assert [one["last"] for one in purse.warnings()] == [False, True, True]
    await purse.pass_days(6)
    assert purse.accounts() == ALL
    await purse.pass_days(1)
    assert purse.accounts() == LOST
    assert purse.faults() == []


async def test_credit_that_was_old_before_credit_ended_is_warned_of_first(purse: Years) -> None:
    """An upgrade: no lot ends before both warnings have had their days."""
    await purse.pass_days(900)
    assert len(purse.warnings()) == 1
    for days, left in ((23, 4500), (6, 4500), (1, 0)):
        await purse.pass_days(days)
        assert purse.accounts()[1] == left
    assert len(purse.warnings()) == 2


async def test_a_job_that_stood_still_takes_no_warning_away(purse: Years) -> None:
    await purse.pass_days(335)
    await purse.pass_days(60)
    assert purse.accounts() == ALL
    assert [one["last"] for one in purse.warnings()] == [False, True]


async def test_lots_that_end_about_together_are_one_message(database: Database) -> None:
    purse = Years(Shop(database), bonuses=0)
    for days in (3, 17, 1):  # they come to her credit on days 21, 24 and 41
        purse.buy()
        await purse.pass_days(days)
    for days in (3, 17, 315, 20, 3):
        await purse.pass_days(days)
    said = [(one["amount_minor"], one["from_at"][8:10], one["until_at"][8:10]) for one in purse.warnings()]
    assert said == [(3000, "06", "09"), (1500, "26", "26"), (3000, "06", "09")]
    assert purse.faults() == []


async def test_a_warning_says_what_is_left_when_it_goes(purse: Years) -> None:
    """Rule 29: judged again at the sending; of nothing nothing is said."""
    await purse.pass_days(335)
    said = purse.warnings()[0]
    purse.issue(4000)
    news = purse.shop.database.look(news_of_ending, said)
    assert (news or {})["amount_minor"] == 500
    purse.issue(None)
    assert purse.shop.database.look(news_of_ending, said) is None


async def test_what_is_owed_is_paid_out_of_what_is_about_to_end(purse: Years) -> None:
    voucher = purse.issue(1500)
    purse.redeem(voucher.code, None)
    purse.refund(1)
    assert purse.accounts() == (0, 3000, 0, 1500, 1500)
    for days in (335, 23, 7):
        await purse.pass_days(days)
    assert purse.accounts() == (0, 0, 0, 1500, 0)
    assert purse.lots("expired") == [0, 0, 1500]
    assert purse.faults() == []


async def test_a_refund_after_the_end_makes_no_debt_of_what_was_never_used(purse: Years) -> None:
    """Rule 9: the lot is taken where it lies, and a part of it lies with what expired."""
    purse.redeem(purse.issue(500).code, None)
    for days in (335, 23, 7):
        await purse.pass_days(days)
    assert purse.lots("expired") == [1000, 1500, 1500]
    for number in (1, 2):
        purse.refund(number)
    assert purse.accounts() == (0, 0, 0, 500, 500)
    assert purse.lots("expired") == [0, 0, 1500]
    assert purse.faults() == []


async def test_a_bonus_keeps_its_reason_when_its_order_is_told_again(purse: Years) -> None:
    for days in (335, 23, 7):
        await purse.pass_days(days)
    purse.shop.deliver(later(purse.orders[0], 99_999, status="completed"), now=purse.shop.now)
    assert "credit_expired" in [reason["code"] for reason in purse.shop.rows(Bonus)[0]["reasons"]]


async def test_merged_credit_ends_with_its_new_owner(purse: Years) -> None:
    await purse.job()
    shop = purse.shop
    purse.anna = shop.database.run(join, purse.older, purse.anna, programme=shop.programme, now=shop.now)
    assert await purse.pass_days(335) == 3
    assert {row["customer_id"] for row in shop.rows(Outbox) if row["kind"] == "credit_ends"} == {purse.older}


async def test_who_takes_no_part_is_not_told_and_loses_it_all_the_same(purse: Years) -> None:
    run, now = purse.shop.database.run, purse.shop.now
    run(set_state, purse.anna, state="excluded", why="test", actor="command", now=now)
    for days in (335, 23, 7):
        await purse.pass_days(days)
    assert (purse.accounts(), purse.warnings()) == (LOST, [])


async def test_without_credit_days_nothing_ends_and_with_them_everything_is_dated_anew(purse: Years) -> None:
    for days in (335, 23):
        await purse.pass_days(days)
    ruled, purse.shop.programme = purse.shop.programme, under(purse, credit_days="none")
    await purse.pass_days(99)
    assert (purse.accounts(), purse.shop.rows(CreditTerm)) == (ALL, [])
    assert not purse.shop.database.look(is_undated, programme=purse.shop.programme)
    purse.shop.programme = ruled
    await purse.job()
    left = purse.shop.rows(CreditTerm)[0]["until_at"] - purse.shop.now
    assert (left.days, len(purse.warnings())) == (29, 3)  # in a month with a change of the clock


async def test_every_posting_of_an_end_names_why(purse: Years) -> None:
    for days in (335, 23, 7):
        await purse.pass_days(days)
    lapses = [row for row in purse.shop.rows(Posting) if row["kind"] == "lapse"]
    assert [row["reason"] for row in lapses] == ["credit_expired"] * 3


def under(purse: Years, **keys: Any) -> Any:
    """The same programme with other keys of ``[expiry]``."""
    settings = {f"expiry__{name}": value for name, value in keys.items()}
    config = parse_config(with_keys(programme__no_history=True, **settings), {})
    return replace(purse.shop.programme, config=config)
