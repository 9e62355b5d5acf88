"""``GET /i/{code}``: the friend's page. Who invites, what the friend gets, what the ambassador gets, and two buttons.

A first name stands here only with its owner's consent; of the friend nothing is asked and nothing kept.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any
from urllib.parse import quote

import segno
from aiohttp import web
from sqlmodel import Session

from referrals.campaigns import offer_at
from referrals.codes import LONGEST_TYPED, CodeMiss, find_codes
from referrals.config import Config
from referrals.people.customers import bot_name, get_customer, links, takes_part
from referrals.programme import Programme
from referrals.reasons import UNKNOWN_CODE
from referrals.rewarding.gift_stock import is_promised
from referrals.web.door import DOOR
from referrals.web.look import picture_headers
from referrals.web.pages import notice_page, render
from referrals.web.redirect import unknown_code_page

QR_SCALE = 8


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a friend may know of a code."""

    code: str
    first_name: str | None
    shop_link: str
    chat_link: str | None
    has_gift: bool = True  # the last piece of it is not given yet


async def friend_page(request: web.Request) -> web.Response:
    """The invitation behind the code, or the page that says it is nobody's."""
    found = await _invited(request)
    if not isinstance(found, Invitation):
        return found
    door = request.app[DOOR]
    config = door.programme.config
    gift = gift_of(config, door.clock.programme()) if found.has_gift else None
    return render(request, "friend.html", invitation=found, gift=gift, shops=_shops(config, found))


async def friend_qr(request: web.Request) -> web.Response:
    """The link as a QR code, for a card or a packing slip."""
    found = await _invited(request)
    if not isinstance(found, Invitation):
        return found
    return qr_response(found.shop_link)


def find_invitation(
    session: Session, typed: str, *, programme: Programme, now: datetime, known_bot: str | None = None
) -> Invitation | CodeMiss:
    """The invitation behind a code in any spelling (rules 17); the name only with consent."""
    found = find_codes(session, [typed])[typed]
    if isinstance(found, CodeMiss):
        return found
    customer = get_customer(session, found.customer_id)
    if not takes_part(customer.state):
        return CodeMiss(UNKNOWN_CODE, typed)
    addresses = links(programme, found.display, known_bot or bot_name(session, programme.config))
    name = customer.first_name if customer.link_consent else None
    has_gift = is_promised(session, programme=programme, now=now)
    return Invitation(found.display, name, addresses.web, addresses.chat, has_gift)


def gift_of(config: Config, moment: datetime | None = None) -> dict[str, Any] | None:
    """What the friend gets, as the data of ``page.friend.gift_<kind>``; None where nothing is promised.

    At a ``moment`` of a campaign it is that campaign's, with its last day.
    """
    offer = offer_at(config, moment)
    friend = offer.friend
    if friend.kind == "percent" and friend.share_basis_points:
        data: dict[str, Any] = {"kind": "percent", "percent": _percentage(friend.share_basis_points)}
    elif friend.kind == "gift" and friend.gift:
        data = {"kind": "words", "gift": friend.gift}
    elif friend.kind == "fixed" and friend.amount_minor:
        data = {"kind": "fixed", "amount_minor": friend.amount_minor, "currency": config.programme.currency}
    else:
        return None
    least = friend.min_order_minor
    data["least"] = {"least_minor": least, "currency": config.programme.currency} if least else None
    if friend.personal:
        data["personal"] = {"days": friend.valid_days}
    if friend.personal and friend.kind == "percent":
        data["most"] = {"most_minor": friend.max_minor, "currency": config.programme.currency}
    return data | ({"until_at": offer.friend_until} if offer.friend_until else {})


def qr_response(text: str) -> web.Response:
    """The text as a QR code, in SVG."""
    return web.Response(body=_qr(text), content_type="image/svg+xml", headers=picture_headers())


@functools.lru_cache(maxsize=512)
def _qr(text: str) -> bytes:
    picture = BytesIO()
    segno.make(text, micro=False).save(picture, kind="svg", scale=QR_SCALE, dark="#14201b", light="#ffffff")
    return picture.getvalue()


async def _invited(request: web.Request) -> Invitation | web.Response:
    door = request.app[DOOR]
    if wait := door.missed_code(request):
        return notice_page(request, "too_many", status=429, retry_after=wait)
    typed = request.match_info["code"][:LONGEST_TYPED]
    found = await door.database.read(
        find_invitation, typed, programme=door.programme, now=door.clock.programme(), known_bot=door.bot_name
    )
    if isinstance(found, Invitation):
        return found
    door.count_miss(request)
    return unknown_code_page(request, found.reason, typed)


def _shops(config: Config, invitation: Invitation) -> list[tuple[str, str]]:
    """A button for each shop: its name and its link."""
    if len(config.shops) == 1:
        return [(config.programme.name, invitation.shop_link)]
    return [(shop.name, f"{invitation.shop_link}?shop={quote(shop.name)}") for shop in config.shops]


def _percentage(basis_points: int) -> Decimal:
    return Decimal(basis_points).scaleb(-2).normalize()  # written as the reader's language does
