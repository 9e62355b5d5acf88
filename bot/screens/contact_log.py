"""``/waarom K7QX3``, for owners: what a customer was told and asked, what they were not, and why (rules 28-31)."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from bot.conversation import Look
from bot.keyboards import back, to_view
from bot.voice import OutMessage, Voice, lines, paragraphs
from referrals.asking.contact_log import log_of
from referrals.asking.wishes import KINDS
from referrals.programme import Programme
from referrals.reasons import INTERNAL_ERROR
from storage.contacts import PLANNED, SENT
from storage.customers import ACTIVE

CONTACT_LOG = "contacts"
SHOWN = 10


def gather_log(session: Session, look: Look, *, programme: Programme) -> dict[str, Any]:
    """The customer whose number follows the point, and the contact before which is looked; nothing for who is no owner.

    Raises:
        UnknownCustomer: Nobody has this number (any more).
    """
    if not look.is_owner:
        return {"owner": False}
    number, _, before = look.argument.partition(".")
    return {"owner": True} | log_of(
        session,
        programme.identifier("customer", number) or 0,
        programme=programme,
        now=look.now,
        limit=SHOWN,
        before_id=programme.identifier("contact", before) if before else None,
    )


def render_log(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """How things stand with them, then a line a message, a score and a case."""
    if not data["owner"]:
        return OutMessage(voice.say("unknown.text"), [back(voice)])
    contacts = [_contact(voice, one) for one in data["contacts"]] or [voice.say("contacts.none")]
    text = paragraphs(
        voice.say("contacts.title", number=data["customer"]),
        lines(*_standing(voice, data)),
        lines(voice.say("contacts.messages"), *contacts),
        _listed(voice, "contacts.scores", [_score(voice, one) for one in data["scores"]]),
        _listed(voice, "contacts.cases", [_case(voice, one) for one in data["cases"]]),
    )
    rows = [back(voice)]
    if data["older"]:
        oldest = data["contacts"][-1]["contact"]
        rows.insert(0, [to_view(voice, "button.older", f"{CONTACT_LOG}.{data['customer']}.{oldest}")])
    return OutMessage(text, rows)


def _standing(voice: Voice, data: dict[str, Any]) -> list[str]:
    said = []
    if data["state"] != ACTIVE:
        said.append(voice.say(f"contacts.state.{data['state']}"))
    if data["stopped_at"]:
        said.append(voice.say("contacts.stopped", stopped_at=data["stopped_at"]))
    if data["paused_until_at"]:
        said.append(voice.say("contacts.paused", until_at=data["paused_until_at"]))
    if data["no_consent"]:
        said.append(voice.say("contacts.no_consent"))
    return said + [voice.say(f"contacts.unwanted.{kind}") for kind in KINDS if kind in data["unwanted"]]


def _contact(voice: Voice, one: dict[str, Any]) -> str:
    play = f"contacts.play.{one['play']}"
    what = voice.plain(play if voice.texts.has(play) else f"contacts.kind.{one['kind']}")
    why = " ".join(_because(voice, each["code"]) for each in one["reasons"])
    if one["status"] == SENT:
        key = "contacts.reacted" if one["reacted_at"] else "contacts.sent"
        return voice.say(key, date=one["sent_at"], what=what, reacted_at=one["reacted_at"])
    if one["status"] == PLANNED:
        due = one["due_at"] or one["planned_at"]
        key = "contacts.waits" if why else "contacts.planned"
        return voice.say(key, date=one["planned_at"], what=what, due_at=due, reason=why)
    return voice.say(
        "contacts.not_sent", date=one["planned_at"], what=what, reason=why or _because(voice, INTERNAL_ERROR)
    )


def _because(voice: Voice, code: str) -> str:
    """A reason as the owner reads it, where it says something else than to the customer."""
    key = f"contacts.because.{code}"
    if voice.texts.has(key):
        return voice.plain(key)
    return voice.unescaped([{"code": code}])


def _score(voice: Voice, one: dict[str, Any]) -> str:
    if one["score"] is not None:
        return voice.say("contacts.score", date=one["at"], score=one["score"])
    return voice.say("contacts.score_skipped" if one["skipped"] else "contacts.score_open", date=one["at"])


def _case(voice: Voice, one: dict[str, Any]) -> str:
    kind = voice.plain(f"contacts.case_kind.{one['kind']}")
    promised, solved = one["promised_at"], one["solved_at"]
    return voice.say(
        f"contacts.case.{one['status']}", date=one["opened_at"], number=one["case"], kind=kind, promised_at=promised,
        solved_at=solved,
    )  # fmt: skip


def _listed(voice: Voice, title: str, said: list[str]) -> str | None:
    return lines(voice.say(title), *said) if said else None


GATHER = {CONTACT_LOG: gather_log}
RENDER = {f"view.{CONTACT_LOG}": render_log}
