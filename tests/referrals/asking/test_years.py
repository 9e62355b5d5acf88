"""Random years of one customer, judged by the pure rules alone: whatever happens, the promises are kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from referrals.asking.cadence import Drop, Go, Verdict, Wait, judge
from referrals.asking.facts import AskFacts, Said
from referrals.asking.play import GIVE, REFERENCE_ASK, REFERRAL_ASK, SCORE
from referrals.programme import Programme
from tests.planted import phases
from tests.referrals.asking.somebody import programme
from tests.referrals.asking.years import DAY, Heard, History, check

START = datetime(2027, 11, 1, 8, 30, tzinfo=UTC)  # the year to come has a leap day and both changes of the clock
PLAYS = {
    "score": SCORE,
    "t3": REFERRAL_ASK,
    "t6": REFERRAL_ASK,
    "t8": REFERRAL_ASK,
    "t9": GIVE,
    "reference": REFERENCE_ASK,
}
ZONES = (None, "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe")
HAPPENS = (*("plays",) * 14, *("bonus",) * 3, "order", "case", "solved", "return", "visit", "press", "pause", "score")
NEXT = -1000.0  # to the moment at which the next message is due, exactly
# Hours between two looks at the clock: it may stand still, run late, jump ahead and be put back.
GAPS = (NEXT, NEXT, NEXT, NEXT, 0, 0.01, 1, 14, 24, 40, 24 * 6.99, 24 * 7, 24 * 16, 24 * 30, -1)

happenings = st.lists(
    st.tuples(st.sampled_from(HAPPENS), st.sampled_from(GAPS), st.integers(0, 10_000)), min_size=40, max_size=100
)
programmes = st.builds(
    programme,
    cadence__per_week=st.sampled_from([1, 2]),
    cadence__per_month=st.sampled_from([2, 3]),
    cadence__referral_ask_days=st.sampled_from([14, 30, 45]),
    cadence__quiet_days=st.just(["sunday", "12-25", "02-29"]),
    surveys__min_days_between=st.sampled_from([30, 90]),
    asking__min_tenure_days=st.sampled_from([20, 60]),
)


@dataclass
class Waiting:
    """A message that was planned."""

    key: str
    play: str
    due_at: datetime
    cause_at: datetime
    expires_at: datetime


@dataclass
class Year:
    """One customer in one year: what happened, what is planned and what they heard."""

    programme: Programme
    facts: AskFacts
    history: History
    now: datetime = START
    last: datetime = START  # the clock at its farthest: what is said is judged at it
    heard: list[Heard] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    planned: int = 0

    def live(self, what: str, hours: float, number: int) -> None:
        """Time passes, this happens, and the outbox looks."""
        if hours == NEXT:
            self.now = min((one.due_at for one in self.waiting if one.due_at > self.now), default=self.now)
        else:
            self.now += timedelta(hours=hours)
        self.last = max(self.last, self.now)
        getattr(self, what)(number)
        self.send()

    def plays(self, number: int) -> None:
        """Every play finds a cause; the messages stay fresh for an hour, a week or a hundred days."""
        for name in PLAYS:
            cause = self.last - (number % 3) * DAY
            expires = self.last + (timedelta(hours=1), 7 * DAY, 40 * DAY, 100 * DAY)[number % 4]
            self.planned += 1
            self.waiting.append(Waiting(f"{name}:{self.planned}", name, self.last, cause, expires))

    def order(self, number: int) -> None:
        self.history.orders.append(self.last)
        paid = (*self.facts.paid_at, self.last)
        self.facts = replace(self.facts, paid_at=paid, first_paid_at=paid[0])

    def case(self, number: int) -> None:
        if not self.facts.open_case:
            self.history.cases.append((self.last, None))
            self.facts = replace(self.facts, open_case=True)

    def solved(self, number: int) -> None:
        if self.facts.open_case:
            opened, _ = self.history.cases.pop()
            self.history.cases.append((opened, self.last))
            self.facts = replace(self.facts, open_case=False, solved_at=self.last)

    def bonus(self, number: int) -> None:
        self.history.gives.append(self.last)
        self.facts = replace(self.facts, given_at=self.last, friends=self.facts.friends + 1)

    def visit(self, number: int) -> None:
        self.history.visits.append(self.last)
        self.facts = replace(self.facts, visited_at=self.last)

    def press(self, number: int) -> None:
        if self.facts.said:
            *before, last = self.facts.said
            self.facts = replace(self.facts, said=(*before, replace(last, reacted_at=self.last)))

    def pause(self, number: int) -> None:
        if not self.history.pauses or self.history.pauses[-1][1] <= self.last:
            until = self.last + (number % 30) * DAY
            self.history.pauses.append((self.last, until))
            self.facts = replace(self.facts, paused_until=until)

    def score(self, number: int) -> None:
        self.history.scores.append((self.last, 7 + number % 4))
        self.facts = replace(self.facts, score=7 + number % 4, scored_at=self.last)

    def send(self) -> None:
        """Everything that is due is judged, and said where it may be; a cause is judged at its own moment at least."""
        due = [one for one in self.waiting if one.due_at <= self.now]
        first = len(self.heard) % max(1, len(due))  # each play is once the first to be judged
        for one in due[first:] + due[:first]:
            verdict = self.judged(one)
            if isinstance(verdict, Wait):
                assert verdict.until > self.last, "a wait that is over keeps nobody busy"
                assert verdict.until < one.expires_at
                one.due_at = verdict.until
                continue
            self.waiting.remove(one)
            if isinstance(verdict, Go):
                kind = PLAYS[one.play]
                self.heard.append(Heard(one.key, one.play, kind, self.last, one.cause_at, one.expires_at))
                self.facts = replace(self.facts, said=(*self.facts.said, Said(one.play, kind, self.last)))

    def judged(self, one: Waiting) -> Verdict:
        return judge(
            PLAYS[one.play], self.facts, play=one.play, cause_at=one.cause_at, expires_at=one.expires_at,
            programme=self.programme, now=self.last,
        )  # fmt: skip


setattr(Year, "return", lambda self, _: _went_back(self))


def _went_back(year: Year) -> None:
    year.history.returns.append(year.last)
    year.facts = replace(year.facts, returned_at=year.last)


@settings(max_examples=80, deadline=None, derandomize=True, phases=phases(), report_multiple_bugs=False)
@given(
    lived=happenings, how=programmes, zone=st.sampled_from(ZONES), customer_for=st.sampled_from([None, 0, 0, 200]),
    glad=st.booleans(),
)  # fmt: skip
def test_whatever_happens_in_a_year_the_promises_are_kept(
    lived: list[tuple[str, float, int]], how: Programme, zone: str | None, customer_for: int | None, *, glad: bool
) -> None:
    """Rules 28, 29, 30 and 31; A6, A7, F2 and F9: caps in any window, quiet times, cases, tenure, a give between."""
    year = make_year(how, zone=zone, customer_for=customer_for, glad=glad)

    for what, hours, number in lived:
        year.live(what, hours, number)

    check(year.heard, year.history, how)


def make_year(how: Programme, *, zone: str | None, customer_for: int | None, glad: bool) -> Year:
    """A year of somebody who ordered twice so many days ago, or never yet, and may have given a ten."""
    orders = [START - customer_for * DAY] * 2 if customer_for is not None else []
    facts = AskFacts(1, timezone=zone, paid_at=tuple(orders), first_paid_at=orders[0] if orders else None)
    year = Year(how, facts, History(zone=zone, orders=list(orders)))
    if glad:
        year.score(3)
    return year


def test_the_years_are_not_empty() -> None:
    """What the property holds of would hold of silence too: an ordinary year has something to say, of every kind."""
    year = make_year(programme(), zone=None, customer_for=200, glad=True)
    for number in range(120):
        year.live("bonus" if number % 10 == 0 else "visit" if number % 13 == 0 else "plays", 24 * 4, 2)

    assert {one.play for one in year.heard} == set(PLAYS)
    assert len(year.heard) > 20
    assert any(isinstance(year.judged(one), Drop | Wait) for one in year.waiting)
