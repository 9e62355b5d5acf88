"""What a kill test compares: the client's log, what Telegram took, and the database afterwards."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session, col, func, select

from benchmarks.chaos_load import ACKED, CLICK, FIRST_CHAT, ORDER, REFUSED, SIGN_UP, UNKNOWN, Code, Load
from bot.sandbox.sandbox import Sandbox
from referrals.clock_row import read_offset
from referrals.notices import MONEY
from referrals.programme import Programme, token_hash
from referrals.rewarding.books import audit
from storage.codes import Click
from storage.customers import SHOP, Identity
from storage.ledger import AVAILABLE, HELD, Bonus, Posting
from storage.machine import machine_now
from storage.mailbox import AT_MOST_ONCE, DONE, DUE, NEW, SENT, Inbox, Outbox
from storage.orders import Order
from storage.referrals import Referral

BONUS_MINOR = 1500
SLOTS = 8  # chats that a worker serves at once: so many messages one kill can make it say twice
NUMBER = re.compile(r"nr\. (\w+)\)")


@dataclass
class Verdict:
    """What was wrong, and how often what may be doubled was."""

    wrong: list[str] = field(default_factory=list)
    doubled: dict[str, int] = field(default_factory=dict)  # messages by class
    applied: Counter[str] = field(default_factory=Counter)  # unknown calls that turned out to be stored

    def claim(self, what: str, offenders: Iterable[object]) -> None:
        """There are none of these."""
        found = list(offenders)
        if found:
            self.wrong.append(f"{what}: {len(found)}, such as {found[:3]}")


def compare(session: Session, load: Load) -> Verdict:
    """Nothing acknowledged is lost, nothing refused is stored, nothing is doubled, the books balance."""
    verdict = Verdict(wrong=list(load.log.wrong))
    _calls(verdict, load, ORDER, _orders(session))
    _calls(verdict, load, SIGN_UP, _accounts(session))
    _clicks(session, verdict, load)
    _money(session, verdict)
    _updates(session, verdict, load)
    verdict.claim("the audit's faults", audit(session))
    return verdict


def messages(
    session: Session, verdict: Verdict, load: Load, telegram: Sandbox, *, codes: Sequence[Code], kills: int,
    programme: Programme,
) -> None:  # fmt: skip
    """Everything was said at least once; what a kill doubled is counted by class and explained by the kills."""
    taken = telegram.calls_of("sendMessage")
    shown = Counter(
        int(call.params["chat_id"])
        for call in taken
        if load.persons.get(call.params["chat_id"], "-") in str(call.params.get("text"))
    )
    verdict.claim("friends who never saw their invitation", [chat for chat in load.persons if not shown[chat]])
    rows = session.exec(select(Outbox).where(col(Outbox.kind).in_(MONEY))).all()
    verdict.claim("money notices that were not sent", [row.unique_key for row in rows if row.status != SENT])
    texts = [call for call in taken if NUMBER.search(str(call.params.get("text")))]
    there = {message.id for code in codes for message in telegram.world.chats[code.chat_id].messages.values()}
    verdict.claim("money notices of which Telegram has no message", [r.id for r in rows if r.message_id not in there])
    known = set(session.exec(select(Bonus.id)).all())
    named = {number for call in texts for number in NUMBER.findall(str(call.params["text"]))}
    verdict.claim("bonuses that were told and are not there", [n for n in named if _id(programme, n) not in known])
    once = session.exec(select(Outbox.id).where(Outbox.message_class == AT_MOST_ONCE, col(Outbox.attempts) > 1)).all()
    verdict.claim("messages that may go once and were tried twice", once)
    verdict.doubled = {
        "answers": sum(shown.values()) - len(shown),
        "money": len(texts) - len({row.message_id for row in rows if row.message_id is not None}),
    }
    verdict.claim("more doubles than kills explain", [n for n in verdict.doubled.values() if n > kills * SLOTS])


def waiting(session: Session, load: Load) -> int:
    """How much is still to be heard, sent or released."""
    now = machine_now(session) + read_offset(session)
    heard = session.exec(select(func.count()).where(Inbox.status == DONE, col(Inbox.chat_id) >= FIRST_CHAT)).one()
    return (
        session.exec(select(func.count()).where(Inbox.status == NEW)).one()
        + session.exec(select(func.count()).where(Outbox.status == DUE, Outbox.due_at <= now)).one()
        + session.exec(select(func.count()).where(Bonus.status == HELD, Bonus.amount_minor > 0)).one()
        + max(0, len(load.persons) - heard)
    )


def _calls(verdict: Verdict, load: Load, kind: str, stored: Counter[str]) -> None:
    """Acknowledged is stored, refused is not, unknown may be; nothing is stored twice."""
    verdict.claim(f"acknowledged and lost ({kind})", load.log.keys(kind, ACKED) - stored.keys())
    verdict.claim(f"refused and stored ({kind})", load.log.keys(kind, REFUSED) & stored.keys())
    verdict.claim(f"stored twice ({kind})", [key for key, count in stored.items() if count > 1])
    verdict.applied[kind] = len(load.log.keys(kind, UNKNOWN) & stored.keys())


def _orders(session: Session) -> Counter[str]:
    return Counter(session.exec(select(Order.external_id)).all())


def _accounts(session: Session) -> Counter[str]:
    """Friends who signed up through a code: one pair that stands for each."""
    query = (
        select(Identity.value)
        .join(Referral, col(Referral.friend_id) == Identity.customer_id)
        .where(Identity.kind == SHOP, col(Referral.signed_up_at).is_not(None), col(Referral.standing))
    )
    return Counter(value.removeprefix("signed-") for value in session.exec(query).all())


def _clicks(session: Session, verdict: Verdict, load: Load) -> None:
    stored = set(session.exec(select(Click.token_hash).where(col(Click.customer_id).is_(None))).all())
    acked, unknown = load.log.keys(CLICK, ACKED), load.log.keys(CLICK, UNKNOWN)
    verdict.claim("acknowledged and lost (click)", [token for token in acked if token_hash(token) not in stored])
    verdict.applied[CLICK] = len(stored) - len(acked)
    verdict.claim("clicks that nobody made", range(verdict.applied[CLICK] - len(unknown)))


def _money(session: Session, verdict: Verdict) -> None:
    """Every stored order has one bonus, booked once and released once, to the ambassador of its code."""
    orders = {row.id: row.external_id for row in session.exec(select(Order)).all()}
    bonuses = session.exec(select(Bonus)).all()
    earned = Counter(orders.get(bonus.order_id or 0) for bonus in bonuses)
    verdict.claim("orders without their one bonus", [key for key in orders.values() if earned[key] != 1])
    off = [bonus.id for bonus in bonuses if (bonus.amount_minor, bonus.status) != (BONUS_MINOR, AVAILABLE)]
    verdict.claim("bonuses that are not what was earned", off)
    booked = Counter(session.exec(select(Posting.bonus_id, Posting.kind)).all())
    verdict.claim("bookings made twice", [key for key, count in booked.items() if count > 1])
    verdict.claim("bookings without their release", [b.id for b in bonuses if booked[b.id, "release"] != 1])


def _updates(session: Session, verdict: Verdict, load: Load) -> None:
    """Every START was heard once."""
    query = select(Inbox.chat_id, Inbox.status).where(Inbox.kind == "telegram", col(Inbox.chat_id).in_(load.persons))
    heard = Counter(session.exec(query).all())
    verdict.claim("people who were not heard once", [chat for chat in load.persons if heard[chat, DONE] != 1])


def _id(programme: Programme, number: str) -> int | None:
    return programme.identifier("bonus", number)
