"""Orders that carry the code of a voucher or a gift use it themselves, and give it back when they come to nothing.

A shop that calls ``/vouchers/redeem`` as well says the same: what one order takes of one voucher is one redemption.
What a shop has rolled back by itself no state of the order redeems again. A gift stays used once its order was paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from referrals.errors import ProgrammeError, VoucherAlreadyRedeemed
from referrals.money import share_of
from referrals.notices import VOUCHER_TWICE as TWICE_NOTICE
from referrals.notices import tell_owners
from referrals.programme import Programme
from referrals.reasons import VOUCHER_TWICE, VOUCHER_UNUSABLE, Reason, reason
from referrals.recruiting.shops import CANCELLED, COMPLETED, DELETED, PAID, REFUNDED, OrderState
from referrals.rewarding.redemptions import OrderKey, redeem_voucher, rollback_voucher
from referrals.rewarding.voucher_books import GROUP
from referrals.rewarding.vouchers import validate_voucher
from storage.auditlog import AuditEvent
from storage.bulk import fetch_in
from storage.vouchers import BY_ORDER, GIFT, PERCENT, REDEEMED, Redemption, Voucher

Row = dict[str, Any]
Name = tuple[str, str]  # shop, external id
WHOLE = 10_000  # basis points


@dataclass(slots=True)
class Uses:
    """What a list of orders does to vouchers: the codes that each carries, and the orders that came to nothing."""

    carried: dict[Name, list[Row]] = field(default_factory=dict)  # vouchers, with ``said_minor`` where the order says
    over: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class VoucherUse:
    """What an order would take of a voucher or a gift, or why it cannot."""

    ending: str
    purpose: str  # credit, gift
    amount_minor: int
    currency: str
    reasons: tuple[Reason, ...] = ()


def uses_of(rows: Mapping[Name, Row], states: Mapping[Name, OrderState], vouchers: Mapping[str, Row]) -> Uses:
    """The uses of these orders, as they are to be; ``vouchers`` by the code as it was typed."""
    uses = Uses(over=[row for name in states if is_over(row := rows[name])])
    if vouchers:
        for name, state in states.items():
            said = dict(state.discounts)
            found = [{**vouchers[typed], "said_minor": said.get(typed)} for typed in state.codes if typed in vouchers]
            if found and _is_alive(rows[name]):
                uses.carried[name] = found
    return uses


def is_over(row: Row) -> bool:
    """Has the order come to nothing: called off, deleted, or all of it paid back?"""
    return row["status"] in (CANCELLED, DELETED, REFUNDED) or is_paid_back(row)


def is_paid_back(row: Row) -> bool:
    """Did all of it come back?"""
    return bool(row["refunded_minor"] >= row["total_minor"] > 0)


def settle_uses(
    session: Session, uses: Uses, rows: Mapping[Name, Row], *, programme: Programme, now: datetime
) -> dict[Name, list[Reason]]:
    """Orders that are over give back, paid ones use what they carry; returns why some of it could not be used."""
    give_back(session, uses.over, now=now)
    if not uses.carried:
        return {}
    known = _redemptions(session, uses.carried)
    why: dict[Name, list[Reason]] = {}
    for name in sorted(uses.carried, key=lambda each: (rows[each]["paid_at"], each)):
        for voucher in uses.carried[name]:
            refusal = (
                None if _is_done(known.get((voucher["id"], *name))) else _use(session, voucher, rows[name], now=now)
            )
            if refusal is not None:
                why.setdefault(name, []).append(_flagged(session, voucher, name, refusal, programme=programme, now=now))
    session.flush()
    return why


def foresee(session: Session, uses: Uses, rows: Mapping[Name, Row], *, now: datetime) -> tuple[VoucherUse, ...]:
    """What these orders would use; nothing is written."""
    if not uses.carried:
        return ()
    known = _redemptions(session, uses.carried)
    return tuple(
        _foreseen(session, voucher, rows[name], known.get((voucher["id"], *name)), now=now)
        for name, vouchers in uses.carried.items()
        for voucher in vouchers
    )


def give_back(session: Session, orders: Iterable[Row], *, now: datetime) -> None:
    """What these orders held of vouchers they hold no more, but for a gift whose order had been paid."""
    paid = {(row["shop"], row["external_id"]): row.get("paid_at", now) is not None for row in orders}
    held = fetch_in(session, Redemption, ("shop", "order_ref"), list(paid), extra="status = 'redeemed'") if paid else []
    vouchers = {row["id"]: row for row in fetch_in(session, Voucher, "id", [row["voucher_id"] for row in held])}
    for row in held:
        voucher, name = vouchers[row["voucher_id"]], (row["shop"], row["order_ref"])
        if voucher["purpose"] != GIFT or not paid[name]:
            rollback_voucher(
                session, voucher["code"], order=OrderKey(*name), actor=_actor(name), now=now, ended_by=BY_ORDER
            )
    session.flush()


def amount_of(voucher: Row, order: Row) -> int | None:
    """What the order takes of the voucher: what it says, and no more than there is; None: all."""
    most: int = voucher["amount_minor"] if voucher["purpose"] == GIFT else voucher["left_minor"]
    if voucher["said_minor"]:
        return int(min(voucher["said_minor"], most))
    if voucher["kind"] == PERCENT:
        share = voucher["share_basis_points"] or 0
        return min(share_of(order["base_minor"], share * WHOLE // (WHOLE - share)), most) if share < WHOLE else most
    return None


def _foreseen(session: Session, voucher: Row, order: Row, known: Row | None, *, now: datetime) -> VoucherUse:
    ending = (voucher["shop_code"] or voucher["code"])[-GROUP:]
    if known is not None and _is_done(known):
        taken = known["amount_minor"] if known["status"] == REDEEMED else 0
        return VoucherUse(ending, voucher["purpose"], taken, voucher["currency"])
    why = validate_voucher(session, voucher["code"], now=now)[1]
    wanted = amount_of(voucher, order)
    whole = voucher["amount_minor"] if voucher["purpose"] == GIFT else voucher["left_minor"]
    minor = 0 if why else whole if wanted is None else wanted
    return VoucherUse(ending, voucher["purpose"], minor, voucher["currency"], tuple(why))


def _use(session: Session, voucher: Row, order: Row, *, now: datetime) -> ProgrammeError | None:
    key = OrderKey(order["shop"], order["external_id"])
    try:
        redeem_voucher(
            session, voucher["code"], order=key, amount_minor=amount_of(voucher, order), currency=order["currency"],
            actor=_actor((key.shop, key.id)), now=now,
        )  # fmt: skip
    except ProgrammeError as error:
        return error
    return None


def _flagged(
    session: Session, voucher: Row, name: Name, error: ProgrammeError, *, programme: Programme, now: datetime
) -> Reason:
    """The owners hear once that an order got something off with a code that was not good any more."""
    twice = isinstance(error, VoucherAlreadyRedeemed)
    ending = (voucher["shop_code"] or voucher["code"])[-GROUP:]
    key = f"{TWICE_NOTICE}:{voucher['id']}:{name[0]}:{name[1]}"
    data = {"ending": ending, "shop_name": name[0], "order": name[1], "twice": twice}
    tell_owners(session, TWICE_NOTICE, key, data, owners=programme.config.telegram.owner_ids, now=now)
    after = {"shop": name[0], "order": name[1], "status": error.code}
    subject = f"voucher:{voucher['id']}"
    session.add(AuditEvent(at=now, actor=_actor(name), action="voucher:unusable", subject=subject, after=after))
    return reason(VOUCHER_TWICE if twice else VOUCHER_UNUSABLE, ending=ending)


def _redemptions(session: Session, names: Iterable[Name]) -> dict[tuple[int, str, str], Row]:
    rows = fetch_in(session, Redemption, ("shop", "order_ref"), list(names))
    return {(row["voucher_id"], row["shop"], row["order_ref"]): row for row in rows}


def _is_done(known: Row | None) -> bool:
    """This order has used it, or its shop has taken that back."""
    return known is not None and (known["status"] == REDEEMED or known["ended_by"] != BY_ORDER)


def _is_alive(row: Row) -> bool:
    return row["paid_at"] is not None and not row["test"] and row["status"] in (PAID, COMPLETED) and not is_over(row)


def _actor(name: Name) -> str:
    return f"shop:{name[0]}"
