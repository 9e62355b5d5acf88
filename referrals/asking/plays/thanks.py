"""T9, thanks that ask nothing: for each year as a customer, and for the third friend, the tenth and the twenty-fifth.

Goal: somebody who recommends us hears now and then that it matters (A6, C4); between two asks it is the give. Trigger:
the day of an ambassador's first order comes round, or their nth friend's bonus came in. Delay: none, the first free
slot. Expires: two weeks after the trigger. Cap: none but those of all messages. Nobody is held out of thanks.
Text: ``notice.thanks``. Source: playbook T9.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    String,
    and_,
    bindparam,
    cast,
    distinct,
    func,
    or_,
    select,
)
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from referrals.asking.candidates import JUST, MOST, SINCE, UNTIL, has_chat, named, there_is, unheard, unheard_before
from referrals.asking.play import GIVE, Candidate, Play
from referrals.notices import THANKS
from referrals.programme import Programme
from storage.customers import Customer
from storage.ledger import AVAILABLE, Bonus

NAME = "t9"
FRESH = timedelta(days=14)
LOOK = timedelta(days=3)  # how far back friends are counted: that costs more than to find a day in the year
MILESTONES = (3, 10, 25)  # friends
FEWEST = 20  # candidates of one kind that a page asks for at least
FEBRUARY, LEAP_DAY = 2, 29


def candidates(
    session: Session, *, programme: Programme, now: datetime, limit: int, after: datetime | None = None
) -> list[Candidate]:
    """Anniversaries and friends of the last two weeks, the oldest first."""
    since = now - FRESH if after is None else max(now - FRESH, after - JUST)
    years = list(_years(session, programme=programme, now=now))
    share = min(limit, max(FEWEST, 2 * limit // (len(years) + 1)))  # of each; all of all would be fetched for nothing
    found = [_milestones(session, max(since, now - LOOK), now, limit=share)]
    found += [_anniversaries(session, year, since, now, programme=programme, limit=share) for year in years]
    # Where there may be more of one kind no other goes ahead of it: the next page begins at this one's last cause.
    until = min((each[-1].cause_at for each in found if len(each) == share), default=now)
    sure = [one for each in found for one in each if one.cause_at <= until]
    return sorted(sure, key=lambda one: (one.cause_at, one.subject))[:limit]


def next_at(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """When the next ambassador has been a customer for whole years; a friend's bonus is the books' own moment."""
    year = timedelta(days=366)
    moments = [
        one.cause_at
        for years in _years(session, programme=programme, now=now + year)
        for one in _anniversaries(session, years, now, now + year, programme=programme, limit=1)
    ]
    return min(moments, default=None)


def anniversary(first: date, years: int) -> date:
    """The day so many years later; of a 29th of February the 28th where there is none."""
    year = first.year + years
    if (first.month, first.day) == (FEBRUARY, LEAP_DAY) and not isleap(year):
        return date(year, FEBRUARY, LEAP_DAY - 1)
    return first.replace(year=year)


def _years(session: Session, *, programme: Programme, now: datetime) -> Iterator[int]:
    """How many years anybody can have been a customer for."""
    oldest = session.execute(_first_ambassador()).scalar_one()
    last = now.astimezone(programme.zone).year - oldest.astimezone(programme.zone).year if oldest else 0
    yield from range(1, last + 1)


def _anniversaries(
    session: Session, years: int, since: datetime, until: datetime, *, programme: Programme, limit: int
) -> list[Candidate]:
    """Whose anniversary began after ``since`` and not after ``until``; it begins at midnight of the programme's day."""
    zone = programme.zone
    first = since.astimezone(zone).date() + timedelta(days=1)
    last = until.astimezone(zone).date()
    if first > last:
        return []
    begin = datetime.combine(_earliest(first, years), time(), zone)
    end = datetime.combine(_latest(last, years) + timedelta(days=1), time(), zone)
    rows = session.execute(_customers(), {"since": begin, "until": end, "years": f":{years}", "most": limit})
    return [_year_candidate(customer_id, paid_at, years, programme=programme) for customer_id, paid_at in rows]


@cache
def _first_ambassador() -> Select[datetime | None]:
    return select(func.min(Customer.first_paid_at)).where(_is_ambassador())


@cache
def _customers() -> Select[int, datetime | None]:
    """Ambassadors with a chat who became customers between two moments, and were not thanked for so many years."""
    paid_at = col(Customer.first_paid_at)

    def subject(customer_id: Any) -> ColumnElement[str]:
        return named("years", customer_id).concat(bindparam("years", type_=String()))

    return (
        select(col(Customer.id), paid_at)
        .where(_is_ambassador(), paid_at >= SINCE, paid_at < UNTIL, has_chat(Customer.id))
        .where(unheard(NAME, subject(Customer.id)), unheard_before(NAME, Customer.id, subject))
        .order_by(paid_at, col(Customer.id))
        .limit(MOST)
    )


def _year_candidate(customer_id: int, first_paid_at: datetime, years: int, *, programme: Programme) -> Candidate:
    day = anniversary(first_paid_at.astimezone(programme.zone).date(), years)
    cause = datetime.combine(day, time(), programme.zone)
    return Candidate(customer_id, f"years:{customer_id}:{years}", cause, cause, cause + FRESH, {"years": years})


def _earliest(day: date, years: int) -> date:
    """The first day whose anniversary is not before this one."""
    if (day.month, day.day) == (FEBRUARY, LEAP_DAY) and not isleap(day.year - years):
        return date(day.year - years, 3, 1)
    return day.replace(year=day.year - years)


def _latest(day: date, years: int) -> date:
    """The last day whose anniversary is not after this one."""
    year = day.year - years
    if (day.month, day.day) == (FEBRUARY, LEAP_DAY - 1) and isleap(year) and not isleap(day.year):
        return date(year, FEBRUARY, LEAP_DAY)
    if (day.month, day.day) == (FEBRUARY, LEAP_DAY) and not isleap(year):
        return date(year, FEBRUARY, LEAP_DAY - 1)
    return day.replace(year=year)


def _milestones(session: Session, since: datetime, until: datetime, *, limit: int) -> list[Candidate]:
    """Bonuses that came in with an ambassador's third, tenth or twenty-fifth friend."""
    rows = session.execute(_friends(), {"since": since, "until": until, "most": limit})
    return [
        Candidate(customer_id, f"friends:{customer_id}:{friends}", at, at, at + FRESH, {"friends": friends})
        for customer_id, friends, at in rows
    ]


@cache
def _friends() -> Select[int, int, datetime]:
    count = _friends_so_far()

    def subject(customer_id: Any) -> ColumnElement[str]:
        return named("friends", customer_id).concat(":").concat(cast(count, String))

    return (
        select(col(Bonus.customer_id), count, col(Bonus.available_at))
        .where(*_earned(Bonus), col(Bonus.available_at) > SINCE, col(Bonus.available_at) <= UNTIL)
        .where(
            _has_many(),
            count.in_(MILESTONES),
            ~_known_before(),
            unheard(NAME, subject(Bonus.customer_id)),
            unheard_before(NAME, Bonus.customer_id, subject),
            has_chat(Bonus.customer_id),
        )
        .order_by(col(Bonus.available_at), col(Bonus.id))
        .limit(MOST)
    )


def _has_many() -> ColumnElement[bool]:
    """The ambassador has rows enough for a milestone, of any state: most have not, and are counted no further."""
    other: Any = aliased(Bonus)
    count = select(func.count()).where(other.customer_id == col(Bonus.customer_id))
    return count.scalar_subquery() >= MILESTONES[0]


def _friends_so_far() -> ScalarSelect[int]:
    """How many friends had brought the ambassador credit when this bonus came in, its own included."""
    other: Any = aliased(Bonus)
    count = select(func.count(distinct(other.friend_id)))
    counted = count.where(other.customer_id == col(Bonus.customer_id), *_earned(other), ~_after(other))
    return counted.correlate(Bonus).scalar_subquery()  # said, for it is the bonus two statements further out, too


def _known_before() -> ColumnElement[bool]:
    """The same friend brought credit earlier."""
    other: Any = aliased(Bonus)
    mine = and_(other.customer_id == col(Bonus.customer_id), other.friend_id == col(Bonus.friend_id))
    return there_is(mine, *_earned(other), other.id != col(Bonus.id), ~_after(other))


def _after(other: Any) -> ColumnElement[bool]:
    at = col(Bonus.available_at)
    return or_(other.available_at > at, and_(other.available_at == at, other.id > col(Bonus.id)))


def _earned(bonus: Any) -> tuple[ColumnElement[bool], ...]:
    """Credit for a friend; what is for several together, brings none."""
    return bonus.status == AVAILABLE, bonus.side == "ambassador", bonus.amount_minor > 0, bonus.friend_id.is_not(None)


def _is_ambassador() -> ColumnElement[bool]:
    return col(Customer.ambassador_since).is_not(None)


PLAY = Play(NAME, GIVE, "thank", THANKS, candidates, next_at, held_out=False, resumes=True)
