"""A friend presses START with a code: the gift, the code at the checkout, what the ambassador hears (rules 14)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from bot.conversation import Answer, Await, Reply, Visitor
from bot.keyboards import to_url, to_view
from bot.screens.gift import gift_words
from bot.screens.welcome import gather_gift, gift_lines
from bot.voice import OutMessage, Voice, lines, paragraphs
from referrals.codes import CodeHit, find_codes
from referrals.landing import landing_address
from referrals.people.customers import get_customer, resume
from referrals.programme import Programme
from referrals.recruiting.clicks import shop_button_token
from referrals.recruiting.invitations import INVITED, StartOutcome, record_start
from referrals.rewarding.gift_stock import is_promised
from storage.database import books


@books
def accept_invitation(session: Session, visitor: Visitor, *, programme: Programme, code: str) -> Sequence[Reply]:
    """The claim is stored before anything else; it never takes a friend from another ambassador."""
    outcome = record_start(
        session, friend_id=visitor.customer_id, typed_code=code, at=visitor.at, programme=programme, now=visitor.now
    )
    resume(session, visitor.customer_id, now=visitor.now)
    data = {"kind": outcome.kind, "typed": outcome.code}
    if outcome.kind == INVITED:
        data |= _gift(session, visitor, outcome, programme=programme)
    return [Await(None), Answer("invitation", data)]


def _gift(session: Session, visitor: Visitor, outcome: StartOutcome, *, programme: Programme) -> dict[str, Any]:
    """What the friend is shown; the ambassador's first name only with their consent."""
    ambassador = get_customer(session, outcome.ambassador_id or 0)
    days = timedelta(days=programme.config.bonus.friend.valid_days)
    return {
        "name": ambassador.first_name if ambassador.link_consent else None,
        "code": outcome.code,
        "until": (visitor.now + days).astimezone(programme.zone).date().isoformat(),
        "url": _shop_address(session, visitor, outcome.code, programme=programme),
        "own": gather_gift(session, visitor.customer_id, now=visitor.now),
        "gone": not is_promised(session, programme=programme, now=visitor.now),
    }


def _shop_address(session: Session, visitor: Visitor, code: str, *, programme: Programme) -> str:
    """The shop with the code and a click token that is this person's: their order joins chat and shop (rules 15)."""
    shop = programme.config.shops[0]
    hit = find_codes(session, [code])[code]
    token = None
    if isinstance(hit, CodeHit):
        token = shop_button_token(
            session,
            code_id=hit.code_id,
            customer_id=visitor.customer_id,
            shop=shop.name,
            now=visitor.now,
            programme=programme,
        )
    return landing_address(shop.landing_url).url(code, token)


def render_invitation(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The gift, or why there is none."""
    if data["kind"] == INVITED:
        return _render_gift(voice, data)
    rows = [[to_view(voice, "button.overview", "home")]]
    if data["kind"] in ("own_account", "already_customer"):
        rows.insert(0, [to_view(voice, "button.link", "link")])
    return OutMessage(voice.say(f"invite.{data['kind']}", typed=data["typed"]), rows)


def _render_gift(voice: Voice, data: dict[str, Any]) -> OutMessage:
    own, name = data.get("own"), data["name"]
    gift = None if data.get("gone") and own is None else gift_words(voice)
    welcome = "invite.welcome" if gift else "invite.welcome_bare"
    text = paragraphs(
        voice.say(f"{welcome}_named", name=name) if name else voice.say(welcome),
        lines(*_how_to_use(voice, data, gift)),
        voice.say("invite.promise_named", name=name) if name else voice.say("invite.promise"),
    )
    use = to_url(voice, _way(voice, data, gift), data["url"])
    return OutMessage(text, [[use], [to_view(voice, "button.later", "home")]])


def _way(voice: Voice, data: dict[str, Any], gift: str | None) -> str:
    """What the way to the shop is called: a code that is still to come cannot be used."""
    if gift is None:
        return "button.shop"
    waits = voice.programme.config.bonus.friend.personal and data.get("own") is None
    return "button.welcome.shop" if waits else "button.use_gift"


def _how_to_use(voice: Voice, data: dict[str, Any], gift: str | None) -> list[str | None]:
    """The gift with the ambassador's code as its coupon, or with a code of the friend's own, which comes at sign-up."""
    if not voice.programme.config.bonus.friend.personal:
        until = voice.say("invite.gift_until", gift=gift, until=voice.day(data["until"])) if gift else None
        return [until, voice.say("invite.single") if gift else None, voice.say("invite.code", code=data["code"])]
    if data.get("own") is not None:
        return [gift_lines(voice, data["own"])]
    return [voice.say("invite.gift", gift=gift), voice.say("welcome.how")] if gift else []


RENDER = {"invitation": render_invitation}
