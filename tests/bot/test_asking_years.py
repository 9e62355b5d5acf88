"""Random years through the real tables: the plays find, the jobs plan, the outbox claims and settles, senders die.

What Telegram got, or may have got, is added up again by ``tests.referrals.asking.years``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, func, select

from bot.outbox import Plan, claim
from bot.settling import Failed, Sent, settle
from referrals.asking.plays import PLAYS
from referrals.asking.scores import record_score
from referrals.programme import Programme
from storage.cases import Case
from storage.contacts import Contact
from storage.customers import Customer
from storage.database import Database
from storage.mailbox import DUE, BotPace, Chat, Outbox
from storage.orders import Order
from storage.surveys import Survey
from tests.bot.chat import AT_ONCE
from tests.planted import WITHIN, phases
from tests.referrals.asking.somebody import programme
from tests.referrals.asking.stage import bought, case, credited, linked, looked, person, scored, visited
from tests.referrals.asking.years import DAY, Heard, History, check

START = datetime(2027, 11, 2, 9, 0, tzinfo=UTC)  # the year to come has a leap day and both changes of the clock
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ZONES = (None, "America/New_York", "Asia/Tokyo")
NEXT = -1000.0  # to the moment that comes next, as the time machine would
GAPS = (NEXT, NEXT, NEXT, NEXT, NEXT, 0, 1, 24, 40, 24 * 7, 24 * 20, -1)
HAPPENS = (*("nothing",) * 4, *("order", "answer", "bonus") * 2, "visit", "case", "solved", "refund", "pause", "press")
LOOKED_AT = ("score", "t3", "t6", "t8", "t9")
# What becomes of a sending, each with what Telegram may have got of it.
FATES = ("sent", "sent", "sent", "sent", "unknown", "died", "unsent", "slow")
MAYBE = frozenset({"sent", "unknown", "died"})

lives = st.lists(
    st.tuples(st.sampled_from(HAPPENS), st.sampled_from(GAPS), st.integers(0, 10_000), st.sampled_from(FATES)),
    min_size=20,
    max_size=32,
)


class Over(Exception):
    """The year is over: nothing of it is kept."""


@dataclass
class Year:
    """One customer's year in a transaction of its own."""

    session: Session
    how: Programme
    customer: int
    code: int
    history: History
    now: datetime = START
    last: datetime = START
    heard: list[Heard] = field(default_factory=list)
    senders: int = 0

    def live(self, what: str, hours: float, number: int, fate: str) -> None:
        """Time passes, this happens, the jobs look and the outbox sends."""
        if hours == NEXT:
            self.now = self.next_moment()
        else:
            self.now += timedelta(hours=hours)
        self.last = max(self.last, self.now)
        if what != "nothing":
            getattr(self, what)(number)
        self.session.flush()
        self.session.expire_all()
        looked(self.session, *LOOKED_AT, programme=self.how, now=self.now)
        self.send(fate)

    def next_moment(self) -> datetime:
        due = select(func.min(Outbox.due_at)).where(Outbox.status == DUE, Outbox.due_at > self.now)
        moments = [PLAYS[name].next_at(self.session, programme=self.how, now=self.now) for name in LOOKED_AT]
        return min(filter(None, [self.session.exec(due).one(), *moments]), default=self.now + DAY)

    def order(self, number: int) -> None:
        bought(self.session, self.customer, self.now)
        self.history.orders.append(self.now)

    def refund(self, number: int) -> None:
        order = self.session.exec(select(Order).order_by(col(Order.paid_at).desc())).first()
        if order is not None:
            order.refunded_minor, order.updated_at = 9000, self.now
            self.history.returns.append(self.now)

    def answer(self, number: int) -> None:
        """The last question that is open is answered."""
        asked = select(Survey).where(Survey.customer_id == self.customer, col(Survey.score).is_(None))
        survey = self.session.exec(asked.order_by(col(Survey.id).desc())).first()
        score = (10, 9, 9, 8, 6)[number % 5]
        if survey is None or survey.id is None:
            return
        found = record_score(
            self.session, survey.id, customer_id=self.customer, score=score, programme=self.how, now=self.last
        )
        if found is not None:
            self.history.scores.append((self.last, score))
            if score <= 6 and not self.is_complaining():
                self.history.cases.append((self.last, None))

    def case(self, number: int) -> None:
        if not self.is_complaining():
            case(self.session, self.customer, self.last)
            self.history.cases.append((self.last, None))

    def solved(self, number: int) -> None:
        for row in self.session.exec(select(Case).where(col(Case.solved_at).is_(None))):
            row.solved_at = self.last
        if self.is_complaining():
            opened, _ = self.history.cases.pop()
            self.history.cases.append((opened, self.last))

    def is_complaining(self) -> bool:
        return bool(self.history.cases) and self.history.cases[-1][1] is None

    def bonus(self, number: int) -> None:
        friend = person(self.session, chat=False)
        credited(self.session, self.customer, self.last, friend=friend, told=True)
        self.history.gives.append(self.last)

    def visit(self, number: int) -> None:
        visited(self.session, self.code, self.last + timedelta(microseconds=len(self.history.visits)))
        self.history.visits.append(self.last)

    def press(self, number: int) -> None:
        said = select(Contact).where(col(Contact.sent_at).is_not(None)).order_by(col(Contact.sent_at).desc())
        contact = self.session.exec(said).first()
        if contact is not None:
            contact.reacted_at = self.last

    def pause(self, number: int) -> None:
        if not self.history.pauses or self.history.pauses[-1][1] <= self.last:
            until = self.last + (number % 20) * DAY
            self.session.get_one(Customer, self.customer).paused_until = until
            self.history.pauses.append((self.last, until))

    def send(self, fate: str) -> None:
        """A sender takes the chat and says what is due; the first message meets this fate, the others arrive."""
        self.senders += 1
        chat, worker = 1000 + self.customer, f"sender-{self.senders}"
        self.is_free(worker)
        while True:
            found = claim(self.session, chat, worker=worker, programme=self.how, now=self.now, pace=AT_ONCE)
            if not isinstance(found, Plan):
                return
            self.hear(found, fate)
            if fate == "died":
                return
            result = Sent(1) if fate == "sent" else Failed(fate, retry_after=1.0)
            settle(self.session, found, result, worker=worker, now=self.now, jitter=0.5)
            self.is_free(worker)
            fate = "sent"

    def is_free(self, worker: str) -> None:
        """The machine's clock has gone on: whoever had the chat has it no longer, and no back-off is left."""
        chat = self.session.get_one(Chat, 1000 + self.customer)
        chat.lease_owner, chat.next_at = worker, None
        for row in self.session.exec(select(Outbox).where(col(Outbox.retry_at).is_not(None))):
            row.retry_at = None
        for pace in self.session.exec(select(BotPace)):
            pace.next_at = LONG_AGO
        self.session.flush()

    def hear(self, plan: Plan, fate: str) -> None:
        row = self.session.get_one(Outbox, plan.rows[0])
        if fate not in MAYBE or not plan.once:
            return
        contact = self.session.exec(select(Contact).where(Contact.key == row.unique_key)).one()
        assert contact.sent_at is not None, "what is being sent counts as said"
        told = Heard(contact.key, contact.play, contact.kind, contact.sent_at, contact.cause_at, contact.expires_at)
        self.heard.append(told)


def begin(session: Session, how: Programme, *, zone: str | None, customer_for: int | None) -> Year:
    """Somebody who ordered twice so many days ago and gave a ten, or somebody new; with a link."""
    one = person(session, timezone=zone)
    history = History(zone=zone)
    code = linked(session, one, START)
    if customer_for is not None:
        for _ in range(2):
            bought(session, one, START - customer_for * DAY)
            history.orders.append(START - customer_for * DAY)
        scored(session, one, 10, START - timedelta(hours=1))
        history.scores.append((START - timedelta(hours=1), 10))
    return Year(session, how, one, code, history)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@settings(
    max_examples=12 if WITHIN in os.environ else 6,
    deadline=None, derandomize=True, phases=phases(), report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    lived=lives, zone=st.sampled_from(ZONES), customer_for=st.sampled_from([None, 5, 58, 200]),
    per_week=st.sampled_from([1, 2]),
)  # fmt: skip
def test_a_random_year_keeps_every_promise_through_jobs_and_outbox(
    database: Database,
    lived: list[tuple[str, float, int, str]],
    zone: str | None,
    customer_for: int | None,
    per_week: int,
) -> None:
    """Rules 23, 28, 29, 30 and 31: through real candidates, plans and claims, with senders that die on the way."""
    how = programme(cadence__per_week=per_week, surveys__min_days_between=30)

    def year(session: Session) -> None:
        one = begin(session, how, zone=zone, customer_for=customer_for)
        for what, hours, number, fate in lived:
            one.live(what, hours, number, fate)
        check(one.heard, one.history, how)
        raise Over

    with pytest.raises(Over):
        database.run(year)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_such_a_year_is_not_silent(database: Database) -> None:
    """An ordinary year with its orders, friends and answers has every play of the clock in it."""

    def year(session: Session) -> set[str]:
        one = begin(session, programme(cadence__per_month=4), zone=None, customer_for=200)
        for number in range(72):
            what = {0: "order", 4: "answer", 8: "bonus"}.get(number % 12, "nothing")
            one.live(what, 24 * 3 + 1 if number % 3 == 0 else NEXT, 0, "sent")
        check(one.heard, one.history, one.how)
        return {each.play for each in one.heard}

    assert {"score", "t6", "t9"} <= database.run(year) <= set(LOOKED_AT)
