"""Cases: complaints and questions that a person answers, with a promised time; talking both ways (rule 31).

A customer has one open case at most: whatever they say meanwhile belongs to it. While it is open, and fourteen days
after, they are asked nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, Update, update
from sqlmodel import Session, col, func, select

from referrals.asking.promises import promise
from referrals.asking.staff import drop_alarm, send_card, send_words, show_case, split
from referrals.notices import CASE_ANSWER, CASE_SOLVED, Notice, write_notices
from referrals.people.persons import everybody, survivor
from referrals.programme import Programme
from storage.auditlog import AuditEvent
from storage.cases import CUSTOMER, OPEN, SOLVED, STAFF, TAKEN, Case, CaseMessage
from storage.customers import Customer
from storage.mailbox import Chat

REOPENED = timedelta(days=14)  # how long a customer can say that it is not solved after all
MOST_UNANSWERED = 20  # texts of one customer that are passed on before somebody answers; the rest is only kept
TOOK, YOURS, SOMEBODYS = "took", "yours", "somebodys"
DONE, BEFORE, UNKNOWN = "done", "before", "unknown"


@dataclass(frozen=True, slots=True)
class Colleague:
    """Who of the staff acts; the name is what their app says."""

    telegram_id: int
    name: str | None = None
    is_owner: bool = False

    @property
    def actor(self) -> str:
        """Who this is in the audit log."""
        return f"{'owner' if self.is_owner else 'staff'}:{self.telegram_id}"


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of a colleague's words."""

    outcome: str  # done, unknown
    solved: bool = False  # the case had been solved before
    reachable: bool = True


def hold_customer(session: Session, customer_id: int) -> None:
    """Until this transaction ends nobody else opens a case for this customer, or begins to send them an ask."""
    session.exec(select(Customer.id).where(Customer.id == survivor(session, customer_id)).with_for_update()).first()


def open_case_of(session: Session, customer_id: int) -> Case | None:
    """The case that this customer has open; None where there is none."""
    people = everybody(session, customer_id)
    query = select(Case).where(col(Case.customer_id).in_(people), col(Case.solved_at).is_(None))
    return session.exec(query.order_by(col(Case.id).desc()).limit(1)).first()


def _held_open_case(session: Session, customer_id: int) -> Case | None:
    """That case as it stands now, held until the end; a colleague may have solved it since it was read."""
    found = open_case_of(session, customer_id)
    case = _locked(session, _id(found)) if found else None
    return case if case is not None and case.solved_at is None else None


def open_case(
    session: Session,
    customer_id: int,
    *,
    kind: str,
    programme: Programme,
    now: datetime,
    text: str = "",
    survey_id: int | None = None,
) -> Case:
    """The customer has an open case, and the staff see it: a new one, theirs about the score again, or the open one."""
    hold_customer(session, customer_id)
    case = _held_open_case(session, customer_id)
    if case is not None:
        case.survey_id = case.survey_id or survey_id
        if survey_id is not None and case.waiting_since is None:
            _wait(case, programme=programme, now=now)
        if text:
            customer_says(session, case, text=text, programme=programme, now=now)
        show_case(session, case, programme=programme, now=now)
        return case
    query = select(Case).where(Case.survey_id == survey_id).with_for_update()
    before = session.exec(query).first() if survey_id is not None else None
    if before is not None:
        _open_again(session, before, text=text, programme=programme, now=now)
        return before
    case = Case(
        customer_id=survivor(session, customer_id),
        kind=kind,
        survey_id=survey_id,
        opened_at=now,
        promised_at=promise(now, programme=programme),
        waiting_since=now,
    )
    session.add(case)
    session.flush()
    if text:
        session.add(CaseMessage(case_id=_id(case), said_by=CUSTOMER, text=text, at=now))
    send_card(session, case, text=text, programme=programme, now=now)
    return case


def customer_says(session: Session, case: Case, *, text: str, programme: Programme, now: datetime) -> bool:
    """The words are in the case and go to the staff; returns whether a new wait, with a new promise, began.

    The case is judged as a colleague left it who was at it at the same time: one that they solved is open again.
    """
    hold_customer(session, case.customer_id)
    _locked(session, _id(case))
    if case.solved_at is not None:
        _open_again(session, case, text=text, programme=programme, now=now)
        return True
    begins = case.waiting_since is None
    if begins:
        _wait(case, programme=programme, now=now)
    message = CaseMessage(case_id=_id(case), said_by=CUSTOMER, text=text, at=now)
    session.add(message)
    session.flush()
    if _unanswered(session, case) <= MOST_UNANSWERED:
        send_words(session, case, message, programme=programme, now=now)
    if begins:
        show_case(session, case, programme=programme, now=now, did="asked")
    return begins


def staff_says(
    session: Session, case_id: int, *, text: str, colleague: Colleague, programme: Programme, now: datetime
) -> Passed:
    """The customer gets the words as an answer of the case, and waits no longer; an open case is the colleague's now.

    After it was solved they still get them, and it stays solved.
    """
    case = _locked(session, case_id)
    if case is None:
        return Passed(UNKNOWN)
    before = _state(case)
    drop_alarm(session, case, programme=programme)
    if case.status == OPEN:
        case.status, case.taken_by, case.taken_at = TAKEN, colleague.telegram_id, now
    case.answered_at, case.waiting_since, case.alarms = case.answered_at or now, None, 0
    message = CaseMessage(case_id=case_id, said_by=STAFF, telegram_id=colleague.telegram_id, text=text, at=now)
    session.add(message)
    session.flush()
    solved = case.status == SOLVED
    notices = [
        Notice(
            CASE_ANSWER,
            case.customer_id,
            f"case:{case_id}:answer:{message.id}:{place}",
            {"case": case_id, "text": part, "first": place == 0, "solved": solved},
        )
        for place, part in enumerate(split(text))
    ]
    for notice in notices:  # one by one: in the order in which they are to be read
        write_notices(session, [notice], now=now)
    _audit(session, case, "case:answer", before, colleague=colleague, now=now, message=message.id)
    show_case(session, case, programme=programme, now=now, did="answered", by=colleague.name)
    return Passed(DONE, solved=solved, reachable=_is_reachable(session, case.customer_id))


def take(session: Session, case_id: int, *, colleague: Colleague, programme: Programme, now: datetime) -> str:
    """The case is this colleague's, unless it is taken: took, yours, somebodys, before (it is solved), unknown."""
    taking = update(Case).where(col(Case.id) == case_id, col(Case.status) == OPEN)
    took = _changed(session, taking.values(status=TAKEN, taken_by=colleague.telegram_id, taken_at=now))
    case = _fresh(session, case_id)
    if case is None:
        return UNKNOWN
    if not took:
        mine = case.taken_by == colleague.telegram_id
        return BEFORE if case.status == SOLVED else YOURS if mine else SOMEBODYS
    _audit(session, case, "case:take", {"status": OPEN, "taken_by": None}, colleague=colleague, now=now)
    show_case(session, case, programme=programme, now=now, did="taken", by=colleague.name)
    return TOOK


def solve(session: Session, case_id: int, *, colleague: Colleague, programme: Programme, now: datetime) -> str:
    """The case is solved and its customer hears it once: done, before, unknown."""
    case = _locked(session, case_id)
    if case is None:
        return UNKNOWN
    if case.status == SOLVED:
        return BEFORE
    before = _state(case)
    drop_alarm(session, case, programme=programme)
    case.status, case.solved_by, case.solved_at = SOLVED, colleague.telegram_id, now
    case.waiting_since, case.alarms = None, 0
    event = _audit(session, case, "case:solve", before, colleague=colleague, now=now)
    notice = Notice(CASE_SOLVED, case.customer_id, f"case:{case_id}:solved:{event}", {"case": case_id})
    write_notices(session, [notice], now=now)
    show_case(session, case, programme=programme, now=now, did="solved", by=colleague.name)
    return DONE


def reopen(session: Session, case_id: int, *, customer_id: int, programme: Programme, now: datetime) -> Case | None:
    """Its customer says that it is not solved: it is open again, with a new promise. None for anybody else's.

    An open one stays as it is. After fourteen days it stays solved, too: that is a new question.
    """
    hold_customer(session, customer_id)
    case = _locked(session, case_id)
    if case is None or survivor(session, case.customer_id) != survivor(session, customer_id):
        return None
    other = open_case_of(session, customer_id)
    if case.solved_at is None or other is not None:
        return other
    if now - case.solved_at <= REOPENED:
        _open_again(session, case, programme=programme, now=now)
    return case


def _open_again(session: Session, case: Case, *, programme: Programme, now: datetime, text: str = "") -> None:
    """The case is open, with a new promise and a card below the others that holds what the customer says now."""
    case.status, case.taken_by, case.taken_at, case.solved_by, case.solved_at = OPEN, None, None, None, None
    _wait(case, programme=programme, now=now)
    message = CaseMessage(case_id=_id(case), said_by=CUSTOMER, text="", at=now)  # no words: open again from here
    session.add(message)
    session.flush()
    if text:
        session.add(CaseMessage(case_id=_id(case), said_by=CUSTOMER, text=text, at=now))
    did = "asked" if text else "reopened"
    show_case(session, case, programme=programme, now=now, did=did)
    send_card(session, case, text=text, edition=message.id or 0, programme=programme, now=now, did=did)


def _wait(case: Case, *, programme: Programme, now: datetime) -> None:
    """The customer waits for an answer from now on, with a promise of its own."""
    case.waiting_since, case.promised_at, case.alarms = now, promise(now, programme=programme), 0


def _unanswered(session: Session, case: Case) -> int:
    query = select(func.count()).select_from(CaseMessage).where(CaseMessage.case_id == case.id)
    mine = query.where(CaseMessage.said_by == CUSTOMER, col(CaseMessage.at) >= case.waiting_since)
    return session.exec(mine).one()


def _is_reachable(session: Session, customer_id: int) -> bool:
    people = everybody(session, customer_id)
    query = select(Chat.chat_id).where(col(Chat.customer_id).in_(people), col(Chat.reachable))
    return session.exec(query.limit(1)).first() is not None


def _audit(
    session: Session,
    case: Case,
    action: str,
    before: dict[str, object],
    *,
    colleague: Colleague,
    now: datetime,
    message: int | None = None,
) -> int:
    after = _state(case) | ({} if message is None else {"message": message})
    event = AuditEvent(
        at=now, actor=colleague.actor, action=action, subject=f"case:{case.id}", before=before, after=after
    )
    session.add(event)
    session.flush()
    return event.id or 0


def _state(case: Case) -> dict[str, object]:
    return {"status": case.status, "taken_by": case.taken_by}


def _locked(session: Session, case_id: int) -> Case | None:
    query = select(Case).where(Case.id == case_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).first()


def _fresh(session: Session, case_id: int) -> Case | None:
    return session.exec(select(Case).where(Case.id == case_id).execution_options(populate_existing=True)).first()


def _changed(session: Session, statement: Update) -> bool:
    result = session.execute(statement.execution_options(synchronize_session=False))
    return isinstance(result, CursorResult) and result.rowcount == 1


def _id(case: Case) -> int:
    if case.id is None:
        raise AssertionError("a case that is stored has an id")
    return case.id
