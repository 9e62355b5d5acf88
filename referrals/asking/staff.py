"""What colleagues see of a case: a card that shows how it stands, and the customer's words below it (rule 31).

It goes to the staff's group, else to every owner's own chat. A card that stands there is edited when things change: its
row in the outbox is due again. No ledger: staff see words, a score, a first name and how long somebody is a customer.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from referrals.notices import CASE_ALARM, CASE_CARD, CASE_SAID
from referrals.people.persons import everybody, get_customer
from referrals.programme import Programme
from referrals.reasons import STALE, UNREACHABLE
from storage.bulk import fetch_in, insert_rows, update_rows
from storage.cases import CUSTOMER, Case, CaseMessage
from storage.customers import CLAIMED, TELEGRAM, Identity
from storage.mailbox import DROPPED, DUE, Chat, Outbox, to_chat
from storage.surveys import Survey

ABOUT_CASES = frozenset({CASE_CARD, CASE_SAID, CASE_ALARM})
FIRST_PART, PART = 2500, 3500  # UTF-16 units of somebody's words in one message; Telegram takes 4096 of everything
Row = dict[str, Any]


def staff_chats(session: Session, *, programme: Programme) -> tuple[int, ...]:
    """Where cases go: the staff's group while it can be reached, else the owners' own chats."""
    telegram = programme.config.telegram
    group = telegram.staff_chat_id
    if group is None:
        return telegram.owner_ids
    chat = session.get(Chat, group)
    if chat is not None and not chat.reachable and telegram.owner_ids:
        return telegram.owner_ids
    return (group,)


def send_card(
    session: Session,
    case: Case,
    *,
    programme: Programme,
    now: datetime,
    text: str = "",
    edition: int = 0,
    did: str | None = None,
) -> None:
    """A card goes to the staff's chats, with the customer's words; what does not fit on it follows.

    ``edition`` tells a card from those before the case was opened again.
    """
    session.flush()
    first, *rest = split(text, first=FIRST_PART) or [""]
    data = _standing(session, case, programme=programme) | {"words": first, "did": did, "by": None}
    for chat_id in staff_chats(session, programme=programme):
        key = f"case:{case.id}:card:{edition}:{chat_id}"
        rows = [to_chat(chat_id, CASE_CARD, data, key=key, now=now)]
        rows += _said_rows(chat_id, data, rest, key=key, now=now)
        _write(session, chat_id, rows, now=now)


def show_case(
    session: Session, case: Case, *, programme: Programme, now: datetime, did: str | None = None, by: str | None = None
) -> None:
    """Every card of the case shows how it stands, and what was done last, by whom."""
    session.flush()
    data = _standing(session, case, programme=programme) | ({"did": did, "by": by} if did else {})
    keys = [
        f"case:{case.id}:card:{edition}:{chat_id}"
        for edition in _editions(session, case)
        for chat_id in _all_chats(programme)
    ]
    found = fetch_in(session, Outbox, "unique_key", keys, columns=("unique_key", "data", "status"))
    changed = [
        {"unique_key": row["unique_key"], "data": row["data"] | data, "status": DUE, "due_at": now, "retry_at": None}
        for row in found
        if row["status"] != DROPPED and row["data"] | data != row["data"]
    ]
    update_rows(session, Outbox, changed, key=("unique_key",))


def send_words(session: Session, case: Case, message: CaseMessage, *, programme: Programme, now: datetime) -> None:
    """What the customer says goes to whoever answers: the group, or of the owners the one who took the case."""
    session.flush()
    data = _standing(session, case, programme=programme)
    chats = staff_chats(session, programme=programme)
    mine = [chat_id for chat_id in chats if chat_id == case.taken_by]
    for chat_id in mine or chats:
        key = f"case:{case.id}:said:{message.id}:{chat_id}"
        rows = _said_rows(chat_id, data, split(message.text), key=key, now=now)
        _write(session, chat_id, rows, now=now)


def send_alarm(
    session: Session, case: Case, *, number: int, due_at: datetime, programme: Programme, now: datetime
) -> None:
    """Nobody has answered: the staff's chats hear it the first time, every owner from then on; each alarm once."""
    owners = programme.config.telegram.owner_ids
    chats = staff_chats(session, programme=programme)
    data = _standing(session, case, programme=programme) | {"alarm": number, "words": _last_words(session, case)}
    for chat_id in owners if number > 1 and owners else chats:
        row = to_chat(chat_id, CASE_ALARM, data, key=_alarm_key(case, number, chat_id), now=now, due_at=due_at)
        _write(session, chat_id, [row], now=now)


def drop_alarm(session: Session, case: Case, *, programme: Programme) -> None:
    """The silence is over: an alarm that waits for the morning says nothing any more."""
    keys = [_alarm_key(case, case.alarms, chat_id) for chat_id in _all_chats(programme)]
    waiting = update(Outbox).where(col(Outbox.unique_key).in_(keys), col(Outbox.status) == DUE)
    session.execute(waiting.values(status=DROPPED, dropped_because=STALE))


def hand_to_owners(session: Session, *, group: int, programme: Programme, now: datetime) -> None:
    """The staff's group cannot be reached: what waits for it goes to the owners' own chats, at its own moment."""
    waiting = select(Outbox).where(
        Outbox.chat_id == group, Outbox.status == DUE, col(Outbox.kind).in_(sorted(ABOUT_CASES))
    )
    query = waiting.order_by(col(Outbox.id)).with_for_update().execution_options(populate_existing=True)
    for row in session.exec(query):
        row.status, row.dropped_because = DROPPED, UNREACHABLE
        for owner in programme.config.telegram.owner_ids:
            key = row.unique_key.replace(f":{group}", f":{owner}")
            _write(session, owner, [to_chat(owner, row.kind, row.data, key=key, now=now, due_at=row.due_at)], now=now)
    session.flush()


def case_of_message(session: Session, *, chat_id: int, message_id: int) -> int | None:
    """Which case a message in a staff chat is about; None for any other message, a reference's card among them."""
    query = select(Outbox).where(Outbox.chat_id == chat_id, Outbox.message_id == message_id)
    cases = [int(row.data["case"]) for row in session.exec(query) if row.kind in ABOUT_CASES]
    return cases[0] if cases else None


def split(text: str, *, first: int = PART) -> list[str]:
    """The words in parts of at most so many UTF-16 units, cut between words where one ends near."""
    parts, limit, left = [], first, text.strip()
    while left:
        part = _fitting(left, limit)
        parts.append(part.rstrip())
        left, limit = left[len(part) :].lstrip(), PART
    return parts


def _fitting(text: str, limit: int) -> str:
    units = text.encode("utf-16-le")
    if len(units) // 2 <= limit:
        return text
    fits = units[: 2 * limit].decode("utf-16-le", "ignore")
    blank = max(fits.rfind(" "), fits.rfind("\n"))
    return fits[: blank + 1] if blank > len(fits) // 2 else fits


def _standing(session: Session, case: Case, *, programme: Programme) -> Row:
    """How the case stands, as plain data."""
    customer = get_customer(session, case.customer_id)
    survey = session.get(Survey, case.survey_id) if case.survey_id else None
    since = customer.first_paid_at
    return {
        "case": case.id,
        "kind": case.kind,
        "status": case.status,
        "score": survey.score if survey else None,
        "name": customer.first_name,
        "number": programme.number("customer", customer.id),
        "since": since.astimezone(programme.zone).date().isoformat() if since else None,
        "claimed": _is_claimed(session, customer.id),
        "promised_at": case.promised_at.isoformat() if case.waiting_since else None,
    }


def _is_claimed(session: Session, customer_id: int) -> bool:
    """Whether nothing but an order number and an address says that the chat is theirs (rules 20)."""
    query = select(Identity.level).where(col(Identity.customer_id).in_(everybody(session, customer_id)))
    return CLAIMED in set(session.exec(query.where(Identity.kind == TELEGRAM)))


def _editions(session: Session, case: Case) -> list[int]:
    """The first card's number, and of each one since: the message with which the case was opened again."""
    again = select(CaseMessage.id).where(CaseMessage.case_id == case.id, CaseMessage.text == "")
    return [0, *(found for found in session.exec(again) if found is not None)]


def _last_words(session: Session, case: Case) -> str:
    """What the customer said since they wait, as much as fits."""
    query = select(CaseMessage).where(CaseMessage.case_id == case.id, CaseMessage.said_by == CUSTOMER)
    said = [
        row.text
        for row in session.exec(query.order_by(col(CaseMessage.id)))
        if row.at >= (case.waiting_since or row.at)
    ]
    parts = split("\n".join(said), first=FIRST_PART)
    return parts[0] if parts else ""


def _all_chats(programme: Programme) -> tuple[int, ...]:
    group = programme.config.telegram.staff_chat_id
    return (*(() if group is None else (group,)), *programme.config.telegram.owner_ids)


def _alarm_key(case: Case, number: int, chat_id: int) -> str:
    since = case.waiting_since.isoformat() if case.waiting_since else ""
    return f"case:{case.id}:alarm:{since}:{number}:{chat_id}"


def _said_rows(chat_id: int, data: Row, parts: Iterable[str], *, key: str, now: datetime) -> list[Row]:
    said = {name: data[name] for name in ("case", "name", "number")}
    return [
        to_chat(chat_id, CASE_SAID, said | {"text": part}, key=f"{key}:{place}", now=now)
        for place, part in enumerate(parts)
    ]


def _write(session: Session, chat_id: int, rows: list[Row], *, now: datetime) -> None:
    """The rows wait in the outbox. Somebody's own chat is there once they pressed START, the group's from now on."""
    if chat_id < 0:
        insert_rows(session, Chat, [{"chat_id": chat_id, "created_at": now}], ignore_conflicts=True)
    for row in rows:  # in the order in which they are to be read: a batch would be sorted by its keys
        insert_rows(session, Outbox, [row], ignore_conflicts=True)
