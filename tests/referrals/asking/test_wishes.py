"""What a customer wants to hear, of one person and of two who turned out to be one."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from referrals.asking.facts import reader_facts
from referrals.asking.wishes import KINDS, Kind, Wished, pause_for, set_quiet_hours, set_wish, wishes_of
from referrals.people.persons import get_customer
from referrals.recruiting.joining import join
from storage.contacts import Wishes
from storage.database import Database
from tests.builders import NOON, Shop

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EVENING, MORNING = time(18), time(10)


def wished(shop: Shop, customer_id: int) -> Wished:
    return shop.database.look(wishes_of, customer_id)


def test_who_never_chose_hears_everything(database: Database) -> None:
    """Rule 28."""
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    assert wished(shop, anna) == Wished(tips=True, scores=True, portfolio=True, quiet_from=None, quiet_until=None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_switched_off_and_on_and_the_others_stay(database: Database, kind: Kind) -> None:
    """Rule 28."""
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    database.run(set_wish, anna, kind=kind, wanted=False, now=NOON)
    assert [name for name in KINDS if not getattr(wished(shop, anna), name)] == [kind]
    database.run(set_wish, anna, kind=kind, wanted=True, now=NOON)
    assert wished(shop, anna) == Wished()
    assert len(shop.rows(Wishes)) == 1


def test_hours_of_ones_own_come_and_go(database: Database) -> None:
    """Rule 29: quiet hours are the customer's own."""
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    database.run(set_quiet_hours, anna, quiet_from=EVENING, quiet_until=MORNING, now=NOON)
    database.run(set_wish, anna, kind="tips", wanted=False, now=NOON)
    assert wished(shop, anna) == Wished(tips=False, quiet_from=EVENING, quiet_until=MORNING)
    database.run(set_quiet_hours, anna, quiet_from=None, quiet_until=None, now=NOON)
    assert wished(shop, anna) == Wished(tips=False)


def test_hours_without_a_length_and_kinds_that_do_not_exist_are_refused(database: Database) -> None:
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    for start, end in ((EVENING, None), (None, MORNING), (MORNING, MORNING)):
        with pytest.raises(ValueError, match="another end"):
            database.run(set_quiet_hours, anna, quiet_from=start, quiet_until=end, now=NOON)
    with pytest.raises(ValueError, match="money"):
        database.run(set_wish, anna, kind="money", wanted=False, now=NOON)  # type: ignore[arg-type]  # as a caller might
    assert shop.rows(Wishes) == []


def test_after_a_merge_a_no_of_either_stands_until_they_choose_again(database: Database) -> None:
    """Rules 15 and 28: asked under the old number or the new one, the answer is the person's."""
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    other, _ = shop.ambassador("Anne")
    database.run(set_wish, other, kind="tips", wanted=False, now=NOON)
    database.run(set_quiet_hours, other, quiet_from=EVENING, quiet_until=MORNING, now=NOON)
    database.run(set_wish, anna, kind="scores", wanted=False, now=NOON)
    database.run(join, anna, other, programme=shop.programme, now=NOON)
    both = Wished(tips=False, scores=False, quiet_from=EVENING, quiet_until=MORNING)
    assert (wished(shop, anna), wished(shop, other)) == (both, both)
    assert database.look(_heard_by, anna) == both  # money keeps to them, too
    database.run(set_wish, other, kind="tips", wanted=True, now=NOON)
    assert wished(shop, anna) == Wished(scores=False, quiet_from=EVENING, quiet_until=MORNING)


@pytest.mark.parametrize(
    "start,months,end",
    [
        (datetime(2027, 1, 31, 10, tzinfo=AMSTERDAM), 1, datetime(2027, 2, 28, 10, tzinfo=AMSTERDAM)),
        (datetime(2028, 1, 31, 10, tzinfo=AMSTERDAM), 1, datetime(2028, 2, 29, 10, tzinfo=AMSTERDAM)),
        (datetime(2026, 11, 30, 23, 30, tzinfo=AMSTERDAM), 3, datetime(2027, 2, 28, 23, 30, tzinfo=AMSTERDAM)),
        (datetime(2027, 2, 28, 2, 30, tzinfo=AMSTERDAM), 1, datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        (datetime(2026, 9, 25, 2, 30, tzinfo=AMSTERDAM), 1, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
    ids=["january", "leap-year", "over-new-year", "skipped-hour", "hour-that-comes-twice"],
)
def test_a_pause_lasts_calendar_months(database: Database, start: datetime, months: int, end: datetime) -> None:
    """Rule 28: a month from the 31st ends on the last day there is, at the same local time."""
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    until = database.run(pause_for, anna, months=months, zone=AMSTERDAM, now=start)
    assert until == end
    assert database.look(lambda session: get_customer(session, anna).paused_until) == end


def _heard_by(session: Session, customer_id: int) -> Wished:
    return reader_facts(session, get_customer(session, customer_id)).wished
