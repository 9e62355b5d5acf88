"""Ambassadors: who has a code, which one is shown, and the links that carry it (rules 17, 18, 22)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from referrals.codes import make_code, normalise
from referrals.config import Config
from referrals.errors import BotUnknown, CodeTaken, CodeUnfit, CustomerExcluded, UnknownCustomer
from referrals.people.persons import get_customer, survivor, takes_part
from referrals.programme import Programme
from storage.auditlog import AuditEvent
from storage.bulk import insert_rows
from storage.codes import Code
from storage.customers import Customer
from storage.installation import Setting

BOT_NAME = "bot_name"  # what the bot role learnt from Telegram
TRIES = 20  # by then a free code would have been found with every atom of the earth enrolled
MADE, VANITY = "made", "vanity"
SHORTEST_VANITY, LONGEST_VANITY = 3, 24
RESERVED = frozenset(map(normalise, ("ADMIN", "API", "START", "STOP", "HELP", "TEST", "AMBASSADE", "BOT", "NULL")))


@dataclass(frozen=True, slots=True)
class Links:
    """Where a code leads; ``chat`` is None until the bot's name is known."""

    web: str  # the shop, through our redirect
    chat: str | None  # the bot
    page: str  # the friend's page


@dataclass(frozen=True, slots=True)
class CodeView:
    """An ambassador's code as it is shown."""

    code_id: int
    code: str
    links: Links


def enrol_ambassador(session: Session, customer_id: int, *, programme: Programme, now: datetime) -> CodeView:
    """The customer has a link: the one they have, or a new one (rules 18).

    Raises:
        UnknownCustomer: Nobody has this id.
        CustomerExcluded: They are excluded, erased or staff.
    """
    customer = _locked(session, customer_id)
    if not takes_part(customer.state):
        raise CustomerExcluded
    code = code_of(session, customer.id) or _issue(session, customer.id, programme=programme, now=now)
    customer.ambassador_since = customer.ambassador_since or now
    session.flush()
    return view_code(session, code, programme=programme)


def give_vanity_code(
    session: Session, customer_id: int, *, text: str, actor: str, programme: Programme, now: datetime
) -> CodeView:
    """The ambassador's shown code is this word; the codes they had before keep leading to them (rules 17).

    Raises:
        CodeUnfit: It is too short or long, holds more than letters and digits, or is reserved.
        CodeTaken: It is somebody else's, now or earlier.
        CustomerExcluded: They are excluded, erased or staff.
    """
    display = fit_code(text)
    before = enrol_ambassador(session, customer_id, programme=programme, now=now)
    owner = survivor(session, customer_id)
    code = _take(session, owner, display=display, kind=VANITY, now=now)
    if code is None:
        raise CodeTaken(typed=text)
    for other in session.exec(select(Code).where(Code.customer_id == owner)):
        other.main = other.id == code.id
    event = AuditEvent(
        at=now,
        actor=actor,
        action="code:vanity",
        subject=f"customer:{owner}",
        before={"code": before.code},
        after={"code": display},
    )
    session.add(event)
    session.flush()
    return view_code(session, code, programme=programme)


def keep_code(session: Session, customer_id: int, *, text: str, since: datetime) -> bool:
    """A code of a former programme is theirs, and shown where they have none; False where it was already (rules 17).

    Raises:
        CodeUnfit: As ``give_vanity_code``.
        CodeTaken: It is somebody else's, now or earlier.
    """
    display = fit_code(text)
    owner = survivor(session, customer_id)
    known = session.exec(select(Code).where(Code.normalised == normalise(display))).first()
    if known is not None and known.customer_id == owner:
        return False
    shown = code_of(session, owner) is None
    if known is not None or _take(session, owner, display=display, kind=VANITY, now=since, main=shown) is None:
        raise CodeTaken(typed=text)
    return True


def succeed_code(session: Session, customer_id: int, *, programme: Programme, now: datetime) -> CodeView:
    """A fresh code is the one that they show; those they had keep leading to them."""
    customer = _locked(session, customer_id)
    fresh = _issue(session, customer.id, programme=programme, now=now)
    for other in session.exec(select(Code).where(Code.customer_id == customer.id)):
        other.main = other.id == fresh.id
    session.flush()
    return view_code(session, fresh, programme=programme)


def code_of(session: Session, customer_id: int) -> Code | None:
    """The code that this customer shows to others; None for who has none."""
    query = select(Code).where(Code.customer_id == survivor(session, customer_id))
    return session.exec(query.order_by(col(Code.main).desc(), col(Code.id)).limit(1)).first()


def view_code(session: Session, code: Code, *, programme: Programme) -> CodeView:
    """The code with its links."""
    if code.id is None:
        raise AssertionError("a code that is stored has an id")
    return CodeView(code.id, code.display, links(programme, code.display, bot_name(session, programme.config)))


def links(programme: Programme, code: str, bot_name: str | None) -> Links:
    """The three addresses that carry this code."""
    base = programme.config.programme.base_url.rstrip("/")
    chat = programme.chat_link(bot_name, f"r_{code}") if bot_name else None
    return Links(web=f"{base}/r/{code}", chat=chat, page=f"{base}/i/{code}")


def bot_name(session: Session, config: Config) -> str | None:
    """The bot's name without @: as configured, else as the bot role learnt it, else None (rules 22)."""
    if config.telegram.username:
        return config.telegram.username.removeprefix("@")
    learnt = session.get(Setting, BOT_NAME)
    return learnt.value if learnt else None


def get_bot_name(session: Session, config: Config) -> str:
    """The bot's name.

    Raises:
        BotUnknown: Neither the configuration nor the bot role has told it.
    """
    name = bot_name(session, config)
    if name is None:
        raise BotUnknown
    return name


def learn_bot_name(session: Session, name: str) -> None:
    """Links use this name wherever the configuration gives none."""
    session.merge(Setting(key=BOT_NAME, value=name.removeprefix("@")))


def profile(session: Session, customer_id: int, *, programme: Programme) -> dict[str, Any]:
    """What people know of a customer, as ``GET /customers/{id}`` shows it; balances come from rewarding.

    Raises:
        UnknownCustomer: Nobody has this id.
    """
    customer = get_customer(session, customer_id)
    code = code_of(session, customer.id)
    view = view_code(session, code, programme=programme) if code else None
    return {
        "customer": programme.number("customer", customer.id),
        "state": customer.state,
        "first_name": customer.first_name,
        "locale": customer.locale,
        "marketing_consent": customer.marketing_consent,
        "code": view.code if view else None,
        "links": {"web": view.links.web, "chat": view.links.chat, "page": view.links.page} if view else None,
    }


def _locked(session: Session, customer_id: int) -> Customer:
    """The customer's row, held until the end: two requests at once make one code."""
    query = select(Customer).where(Customer.id == survivor(session, customer_id)).with_for_update()
    customer = session.exec(query.execution_options(populate_existing=True)).first()
    if customer is None:
        raise UnknownCustomer
    return customer


def _issue(session: Session, customer_id: int, *, programme: Programme, now: datetime) -> Code:
    for _ in range(TRIES):
        code = _take(session, customer_id, display=make_code(programme.maker), kind=MADE, now=now)
        if code is not None:
            return code
    raise AssertionError("the maker of chance repeats itself")


def _take(
    session: Session, customer_id: int, *, display: str, kind: str, now: datetime, main: bool = True
) -> Code | None:
    """The code is this customer's; None where it is, or ever was, somebody else's."""
    normalised = normalise(display)
    row = {
        "normalised": normalised,
        "display": display,
        "customer_id": customer_id,
        "kind": kind,
        "main": main,
        "created_at": now,
    }
    insert_rows(session, Code, [row], ignore_conflicts=True)
    query = select(Code).where(Code.normalised == normalised, Code.customer_id == customer_id)
    return session.exec(query).first()


def fit_code(text: str) -> str:
    """The word as a code is shown. Raises: CodeUnfit."""
    display = text.strip().upper()
    symbols = display.replace("-", "")
    if not (symbols.isascii() and symbols.isalnum() and SHORTEST_VANITY <= len(symbols) <= LONGEST_VANITY):
        raise CodeUnfit(typed=text)
    if normalise(symbols) in RESERVED:
        raise CodeUnfit(typed=text)
    return symbols
