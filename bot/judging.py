"""Which of a chat's notices may go now, judged at the moment of sending; the rest waits or is dropped (rules 28, 29).

The judgement itself is ``referrals.asking.cadence``'s, for every kind of message; here it is put to the outbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from referrals.asking.cadence import ANSWER, MONEY, RANK, Drop, Go, Verdict, Wait, judge_news
from referrals.asking.contacts import facts_to_send, judge_notice, mark_not_sent
from referrals.asking.facts import AskFacts, reader_facts
from referrals.asking.plays import PLAYS
from referrals.asking.quiet import quiet_until
from referrals.asking.reference_news import SO_AT
from referrals.asking.references import still_so
from referrals.notices import ACCOUNT, CASES, CREDIT_ENDS, OWNERS_NEWS, REFERENCE_CARD, REVIEW_WAITING, STAFF, UNASKED
from referrals.notices import MONEY as MONEY_NOTICES
from referrals.programme import Programme
from referrals.reasons import QUIET_HOURS, STALE
from referrals.rewarding.credit_expiry import news_of_ending
from referrals.screening.telling import still_waiting
from storage.customers import Customer
from storage.mailbox import DROPPED, Outbox

BY_NOTICE = {play.notice: play for play in PLAYS.values()}
AT_ANY_HOUR = ACCOUNT | CASES | STAFF
FOR_OWNERS = OWNERS_NEWS | {REFERENCE_CARD}


def ready(
    session: Session, rows: Sequence[Outbox], customer: Customer | None, *, programme: Programme, now: datetime
) -> list[Outbox]:
    """Those that may go, the most important first; where news may go, nothing is asked yet."""
    rows = [row for row in rows if _is_so(session, row, now=now)]
    news = [row for row in rows if row.kind not in UNASKED]
    asks = [row for row in rows if row.kind in UNASKED]
    reader = (reader_facts(session, customer) if customer else AskFacts(0)) if news else None
    going = [row for row in news if reader and _goes(session, row, _judged(row, reader, programme=programme, now=now))]
    if asks and not going:
        facts = facts_to_send(session, customer.id) if customer else None
        verdicts = [(row, judge_notice(session, row, facts, programme=programme, now=now)) for row in asks]
        going = [row for row, verdict in verdicts if _goes(session, row, verdict)]
    return sorted(going, key=lambda row: (_rank(row.kind), row.due_at, row.id))


def drop(session: Session, row: Outbox, because: str) -> None:
    """The message is given up; the reason stays with it, and with the contact that it was planned for."""
    row.status, row.dropped_because, row.retry_at = DROPPED, because, None
    if row.kind in UNASKED:
        mark_not_sent(session, [row], because=because)


def _is_so(session: Session, row: Outbox, *, now: datetime) -> bool:
    """Whether it can be said at all: of a reference that has moved on, or a cause that fell away, nothing is."""
    about_reference = row.kind in SO_AT
    so = still_so(session, row, now=max(now, row.as_of)) if about_reference else _has_cause(session, row)
    if not so:
        drop(session, row, STALE)
    return so


def _has_cause(session: Session, row: Outbox) -> bool:
    """Whether what it speaks about is still so: not sent back, not visited, not spent, not decided meanwhile."""
    if row.kind == CREDIT_ENDS:
        news = news_of_ending(session, row.data)
        row.data = news or row.data  # as much as is left
        return news is not None
    if row.kind == REVIEW_WAITING:
        return still_waiting(session, row)
    play = BY_NOTICE.get(row.kind)
    return play is None or play.still is None or play.still(session, row.unique_key.partition(":")[2])


def _judged(row: Outbox, reader: AskFacts, *, programme: Programme, now: datetime) -> Verdict:
    moment = max(now, row.as_of)
    is_owner = row.chat_id in programme.config.telegram.owner_ids
    if row.kind in FOR_OWNERS and not is_owner and row.message_id is None:
        return Drop(STALE)  # an owner no longer; what they have is still kept up to date
    if row.kind in OWNERS_NEWS:
        until = quiet_until(moment, programme=programme, zone=None, days=False)
        return Go() if until is None else Wait(until, QUIET_HOURS)
    if row.kind in AT_ANY_HOUR:
        return judge_news(ANSWER, reader, programme=programme, now=moment)
    if row.expires_at is not None and row.expires_at <= moment and row.kind not in MONEY_NOTICES:
        return Drop(STALE)
    return judge_news(MONEY, reader, programme=programme, now=moment)


def _goes(session: Session, row: Outbox, verdict: Verdict) -> bool:
    if isinstance(verdict, Wait):
        row.due_at = verdict.until
    elif isinstance(verdict, Drop):
        drop(session, row, verdict.reason)
    return isinstance(verdict, Go)


def _rank(kind: str) -> int:
    return RANK[ANSWER if kind in AT_ANY_HOUR else BY_NOTICE[kind].kind if kind in BY_NOTICE else MONEY]
