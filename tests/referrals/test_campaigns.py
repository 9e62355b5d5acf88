"""Campaigns: another offer between two local moments, pinned by the order's creation (rule 3)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.screens.gift import bonus_words, gift_words
from bot.screens.terms import render_terms
from bot.texts import Texts
from bot.voice import Voice
from referrals.campaigns import bounds, offer_at
from referrals.config import ConfigError, parse_config
from referrals.rewarding.terms import TermsBook, terms_book
from referrals.web.friend_page import gift_of
from storage.database import Database
from storage.ledger import Bonus
from tests.builders import NOON, Shop, friend, order
from tests.referrals.configs import with_keys

DAY = timedelta(days=1)
FEAST: dict[str, Any] = {
    "name": "Sinterklaas", "from": "2026-11-26", "until": "2026-11-27",
    "ambassador": {"amount": "20.00"}, "friend": {"percent": "15"},
}  # fmt: skip


def campaign(**changes: Any) -> dict[str, Any]:
    return {**FEAST, **changes}


def local(day: int, hour: int) -> datetime:
    """An hour of November in Amsterdam, in winter time."""
    return datetime(2026, 11, day, hour, tzinfo=UTC) - timedelta(hours=1)


@pytest.mark.parametrize(
    "moment, amount", [(local(25, 23), 1500), (local(26, 0), 2000), (local(27, 23), 2000), (local(28, 0), 1500)]
)
def test_a_campaign_holds_on_whole_local_days(moment: datetime, amount: int) -> None:
    config = parse_config(with_keys(campaigns=[FEAST]))
    assert offer_at(config, moment).ambassador.amount_minor == amount


@pytest.mark.parametrize(
    "since, until, hours",
    [
        ("2026-10-25", "2026-10-25", 25),  # the night with an hour more
        ("2026-03-29", "2026-03-29", 23),
        ("2026-10-25 02:30", "2026-10-25 02:45", 1.25),  # from the first half past two to the second quarter to three
        ("2026-12-05 18:00", "2026-12-05 20:00", 2),
    ],
)
def test_its_times_are_local_ones_also_when_the_clock_changes(since: str, until: str, hours: float) -> None:
    config = parse_config(with_keys(campaigns=[campaign(**{"from": since, "until": until})]))
    first, end = bounds(config.campaigns[0], ZoneInfo("Europe/Amsterdam"))
    assert end - first == timedelta(hours=hours)


@pytest.mark.parametrize(
    "campaigns, key",
    [
        ([campaign(until="2026-11-25")], "campaigns[0].until"),
        ([campaign(until="2026-11-25T10:00+01:00")], "campaigns[0].until"),
        ([campaign(**{"from": "soon"})], "campaigns[0].from"),
        ([campaign(ambassador={"amount": "1.00", "percent": "5"})], "campaigns[0].ambassador.percent"),
        ([campaign(friend={"amount": "1.00", "percent": "5"})], "campaigns[0].friend"),
        ([campaign(ambassador={}, friend={})], "campaigns[0].ambassador"),
        ([campaign(), campaign()], "campaigns"),
        ([campaign(name="Later", **{"from": "2026-11-27", "until": "2026-11-30"}), campaign()], "campaigns"),
    ],
)
def test_what_cannot_be_meant_is_refused(campaigns: list[dict[str, Any]], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(with_keys(campaigns=campaigns))
    assert caught.value.faults[0].startswith(f"{key} ")


def amounts(book: TermsBook, *days: int) -> list[int]:
    return [book.in_force(NOON + each * DAY).amount_minor for each in days]


def test_a_campaign_begins_and_ends_at_its_own_times(database: Database) -> None:
    """Rule 3: whenever the programme first heard of it."""
    before, after = Shop(database), Shop(database, campaigns=[FEAST])
    database.run(terms_book, programme=before.programme, now=NOON)

    book = database.run(terms_book, programme=after.programme, now=NOON + 3 * DAY)

    assert amounts(book, 1, 2, 3, 4) == [1500, 2000, 2000, 1500]
    assert database.run(terms_book, programme=after.programme, now=NOON + 9 * DAY) == book


def test_a_campaign_that_leaves_the_configuration_held_in_its_time(database: Database) -> None:
    """Rule 3: and one that is withdrawn holds no longer."""
    with_it, without = Shop(database, campaigns=[FEAST]), Shop(database)
    database.run(terms_book, programme=with_it.programme, now=NOON)

    book = database.run(terms_book, programme=without.programme, now=NOON + 2.5 * DAY)

    assert amounts(book, 2, 3) == [2000, 1500]


def test_an_order_is_paid_by_the_campaign_in_which_it_was_made(database: Database) -> None:
    """Rule 3: an order that is pinned already is not judged again."""
    plain = Shop(database)
    _, code = plain.ambassador("Anna")
    plain.deliver(order(1, friend(1), code=code, at=NOON + 2 * DAY), now=NOON + 2 * DAY)
    shop = Shop(database, campaigns=[FEAST])

    made = [order(day, friend(day), code=code, at=NOON + day * DAY) for day in (3, 4)]
    shop.deliver(order(2, friend(2), code=code, at=NOON + 2 * DAY), *made, now=NOON + 5 * DAY)

    paid = {row["sort_key"].rpartition("|")[2]: row["amount_minor"] for row in shop.rows(Bonus)}
    assert paid == {"1": 1500, "2": 2000, "3": 2000, "4": 1500}
    assert shop.faults() == []


@pytest.mark.parametrize(
    "locale, words",
    [
        ("nl", ["15% korting op je eerste bestelling (t/m 27 november)", "tegoed (t/m 27 november)"]),
        ("en", ["15% off your first order (until 27 November)", "(until 27 November)"]),
    ],
)
def test_whoever_shares_says_until_when_it_holds(database: Database, locale: str, words: list[str]) -> None:
    programme = Shop(database, campaigns=[FEAST]).programme
    voice = Voice(Texts(), locale, programme, now=NOON + 2 * DAY)
    assert gift_words(voice) == words[0]
    assert bonus_words(voice).endswith(words[1])
    assert "Sinterklaas" in render_terms(voice, {}).text
    assert "Sinterklaas" not in render_terms(Voice(Texts(), locale, programme, now=NOON), {}).text


def test_the_friends_page_says_the_last_day(database: Database) -> None:
    config = Shop(database, campaigns=[FEAST]).programme.config
    during, before = gift_of(config, NOON + 2 * DAY), gift_of(config, NOON)
    assert during == {"kind": "percent", "percent": 15, "least": None, "until_at": date(2026, 11, 27)}
    assert before is None
