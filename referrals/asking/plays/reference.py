"""Reference: somebody who is glad with us is asked whether we may show what they have to say.

Goal: customers' own words in the portfolio (F4). Trigger: a 10, a friend who brought them credit, having been a
customer for half a year, the end of a rest after the last invitation, "later", or an owner's nomination; none while one
of theirs is a draft, waits for an owner, or is public. Delay: a day. Expires: sixty days. Cap: once in half a year; a
year after a no; no hold-out, for no effect of it is measured.
Text: ``notice.reference_invited``. Source: playbook 3.1, 3.5.

Renewal: once a published reference is over it has left the wall by itself; its customer is asked once whether it may
come back (``notice.reference_renewal``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, String, and_, bindparam, cast, exists, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func

from referrals.asking.candidates import has_chat, named, unheard
from referrals.asking.play import REFERENCE_ASK, Candidate, Play
from referrals.asking.readiness import BEST, FRESH_SCORE
from referrals.asking.references import CUSTOMER_APPROVED, DRAFT, INVITED, NOMINATED, SNOOZED, STALE
from referrals.asking.wall import PUBLISHED
from referrals.notices import REFERENCE_INVITED, REFERENCE_RENEWAL
from referrals.programme import Programme
from storage.bulk import fetch_in
from storage.columns import UtcTime
from storage.contacts import PLANNED, Contact
from storage.customers import ERASED, EXCLUDED, STAFF, Customer, CustomerAlias
from storage.ledger import AVAILABLE, Bonus
from storage.references import Reference
from storage.surveys import Survey

NAME, RENEWAL, JOB = "reference", "renewal", "invite-references"
DELAY = timedelta(days=1)  # for a day a score can be changed
LOOK = timedelta(days=14)  # how far back causes are looked for: a job that slept longer has missed them
YEAR = timedelta(days=365.25)
FEW = 5  # causes that lie ahead and are looked at for the next moment
FAR = datetime.max.replace(tzinfo=UTC) - YEAR


@dataclass(frozen=True, slots=True)
class Cause:
    """One way to become a candidate: rows with a moment, and who they are about."""

    kind: str  # of the subject
    table: Any
    moment: Any  # column; due ``delay`` later, and so many days as this setting of ``[references]`` says
    where: tuple[ColumnElement[bool], ...]
    delay: timedelta = timedelta()
    days: str | None = None
    edition: Any = None  # column that tells two causes of one row apart
    rested: bool = True  # asks for tenure, and that they were not asked lately
    signal: bool = False  # asks for a 10 or a friend, where the cause itself is none
    look: timedelta = LOOK

    @property
    def subject(self) -> ColumnElement[str]:
        """What the invitation is about, in SQL."""
        subject = named(self.kind, self.table.id)
        return subject if self.edition is None else subject.concat(":").concat(cast(self.edition, String))

    def wait(self, programme: Programme) -> timedelta:
        """How long after its moment it is a cause."""
        settings = programme.config.references
        return self.delay + timedelta(days=getattr(settings, self.days) if self.days else 0)


def candidates(session: Session, *, programme: Programme, now: datetime, limit: int) -> list[Candidate]:
    """Who may be invited, and why: an owner's wish and a "later" first, then each cause from its oldest; each once."""
    found: dict[int, Candidate] = {}
    for cause in CAUSES:
        if len(found) >= limit:
            break
        wait = cause.wait(programme)
        known = _moments(programme, now) | {"since": now - wait - cause.look, "until": now - wait, "most": limit}
        for subject, person, moment in session.execute(_people(cause.kind), known).all():
            due_at = moment + wait
            found.setdefault(person, Candidate(person, subject, moment, due_at, due_at + STALE))
    return list(found.values())[:limit]


def next_at(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """When the next cause is old enough for somebody who may be invited by then."""
    return next((due for due in _ahead(session, programme, now) if _anybody(session, programme, due)), None)


def _ahead(session: Session, programme: Programme, now: datetime) -> list[datetime]:
    """When the next few of each cause are old enough, as if nobody were new or rested; the first one first."""
    moments: set[datetime] = set()
    for cause in CAUSES:
        wait = cause.wait(programme)
        known = _moments(programme, now) | dict.fromkeys(("now", "tenured", "rested", "until"), FAR)
        rows = session.execute(_people(cause.kind), known | {"since": now - wait, "most": FEW}).all()
        moments.update(row[2] + wait for row in rows)
    return sorted(moments)


def _anybody(session: Session, programme: Programme, now: datetime) -> bool:
    return bool(candidates(session, programme=programme, now=now, limit=1))


def prepare(
    session: Session, chosen: Sequence[Candidate], *, programme: Programme, now: datetime
) -> dict[str, dict[str, Any]]:
    """Each of them has an invitation that waits to be sent: a row of its own, or the one that was snoozed."""
    rows = {candidate.subject: _row(session, candidate, now=now) for candidate in chosen}
    session.flush()
    said = _said(session, [candidate.customer_id for candidate in chosen], now=now)
    return {
        candidate.subject: {
            "reference": rows[candidate.subject].id,
            "version": rows[candidate.subject].version,
            **said.get(candidate.customer_id, {}),
        }
        for candidate in chosen
    }


def _row(session: Session, candidate: Candidate, *, now: datetime) -> Reference:
    kind, _, identifier = candidate.subject.partition(":")
    row = session.get(Reference, int(identifier.partition(":")[0])) if kind in (NOMINATED, SNOOZED) else None
    if row is None:
        row = Reference(customer_id=candidate.customer_id, status=INVITED, created_at=now, updated_at=now)
    row.status, row.invited_at, row.updated_at, row.rest_until = INVITED, now, now, None
    row.contact_key = f"{NAME}:{candidate.subject}"
    session.add(row)
    return row


def _said(session: Session, customer_ids: Sequence[int], *, now: datetime) -> dict[int, dict[str, Any]]:
    """What the invitation says of each: for how many years a customer, and a 10 that stands."""
    last: dict[int, Any] = {}
    for row in fetch_in(session, Survey, "customer_id", customer_ids, extra="score IS NOT NULL"):
        if row["customer_id"] not in last or last[row["customer_id"]]["scored_at"] < row["scored_at"]:
            last[row["customer_id"]] = row
    customers = fetch_in(session, Customer, "id", customer_ids)
    return {
        row["id"]: {
            "years": int((now - row["first_paid_at"]) / YEAR) if row["first_paid_at"] else 0,
            "ten": bool(last.get(row["id"]) and last[row["id"]]["score"] == BEST),
        }
        for row in customers
    }


def _moments(programme: Programme, now: datetime) -> dict[str, datetime]:
    """What the statements compare with; they are the same at every look, so they are made once."""
    settings = programme.config.references
    tenure, rest = timedelta(days=settings.min_tenure_days), timedelta(days=settings.ask_every_days)
    return {
        "now": now,
        "tenured": now - tenure,
        "rested": now - rest,
        "asked": now - rest - LOOK - STALE,
        "fresh": now - FRESH_SCORE,
    }


def _moment(name: str) -> BindParameter[datetime]:
    return bindparam(name, type_=UtcTime())


@lru_cache(maxsize=16)
def _people(kind: str) -> Select[Any]:
    """(subject, customer, moment) of a cause, along the index of its moment; merged people are who they are now."""
    cause = next(each for each in CAUSES if each.kind == kind)
    query: Any = select(cause.subject, col(Customer.id), cause.moment).select_from(cause.table)
    alias: Any = aliased(CustomerAlias)
    if cause.table is Customer:
        query = query.where(~exists().where(alias.merged_id == col(Customer.id)))
    else:
        person = func.coalesce(alias.customer_id, cause.table.customer_id)
        query = query.outerjoin(alias, alias.merged_id == cause.table.customer_id)
        query = query.join(Customer, col(Customer.id) == person)
    # Said as a no, for most customers are active: an index of states would be the worst way to find somebody.
    taking_part = col(Customer.state).not_in([STAFF, EXCLUDED, ERASED])
    query = query.where(taking_part, has_chat(Customer.id), ~_has_one(), *cause.where)
    query = query.where(unheard(NAME, cause.subject))
    query = query.where(cause.moment > _moment("since"), cause.moment <= _moment("until"))
    if cause.rested:
        query = query.where(col(Customer.first_paid_at) <= _moment("tenured"), ~_asked_lately())
    if cause.signal:
        query = query.where(_signal())
    ordered: Select[Any] = query.order_by(cause.moment, cause.table.id).limit(bindparam("most"))
    return ordered


def _has_one() -> ColumnElement[bool]:
    """One of theirs is a draft, waits for an owner, or is public: ``references.has_one``, of many at once."""
    reference = aliased(Reference)
    public = and_(col(reference.status) == PUBLISHED, col(reference.expires_at) > _moment("now"))
    return _theirs(reference, or_(col(reference.status).in_([DRAFT, CUSTOMER_APPROVED]), public))


def _signal() -> ColumnElement[bool]:
    """The customer gave a 10 within half a year, or brought a friend."""
    survey, bonus = aliased(Survey), aliased(Bonus)
    ten = (col(survey.score) == BEST, col(survey.scored_at) > _moment("fresh"))
    return or_(_theirs(survey, *ten), exists().where(col(bonus.customer_id) == col(Customer.id), *_credit(bonus)))


def _credit(bonus: Any = Bonus) -> tuple[ColumnElement[bool], ...]:
    return (bonus.status == AVAILABLE, bonus.side == "ambassador", bonus.amount_minor > 0)


def _asked_lately() -> ColumnElement[bool]:
    """They rest from what they answered, or an invitation is on its way or went out not long ago."""
    reference, contact = aliased(Reference), aliased(Contact)
    out = or_(col(contact.status) == PLANNED, col(contact.sent_at) > _moment("rested"))
    resting = _theirs(reference, col(reference.rest_until) > _moment("now"))
    return or_(resting, _theirs(contact, col(contact.kind) == REFERENCE_ASK, out))


def _theirs(table: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """There is such a row of the customer, or of somebody who was merged into them; each by its index."""
    alias: Any = aliased(CustomerAlias)
    merged = and_(alias.merged_id == table.customer_id, alias.customer_id == col(Customer.id))
    own = exists().where(table.customer_id == col(Customer.id), *conditions)
    return or_(own, exists().where(merged, *conditions))


def renewals(session: Session, *, programme: Programme, now: datetime, limit: int) -> list[Candidate]:
    """Published references whose time is over, the oldest first."""
    query = _over().where(col(Reference.expires_at) > now - LOOK, col(Reference.expires_at) <= now)
    rows = session.execute(query.where(unheard(RENEWAL, _edition())).limit(limit)).all()
    months = programme.config.references.valid_months
    return [
        Candidate(
            person, subject, over_at, over_at, over_at + STALE,
            {"reference": reference.id, "version": reference.version, "months": months},
        )
        for reference, subject, person, over_at in rows
    ]  # fmt: skip


def renewal_at(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """When the time of the next one is over."""
    row = session.execute(_over().where(col(Reference.expires_at) > now).limit(1)).first()
    return None if row is None else row[3]


def _over() -> Select[Any]:
    alias: Any = aliased(CustomerAlias)
    person = func.coalesce(alias.customer_id, col(Reference.customer_id))
    return (
        select(Reference, _edition(), person, col(Reference.expires_at))
        .outerjoin(alias, alias.merged_id == col(Reference.customer_id))
        .where(col(Reference.status) == PUBLISHED)
        .order_by(col(Reference.expires_at), col(Reference.id))
    )


def _edition() -> ColumnElement[str]:
    return named("reference", Reference.id).concat(":").concat(cast(Reference.version, String))


ASKED: Any = aliased(Contact)  # by another name than the one that ``unheard`` looks for
CAUSES = (
    Cause(
        NOMINATED, Reference, col(Reference.nominated_at), (col(Reference.status) == NOMINATED,),
        edition=Reference.version, rested=False, look=STALE,
    ),
    Cause(
        SNOOZED, Reference, col(Reference.snoozed_until), (col(Reference.status) == SNOOZED,),
        edition=Reference.version, rested=False, look=STALE,
    ),
    Cause("survey", Survey, col(Survey.scored_at), (col(Survey.score) == BEST,), delay=DELAY),
    Cause("bonus", Bonus, col(Bonus.available_at), _credit(), delay=DELAY),
    Cause("customer", Customer, col(Customer.first_paid_at), (), days="min_tenure_days", signal=True),
    Cause("again", Reference, col(Reference.rest_until), (), edition=Reference.version, signal=True),
    Cause(
        "contact", ASKED, ASKED.sent_at, (ASKED.play == NAME, ASKED.planned_at > _moment("asked")),
        days="ask_every_days", signal=True,
    ),
)  # fmt: skip
PLAY = Play(NAME, REFERENCE_ASK, JOB, REFERENCE_INVITED, candidates, next_at, held_out=False, prepare=prepare)
RENEWAL_PLAY = Play(RENEWAL, REFERENCE_ASK, JOB, REFERENCE_RENEWAL, renewals, renewal_at, held_out=False)
