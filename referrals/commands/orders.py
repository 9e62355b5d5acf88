"""``dry-run`` and ``replay``: what an order would do, and stored deliveries again."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlmodel import col, func, select

from referrals.commands.opening import Misuse
from referrals.commands.output import print_json, print_line, progress
from referrals.reasons import INTERNAL_ERROR
from referrals.recruiting.events import REPLAY, Answer, Delivery, apply_deliveries, store_quarantined
from referrals.recruiting.orders import DryRun, dry_run
from referrals.recruiting.shops import Nonsense, OrderState
from referrals.recruiting.shops.registry import ADAPTERS
from storage.mailbox import QUARANTINED, Inbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

    from sqlmodel import Session

    from referrals.commands.opening import Opened
    from referrals.shop_settings import Shop

STANDARD = "standard"
CHUNK = 100  # deliveries in hand
READ_AGAIN = ("hook", "api", "reconcile")


def show_dry_run(
    opened: Opened, path: Path, *, shop: str | None, say: Callable[..., str] | None, as_json: bool
) -> None:
    """What the order in the file would do is printed; nothing is written. Raises: Misuse."""
    state = _read_order(_shop(opened, shop), path)
    found = opened.database.look(dry_run, state, programme=opened.programme, now=opened.now)
    plain = _plain(opened, found, say=say)
    if as_json:
        print_json(plain)
        return
    for name, value in plain.items():
        if name not in ("reasons", "vouchers") and value is not None:
            print_line(f"{name}: {value}")
    for use in plain["vouchers"]:
        why = "".join(f", {each['code']}" for each in use["reasons"])
        print_line(f"{use['purpose']} ending in {use['ending']}: {use['amount_minor']} {use['currency']}{why}")
    for why in plain["reasons"]:
        print_line(f"- {why['code']}{': ' + why['text'] if 'text' in why else ''}")


def replay(opened: Opened, *, quarantined: bool, since: str | None, as_json: bool) -> bool:
    """Stored deliveries are read and applied again, oldest first; False where some make no sense still.

    What is right already stays as it is: the same states win, and evidence is pinned. Raises: Misuse.
    """
    moment = opened.moment(since, option="--since") if since is not None else None
    total = opened.database.look(_count, quarantined=quarantined, since=moment)
    counts: Counter[str] = Counter()
    with progress("replay", total=total) as advanced:
        asyncio.run(_replay(opened, counts, advanced, quarantined=quarantined, since=moment))
    names = ("applied", "unchanged", "ignored", "quarantined")
    if as_json:
        print_json({name: counts[name] for name in names})
    else:
        print_line(", ".join(f"{counts[name]} {name}" for name in names))
    return not counts["quarantined"]


async def _replay(
    opened: Opened, counts: Counter[str], advanced: Callable[[int], None], *, quarantined: bool, since: datetime | None
) -> None:
    apply = partial(apply_deliveries, programme=opened.programme)
    keep = partial(store_quarantined, programme=opened.programme)
    last = await opened.database.read(_last_id)  # what arrives meanwhile is not replayed
    after = 0
    while True:
        read = partial(_chunk, after=after, last=last, quarantined=quarantined, since=since)
        rows = await opened.database.read(read)
        if not rows:
            return
        deliveries = [_delivery(opened, row) for row in rows]
        answers: list[Answer] = await asyncio.gather(
            *[opened.database.batch(apply, delivery, on_fault=keep) for delivery in deliveries]
        )
        counts.update(answer.status for answer in answers)
        advanced(len(rows))
        after = rows[-1]["id"]


def _delivery(opened: Opened, row: dict[str, Any]) -> Delivery:
    """The stored delivery as its shop's adapter reads it today; received when it was received."""
    event, nonsense, subject = None, None, row["subject"]
    shop = opened.config.shop(row["source"])
    kind = STANDARD if row["kind"] == "api" else shop.kind if shop else None
    if kind not in ADAPTERS:
        nonsense = "no shop of this name and kind is configured"
    else:
        try:
            event = ADAPTERS[kind].read(row["source"], row["headers"], row["body"])
        except Nonsense as error:
            nonsense, subject = error.reason, error.subject or subject
        except Exception as error:  # noqa: BLE001 - our own fault holds up this delivery, not those behind it
            nonsense = f"{INTERNAL_ERROR}: {type(error).__name__}"
    return Delivery(
        kind=REPLAY, shop=row["source"], body=row["body"], event=event, received_at=row["received_at"],
        headers=row["headers"], nonsense=nonsense, subject=subject, inbox_id=row["id"], replayed_at=opened.now,
    )  # fmt: skip


def _chosen(*, quarantined: bool, since: datetime | None) -> list[Any]:
    chosen: list[Any] = [col(Inbox.kind).in_(READ_AGAIN), col(Inbox.body).is_not(None)]
    chosen += [col(Inbox.status) == QUARANTINED] if quarantined else []
    return chosen + ([col(Inbox.received_at) >= since] if since else [])


def _count(session: Session, *, quarantined: bool, since: datetime | None) -> int:
    chosen = _chosen(quarantined=quarantined, since=since)
    return session.exec(select(func.count()).select_from(Inbox).where(*chosen)).one()


def _last_id(session: Session) -> int:
    return session.exec(select(func.max(Inbox.id))).one() or 0


def _chunk(
    session: Session, *, after: int, last: int, quarantined: bool, since: datetime | None
) -> list[dict[str, Any]]:
    query = select(Inbox).where(*_chosen(quarantined=quarantined, since=since))
    query = query.where(col(Inbox.id) > after, col(Inbox.id) <= last).order_by(col(Inbox.id)).limit(CHUNK)
    return [row.model_dump() for row in session.exec(query).all()]


def _shop(opened: Opened, name: str | None) -> Shop:
    shop = opened.config.shops[0] if name is None else opened.config.shop(name)
    if shop is None:
        raise Misuse(f"--shop is {name!r}, and there is no such [[shops]].")
    return shop


def _read_order(shop: Shop, path: Path) -> OrderState:
    """The order as the shop's hook says it; for the standard shop its ``data`` alone will do."""
    try:
        body = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        data = json.loads(body)
    except OSError as error:
        raise Misuse(f"{path}: cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise Misuse(f"{path}: is no JSON: {error}.") from None
    typed = isinstance(data, dict) and data.get("type") == "order.state"
    kind = STANDARD if typed else shop.kind
    if kind == STANDARD and not typed:
        body = json.dumps({"type": "order.state", "data": data}).encode()
    try:
        event = ADAPTERS[kind].read(shop.name, {}, body)
    except KeyError:
        raise Misuse(f"shops.kind: there is no adapter for {kind!r} yet.") from None
    except Nonsense as error:
        raise Misuse(f"{path}: {error.reason}.") from None
    if not isinstance(event, OrderState):
        raise Misuse(f"{path}: is no order.")
    return event


def _plain(opened: Opened, found: DryRun, *, say: Callable[..., str] | None) -> dict[str, Any]:
    ambassador, locale = found.ambassador_id, opened.config.programme.locale

    def explained(reasons: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [_explained(dict(why), say, locale) for why in reasons]

    return {
        "status": found.status,
        "ambassador": opened.programme.number("customer", ambassador) if ambassador is not None else None,
        "evidence": found.evidence,
        "bonus_minor": found.bonus_minor,
        "currency": found.currency,
        "available_at": found.available_at.isoformat() if found.available_at else None,
        "reasons": explained(found.reasons),
        "vouchers": [asdict(use) | {"reasons": explained(use.reasons)} for use in found.vouchers],
    }


def _explained(why: dict[str, Any], say: Callable[..., str] | None, locale: str) -> dict[str, Any]:
    if say is None:
        return why
    data = {name: value for name, value in why.items() if name != "code"}
    return why | {"text": say(f"reason.{why['code']}", locale, **data)}
