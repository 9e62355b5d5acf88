"""Whether something may be said now: opt-outs, gates, caps, quiet times, freshness, hold-out (rules 28-31).

One place for all of it, and pure: facts and a moment in, a verdict out. A message is judged when it is planned and
again when it is sent. A gate that is shut drops it, so that one which opens again lets no burst through; what time
alone will free (a cap, the tenure, quiet hours, a conversation) is waited for, but only while the message is fresh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from referrals.asking.facts import AskFacts
from referrals.asking.play import ASKS, GIVE, PROMOTERS_ONLY, REFERENCE_ASK, REFERRAL_ASK, SCORE
from referrals.asking.quiet import quiet_until
from referrals.asking.readiness import (
    DETRACTOR,
    PROMOTER,
    REST_AFTER_CASE,
    REST_AFTER_RETURN,
    satisfied,
    tenured_at,
)
from referrals.calendar import local_month
from referrals.programme import Programme
from referrals.reasons import (
    CONTACT_CAP,
    EXCLUDED_CUSTOMER,
    IN_CONVERSATION,
    LOW_SCORE,
    NO_CONSENT,
    NO_SCORE,
    NOT_SAMPLED,
    OPEN_CASE,
    PAUSED,
    QUIET_HOURS,
    RECENT_RETURN,
    STALE,
    STOPPED,
    TOO_EARLY,
    UNREACHABLE,
    UNVERIFIED,
    UNWANTED,
)
from storage.customers import ACTIVE

ANSWER, MONEY = "answer", "money"  # what is no play: answers of a person, news of the account; money
WEEK, MONTH = timedelta(days=7), timedelta(days=30)
BETWEEN_ASKS = timedelta(days=30)  # unless they heard something in between that asked nothing
AWAITED = timedelta(hours=24)  # how long a question to which a text is the answer stays open (rules 31)
FEW_IGNORED, REST_AFTER_FEW = 2, timedelta(days=90)
MANY_IGNORED = 3  # from here on nothing more, until they show something
REMINDER, REST_AFTER_REMINDER = "t8", timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Go:
    """It may be said now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """It may be said then at the earliest; for now this is in the way."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Drop:
    """It is not said, for this reason."""

    reason: str


Verdict = Go | Wait | Drop
Gate = Callable[[AskFacts, datetime], bool]

# Rules 28: who may not be written to, and what then stays unsaid.
_SHUT: dict[str, Gate] = {
    UNREACHABLE: lambda facts, _: not facts.reachable,
    STOPPED: lambda facts, _: facts.stopped,
    EXCLUDED_CUSTOMER: lambda facts, _: facts.state != ACTIVE,
    PAUSED: lambda facts, now: facts.paused_until is not None and facts.paused_until > now,
    NO_CONSENT: lambda facts, _: facts.marketing_consent is False or not facts.connected,
    UNVERIFIED: lambda facts, _: not facts.verified,
    OPEN_CASE: lambda facts, now: facts.open_case or _within(facts.solved_at, REST_AFTER_CASE, now),
    LOW_SCORE: lambda facts, _: facts.score is not None and facts.score <= DETRACTOR,
    RECENT_RETURN: lambda facts, now: _within(facts.returned_at, REST_AFTER_RETURN, now),
}
_UNASKED = (UNREACHABLE, STOPPED, EXCLUDED_CUSTOMER, PAUSED, UNWANTED, NO_CONSENT)
TABLE: dict[str, tuple[str, ...]] = {
    ANSWER: (UNREACHABLE,),
    MONEY: (UNREACHABLE, STOPPED),
    SCORE: (*_UNASKED, OPEN_CASE, RECENT_RETURN),
    REFERRAL_ASK: (*_UNASKED, OPEN_CASE, LOW_SCORE, RECENT_RETURN),
    REFERENCE_ASK: (*_UNASKED, UNVERIFIED, OPEN_CASE, LOW_SCORE, RECENT_RETURN),
    GIVE: (*_UNASKED, UNVERIFIED, OPEN_CASE, LOW_SCORE),
}
RANK = {kind: rank for rank, kind in enumerate((ANSWER, MONEY, SCORE, GIVE, REFERENCE_ASK, REFERRAL_ASK))}


def judge_news(kind: str, facts: AskFacts, *, programme: Programme, now: datetime) -> Verdict:
    """Whether an answer or money may go: answers at any hour, money not in the quiet hours; neither grows stale."""
    shut = shut_gate(kind, facts, now=now)
    if shut is not None:
        return Drop(shut)
    if kind == ANSWER:
        return Go()
    until = quiet_until(now, programme=programme, zone=facts.timezone, wished=facts.wished, days=False)
    return Go() if until is None else Wait(until, QUIET_HOURS)


def judge(
    kind: str,
    facts: AskFacts,
    *,
    play: str,
    cause_at: datetime,
    expires_at: datetime,
    programme: Programme,
    now: datetime,
) -> Verdict:
    """Whether this play may speak about this cause now, or when at the earliest, or never and why."""
    if expires_at <= now:
        return Drop(STALE)
    shut = shut_gate(kind, facts, now=now) or _unready(kind, facts, play=play, programme=programme, now=now)
    shut = shut or (_throttled(facts, cause_at=cause_at, programme=programme, now=now) if kind == SCORE else None)
    if shut is not None:
        return Drop(shut)
    waits = list(_waits(kind, facts, programme=programme, now=now))
    until, reason = max(waits, default=(now, QUIET_HOURS))
    quiet = quiet_until(max(until, now), programme=programme, zone=facts.timezone, wished=facts.wished)
    if quiet is None and until <= now:
        return Go()
    until = quiet or until
    return Wait(until, reason) if until < expires_at else Drop(reason)


def shut_gate(kind: str, facts: AskFacts, *, now: datetime) -> str | None:
    """The first of the table's gates that is shut for this kind of message; None where all are open."""
    for gate in TABLE[kind]:
        if _unwanted(kind, facts) if gate == UNWANTED else _SHUT[gate](facts, now):
            return gate
    return None


def is_held_out(play: str, customer_id: int, *, programme: Programme) -> bool:
    """Whether this customer is of the share to whom the play never speaks; the same ones for ever (rules 30)."""
    return _share(f"hold-out:{play}:{customer_id}", programme) < programme.config.cadence.holdout_percent


def ignored_in_a_row(facts: AskFacts) -> int:
    """How many of the last asks to share led to nothing: no press, no visit to the link, no new high score."""
    shown = _shown_at(facts)
    count = 0
    for said in reversed([said for said in facts.said if said.kind == REFERRAL_ASK]):
        if said.reacted_at is not None or (shown is not None and shown >= said.at):
            break
        count += 1
    return count


def _waits(kind: str, facts: AskFacts, *, programme: Programme, now: datetime) -> Iterator[tuple[datetime, str]]:
    """What time alone will free, and when."""
    if facts.awaiting_since is not None and facts.awaiting_since + AWAITED > now:
        yield facts.awaiting_since + AWAITED, IN_CONVERSATION
    config = programme.config
    caps = [_cap(facts, config.cadence.per_week, WEEK), _cap(facts, config.cadence.per_month, MONTH)]
    if kind in ASKS:
        caps.append(_balance(facts))
        days = config.references.min_tenure_days if kind == REFERENCE_ASK else config.asking.min_tenure_days
        ready = tenured_at(facts, days=days) if kind != SCORE else None
        if ready is not None and ready > now:
            yield ready, TOO_EARLY
    if kind == REFERRAL_ASK:
        caps += _rests(facts, days=config.cadence.referral_ask_days)
    yield from ((free, CONTACT_CAP) for free in caps if free is not None and free > now)


def _cap(facts: AskFacts, most: int, window: timedelta) -> datetime | None:
    """When one more message fits into every window of this length; the window is open at its end.

    A message that lies ahead (the clock was put back) counts as one that was sent.
    """
    return facts.said[-most].at + window if 0 < most <= len(facts.said) else None


def _balance(facts: AskFacts) -> datetime | None:
    """Between two asks they hear something that asks nothing, or a month passes (A6)."""
    asks = [said.at for said in facts.said if said.kind in ASKS]
    if not asks:
        return None
    gives = [said.at for said in facts.said if said.kind == GIVE]
    given = max([*gives, *filter(None, [facts.given_at])], default=None)
    return None if given is not None and given > asks[-1] else asks[-1] + BETWEEN_ASKS


def _rests(facts: AskFacts, *, days: int) -> Iterator[datetime]:
    """When the cap of the referral asks, and the rest after ignored ones, are over."""
    asks = [said for said in facts.said if said.kind == REFERRAL_ASK]
    if not asks:
        return
    yield asks[-1].at + timedelta(days=days)
    if ignored_in_a_row(facts) >= FEW_IGNORED:
        yield asks[-1].at + REST_AFTER_FEW
    reminded = max((said.at for said in asks if said.play == REMINDER), default=None)
    if reminded is not None and not (facts.visited_at is not None and facts.visited_at >= reminded):
        yield reminded + REST_AFTER_REMINDER


def _unready(kind: str, facts: AskFacts, *, play: str, programme: Programme, now: datetime) -> str | None:
    """What keeps somebody from being asked that no time within the message's life will change."""
    if not (programme.config.cadence.per_week and programme.config.cadence.per_month):
        return CONTACT_CAP
    if kind not in (REFERRAL_ASK, REFERENCE_ASK):
        return None
    if facts.score is not None and facts.score < PROMOTER:
        return LOW_SCORE
    if facts.first_paid_at is None or len(facts.paid_at) < programme.config.asking.min_orders:
        return TOO_EARLY
    if play in PROMOTERS_ONLY and not satisfied(facts, now=now):
        return NO_SCORE
    tired = kind == REFERRAL_ASK and ignored_in_a_row(facts) >= MANY_IGNORED
    return CONTACT_CAP if tired else None


def _throttled(facts: AskFacts, *, cause_at: datetime, programme: Programme, now: datetime) -> str | None:
    """A score is asked again only after so many days, and then of a share of customers; it does not wait for that."""
    surveys = programme.config.surveys
    asked = [said.at for said in facts.said if said.kind == SCORE]
    if not asked:
        return None
    if asked[-1] + timedelta(days=surveys.min_days_between) > now:
        return CONTACT_CAP
    month = local_month(cause_at, programme.zone)
    share = _share(f"sample:{month}:{facts.customer_id}", programme)
    return None if share < surveys.sample_percent else NOT_SAMPLED


def _shown_at(facts: AskFacts) -> datetime | None:
    """When they last showed that asking is welcome: somebody visited their link, or they gave a high score."""
    scored = facts.scored_at if facts.score is not None and facts.score >= PROMOTER else None
    return max(filter(None, (facts.visited_at, scored)), default=None)


def _unwanted(kind: str, facts: AskFacts) -> bool:
    wished = {SCORE: facts.wished.scores, REFERRAL_ASK: facts.wished.tips, REFERENCE_ASK: facts.wished.portfolio}
    return not wished.get(kind, True)


def _within(moment: datetime | None, rest: timedelta, now: datetime) -> bool:
    return moment is not None and now < moment + rest


def _share(text: str, programme: Programme) -> float:
    """A number from 0 to 100 that this text has in this installation, and always."""
    return int(programme.fingerprint(text)[:8], 16) * 100 / 2**32
