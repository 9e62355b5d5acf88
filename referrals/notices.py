"""What the core wants said: a key with data, no prose, stored in the transaction that caused it.

``bot/outbox`` finds the chat, judges the moment again, renders ``notice.<kind>`` and sends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storage.bulk import fetch_in, insert_rows
from storage.mailbox import AT_LEAST_ONCE, AT_MOST_ONCE, Chat, Outbox, to_chat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlmodel import Session

# Money: at least once, wait for quiet hours, never expire (rules 23, 29).
BONUS_HELD = "bonus_held"  # number, amount_minor, currency, available_at
BONUS_CHECKED = "bonus_checked"  # number, amount_minor, currency: a person looks at it first
BONUS_AVAILABLE = "bonus_available"  # number, amount_minor, currency, balance_minor, friends
BONUS_CHANGED = "bonus_changed"  # number, amount_minor, before_minor, currency, reason
BONUS_REVERSED = "bonus_reversed"  # number, amount_minor, currency, reason
MILESTONE_REACHED = "milestone_reached"  # number, amount_minor, currency, balance_minor, count
NOT_COUNTED = "not_counted"  # reason
GOODWILL_GIVEN = "goodwill_given"  # number, amount_minor, currency, balance_minor
VOUCHER_USED = "voucher_used"  # ending, amount_minor, returned_minor, kept_minor, currency
VOUCHER_BACK = "voucher_back"  # ending, amount_minor, currency: an order that used it was called off
VOUCHER_VOIDED = "voucher_voided"  # ending, amount_minor, currency: a bonus in it was taken back
CREDIT_ENDS = "credit_ends"  # lots, amount_minor, currency, from_at, until_at, last: it expires then
VOUCHER_READY = "voucher_ready"  # ending, amount_minor, currency: the shop knows its code
VOUCHER_UNMADE = "voucher_unmade"  # ending, amount_minor, currency: the shop did not take it; it is credit again
VOUCHER_RETURNED = "voucher_returned"  # ending, amount_minor, currency: the shop has forgotten it; credit again
VOUCHER_TAKEN = "voucher_taken"  # ending, amount_minor, currency: it was used before it could be put back
VOUCHER_OVER = "voucher_over"  # ending, amount_minor, currency: its time is over, the amount is credit again

# The account: at least once, at any hour, for somebody else may be at it (rules 19, 20).
TOKEN_USED_ELSEWHERE = "token_used_elsewhere"  # noqa: S105 - another chat held a link that connects to this account
CLAIM_ENDED = "claim_ended"  # the account this chat had claimed was connected by its own one-time link

# Cases: at least once, at any hour, to whoever asked, also when they stopped (rules 23, 28, 31).
CASE_ANSWER = "case_answer"  # case, text, solved: what a colleague says
CASE_SOLVED = "case_solved"  # case

# To the staff's chat or the owners', at least once; one that is there already and due again is edited in place.
CASE_CARD = "case_card"  # case, and how it stands
CASE_SAID = "case_said"  # case, text: what the customer says
CASE_ALARM = "case_alarm"  # case, and how it stands: nobody has answered

# References: how somebody's own words fare; at least once, outside quiet hours (rules 23, 29).
REFERENCE_TEXT = "reference_text"  # reference, version and what is shown: an owner changed it, so it needs a new yes
REFERENCE_PUBLISHED = "reference_published"  # reference, uses, until_at, link
REFERENCE_REFUSED = "reference_refused"  # reference, published: an owner will not show it, or not any more
# To the owners, like CASE_CARD.
REFERENCE_CARD = "reference_card"  # reference, version and what is shown: it waits for a yes
POOL_LOW = "pool_low"  # amount_minor, currency, count: so many codes of this worth are left
POOL_EMPTY = "pool_empty"  # amount_minor, currency: none is left, so it is offered no more
COUPON_FAILED = "coupon_failed"  # shop_name, why, ends, number, amount_minor, currency
REFERENCE_LESS = "reference_less"  # reference, uses: the customer withdrew these
# To the owners, once: what a shop passed on about personal data and only they can do.
DATA_REQUESTED = "data_requested"  # customer, shop, until_at: somebody wants to see what is kept of them
SHOP_LEAVES = "shop_leaves"  # shop, until_at: it wants the data of its customers gone
WEBHOOK_OFF = "webhook_off"  # webhook, host, why: an address is told nothing any more
VOUCHER_TWICE = "voucher_twice"  # ending, shop, order: an order used a code that could not be used any more
GIFTS_GONE = "gifts_gone"  # gift, count: the last piece of the friends' gift is given

# To the owners' own chats.
REVIEW_WAITING = "review_waiting"  # count, when it is sent: so many bonuses wait for a decision
CODE_LEAKED = "code_leaked"  # code, customer: many type it who never saw the link

# To an ambassador, outside quiet hours.
CODE_RENEWED = "code_renewed"  # code: the one they had leaked, and is not to be typed any more

# Unasked, at most once, within the caps and outside quiet hours (rules 23, 28-30).
SCORE_ASKED = "score_asked"  # survey
TIP_SECOND_ORDER = "tip_second_order"
TIP_SHARE_AGAIN = "tip_share_again"
TIP_NEVER_OPENED = "tip_never_opened"
THANKS = "thanks"  # years or friends
REFERENCE_INVITED = "reference_invited"  # reference, version, years, ten
REFERENCE_RENEWAL = "reference_renewal"  # reference, version, months: it is off the wall, its time is over

VOUCHERS = frozenset(
    {
        VOUCHER_USED, VOUCHER_BACK, VOUCHER_VOIDED, VOUCHER_OVER, VOUCHER_READY, VOUCHER_UNMADE, VOUCHER_RETURNED,
        VOUCHER_TAKEN,
    }
)  # fmt: skip
BONUSES = frozenset(
    {
        BONUS_HELD, BONUS_CHECKED, BONUS_AVAILABLE, BONUS_CHANGED, BONUS_REVERSED, MILESTONE_REACHED, NOT_COUNTED,
        GOODWILL_GIVEN,
    }
)  # fmt: skip
MONEY = BONUSES | VOUCHERS | {CREDIT_ENDS}
ACCOUNT = frozenset({TOKEN_USED_ELSEWHERE, CLAIM_ENDED})
CASES = frozenset({CASE_ANSWER, CASE_SOLVED})
REFERENCES = frozenset({REFERENCE_TEXT, REFERENCE_PUBLISHED, REFERENCE_REFUSED})
STAFF = frozenset(
    {
        CASE_CARD, CASE_SAID, CASE_ALARM, REFERENCE_CARD, REFERENCE_LESS, DATA_REQUESTED, SHOP_LEAVES, WEBHOOK_OFF,
        POOL_LOW, POOL_EMPTY, COUPON_FAILED, VOUCHER_TWICE, GIFTS_GONE,
    }
)  # fmt: skip
UNASKED = frozenset(
    {SCORE_ASKED, TIP_SECOND_ORDER, TIP_SHARE_AGAIN, TIP_NEVER_OPENED, THANKS, REFERENCE_INVITED, REFERENCE_RENEWAL}
)
OWNERS = frozenset({REVIEW_WAITING, CODE_LEAKED})
# What owners hear of the programme: it is sent outside its quiet hours, whatever wrote it, and to owners only.
# Cards are edited in place at any hour.
OWNERS_NEWS = OWNERS | (STAFF - {CASE_CARD, CASE_SAID, CASE_ALARM, REFERENCE_CARD})
ALL = tuple(sorted(MONEY | ACCOUNT | CASES | UNASKED | OWNERS | {CODE_RENEWED}))


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to say to one customer; ``key`` keeps it from being said twice."""

    kind: str
    customer_id: int
    key: str
    data: dict[str, Any] = field(default_factory=dict)
    message_class: str = AT_LEAST_ONCE
    due_at: datetime | None = None  # None: now
    expires_at: datetime | None = None


def write_notices(session: Session, notices: Sequence[Notice], *, now: datetime) -> None:
    """The notices wait in the outbox; a key that is there already is left as it is."""
    rows = [
        {
            "unique_key": notice.key,
            "customer_id": notice.customer_id,
            "kind": notice.kind,
            "data": notice.data,
            "message_class": AT_MOST_ONCE if notice.kind in UNASKED else notice.message_class,
            "as_of": now,
            "due_at": notice.due_at or now,
            "expires_at": notice.expires_at,
            "created_at": now,
        }
        for notice in notices
    ]
    if rows:
        insert_rows(session, Outbox, rows, ignore_conflicts=True)


def tell_owners(
    session: Session,
    kind: str,
    key: str,
    data: dict[str, Any],
    *,
    owners: Sequence[int],
    now: datetime,
    due_at: datetime | None = None,
) -> None:
    """Every owner who has a chat with the bot hears it, once a ``key``; the sender keeps it for the morning."""
    chats = reachable_owners(session, owners)
    rows = [to_chat(chat_id, kind, data, key=f"{key}:{chat_id}", now=now, due_at=due_at) for chat_id in chats]
    if rows:
        insert_rows(session, Outbox, rows, ignore_conflicts=True)


def reachable_owners(session: Session, owners: Sequence[int]) -> list[int]:
    """Those whom the bot can write to: Telegram lets nobody be written to who never pressed START."""
    return sorted(row["chat_id"] for row in fetch_in(session, Chat, "chat_id", owners, columns=("chat_id",)))


__all__ = [
    "ACCOUNT",
    "ALL",
    "AT_LEAST_ONCE",
    "AT_MOST_ONCE",
    "CASES",
    "MONEY",
    "OWNERS_NEWS",
    "REFERENCES",
    "STAFF",
    "UNASKED",
    "VOUCHERS",
    "Notice",
    "reachable_owners",
    "tell_owners",
    "write_notices",
]
