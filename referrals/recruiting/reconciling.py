"""What a shop says of its orders when it is asked: applied page by page, with how far that was (rules 1, 13).

The watermark is the shop's own time of change. It moves in the transaction of the page that it belongs to, so that a
kill asks for that page again and never for one less.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from referrals.reasons import INTERNAL_ERROR
from referrals.recruiting.events import RECONCILE, Delivery, apply_deliveries
from referrals.recruiting.history import history_is_known
from referrals.recruiting.shops import Nonsense
from referrals.recruiting.shops.registry import ADAPTERS
from referrals.rewarding.bonuses import history_known
from storage.bulk import fetch_in
from storage.database import books
from storage.mailbox import QUARANTINED, Inbox
from storage.orders import Order, ShopWatermark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session

    from referrals.programme import Programme
    from referrals.recruiting.events import Answer
    from referrals.shop_settings import Shop

OVERLAP = timedelta(minutes=5)  # asked for again: shops write a change's time before the change can be read
EVERY = timedelta(minutes=15)  # between two looks at a shop
LONGEST_BACKOFF = timedelta(hours=6)
ACTOR = "reconcile"
LONGEST_ERROR = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """How far a shop was asked before."""

    since: datetime | None  # ask for what changed after this; None: for everything
    whole: bool = False  # every order that it has was applied once
    shows_all: bool = True  # it showed orders of any age as the asking began


@dataclass(frozen=True, slots=True)
class Guessed:
    """An order of which a guess stands, and when it was made, as the shop said."""

    row_id: int
    external_id: str
    created_at: datetime


def read_asked(shop: Shop, body: bytes, *, asked_at: datetime) -> Delivery:
    """What the shop answered of one order, as its hooks' adapter reads it; nonsense says why. Pure."""
    event, nonsense, subject = None, None, None
    try:
        event = ADAPTERS[shop.kind].read(shop.name, {}, body)
    except Nonsense as error:
        nonsense, subject = error.reason, error.subject
    except Exception as error:  # noqa: BLE001 - our own fault holds up this order, not those behind it
        nonsense = f"{INTERNAL_ERROR}: {type(error).__name__}"
    return Delivery(RECONCILE, shop.name, body, event, asked_at, nonsense=nonsense, subject=subject)


@books
def apply_page(
    session: Session,
    items: Sequence[Delivery],
    *,
    shop: str,
    changed_until: datetime | None,
    programme: Programme,
    now: datetime,
) -> Counter[str]:
    """The page is applied, and the shop's watermark has moved to ``changed_until``; returns how many of each status.

    The watermark never moves back, and never beyond ``now``: a date of the far future would hide all that comes.
    ``changed_until`` None leaves it alone.
    """
    fresh = _without_known_nonsense(session, items)
    answers: list[Answer] = apply_deliveries(session, fresh, programme=programme)
    if changed_until is not None:
        set_watermark(session, shop, changed_until=changed_until, now=now)
    counts = Counter(answer.status for answer in answers)
    counts[QUARANTINED] += len(items) - len(fresh)
    return counts


def set_watermark(session: Session, shop: str, *, changed_until: datetime, now: datetime) -> None:
    """Everything that the shop changed before this is applied."""
    row = _row(session, shop, now=now)
    reached = min(changed_until, now)
    row.changed_until = max(filter(None, (row.changed_until, reached)))


def asked_of(session: Session, shop: str) -> Asked:
    """From where the shop is to be asked now."""
    row = session.get(ShopWatermark, shop)
    if row is None:
        return Asked(None)
    since = None if row.changed_until is None else row.changed_until - OVERLAP
    return Asked(since, row.whole_since is not None, row.shows_all)


def begin(session: Session, shop: str, *, shows_all: bool, now: datetime) -> None:
    """The shop is asked from the first order on; a run that is stopped goes on from the watermark of this one."""
    row = _row(session, shop, now=now)
    row.changed_until, row.shows_all = None, shows_all


def guessed_orders(session: Session, shop: str, *, after: int, limit: int) -> list[Guessed]:
    """Orders of which the tie-break guessed, by number, so that nobody is asked twice in one run (rules 1)."""
    query = (
        select(Order.id, Order.external_id, Order.created_at)
        .where(Order.shop == shop, col(Order.needs_fetch), Order.id > after)
        .order_by(col(Order.id))
        .limit(limit)
    )
    return [Guessed(*row) for row in session.exec(query)]


@books
def finish(session: Session, shop: Shop, *, whole: bool, programme: Programme, now: datetime) -> bool:
    """The shop was asked to the end; says whether that made the history known.

    ``whole``: of what it shows nothing was left out. The history is known once every configured shop has shown all
    that it has; where one has no API, the import says it (rules 13).
    """
    row = _row(session, shop.name, now=now)
    row.ran_at, row.failures, row.error = now, 0, None
    whole = whole and row.shows_all
    if whole and row.whole_since is None:
        row.whole_since = now
    session.flush()
    names = [each.name for each in programme.config.shops]
    done = fetch_in(session, ShopWatermark, "shop", names, columns=("shop",), extra="whole_since IS NOT NULL")
    if len(done) < len(names) or not whole:
        return False
    if history_known(session, programme):
        return False
    history_is_known(session, programme=programme, now=now, actor=ACTOR)
    return True


def note_failure(session: Session, shop: str, *, error: str, now: datetime) -> None:
    """The shop could not be asked; the next try waits longer."""
    row = _row(session, shop, now=now)
    row.ran_at, row.failures, row.error = now, row.failures + 1, error[:LONGEST_ERROR]


def due_shops(session: Session, *, programme: Programme, now: datetime) -> list[str]:
    """Shops with an API that were not asked for a while; after failures the while doubles, up to six hours."""
    names = [shop.name for shop in programme.config.shops if shop.api is not None]
    rows = {row["shop"]: row for row in fetch_in(session, ShopWatermark, "shop", names)}
    return [name for name in names if name not in rows or _next_try(rows[name]) <= now]


def _next_try(row: dict[str, Any]) -> datetime:
    wait: timedelta = min(EVERY * 2 ** min(row["failures"], 10), LONGEST_BACKOFF)
    tried: datetime = row["ran_at"]
    return tried + wait


def _row(session: Session, shop: str, *, now: datetime) -> ShopWatermark:
    row = session.get(ShopWatermark, shop)
    if row is None:
        row = ShopWatermark(shop=shop, ran_at=now)
        session.add(row)
    return row


def _without_known_nonsense(session: Session, items: Sequence[Delivery]) -> list[Delivery]:
    """What makes no sense is kept once: within the overlap it is told again and again."""
    odd = {f"{item.subject}": item for item in items if item.event is None and item.subject}
    if not odd:
        return list(items)
    kept = fetch_in(session, Inbox, "subject", list(odd), columns=("body", "source"), extra="status = 'quarantined'")
    known = {(row["source"], row["body"]) for row in kept}
    return [item for item in items if item.event is not None or (item.shop, item.body) not in known]
