"""``GET /c``: how a buyer comes into the chat, with a link, a QR code for packing slips, and in words."""

from __future__ import annotations

from aiohttp import web
from sqlmodel import Session

from referrals.people.customers import bot_name
from referrals.programme import Programme
from referrals.web.door import DOOR, RETRY_AFTER_SECONDS
from referrals.web.friend_page import qr_response
from referrals.web.pages import notice_page, render

BY_ORDER_NUMBER = "o"  # the payload from packing slips


async def connect_page(request: web.Request) -> web.Response:
    """The steps into the chat; a friendly 503 until the bot's name is known (rules 22)."""
    name = await _bot_name(request)
    if name is None:
        return notice_page(request, "bot_unknown", status=503, retry_after=RETRY_AFTER_SECONDS)
    return render(request, "connect.html", chat_link=chat_link(request, name), bot_name=name)


async def connect_qr(request: web.Request) -> web.Response:
    """The way into the chat as a QR code."""
    name = await _bot_name(request)
    if name is None:
        return notice_page(request, "bot_unknown", status=503, retry_after=RETRY_AFTER_SECONDS)
    return qr_response(chat_link(request, name))


def chat_link(request: web.Request, name: str) -> str:
    """The deep link that a packing slip carries."""
    return request.app[DOOR].programme.chat_link(name, BY_ORDER_NUMBER)


async def _bot_name(request: web.Request) -> str | None:
    door = request.app[DOOR]
    return door.bot_name or await door.database.read(_stored_name, door.programme)


def _stored_name(session: Session, programme: Programme) -> str | None:
    return bot_name(session, programme.config)
