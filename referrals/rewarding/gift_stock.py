"""How many pieces of the friends' gift there are: counted by what was given; the owners hear when they are gone."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, select

from referrals.notices import GIFTS_GONE, tell_owners
from referrals.programme import Programme
from storage.bulk import insert_rows
from storage.installation import Setting
from storage.vouchers import PIECE, REDEEMED, STANDING, Voucher


def pieces_left(session: Session, *, programme: Programme, now: datetime) -> int | None:
    """How many friends can still get the configured piece; None where nobody counts.

    A gift that was not used in its time, or fell with its referral, is there again.
    """
    offer = programme.config.bonus.friend
    if not offer.personal or offer.kind != PIECE or offer.stock is None:
        return None
    alive = (col(Voucher.status) == STANDING) & (col(Voucher.expires_at) > now) | (col(Voucher.status) == REDEEMED)
    taken = session.exec(select(func.count()).select_from(Voucher).where(Voucher.sku == offer.sku, alive)).one()
    return max(0, offer.stock - taken)


def is_promised(session: Session, *, programme: Programme, now: datetime) -> bool:
    """May a friend be told of the gift, or has the last piece been given?"""
    return pieces_left(session, programme=programme, now=now) != 0


def tell_when_gone(session: Session, *, programme: Programme, now: datetime) -> None:
    """The owners hear once that the last piece is given; again only after there were more of them."""
    if pieces_left(session, programme=programme, now=now) != 0:
        return
    offer = programme.config.bonus.friend
    key = f"{GIFTS_GONE}:{offer.sku}:{offer.stock}"
    if session.get(Setting, key) is None:
        insert_rows(session, Setting, [{"key": key, "value": now.isoformat()}])
        data = {"gift": offer.gift or offer.sku, "count": offer.stock}
        tell_owners(session, GIFTS_GONE, key, data, owners=programme.config.telegram.owner_ids, now=now)
