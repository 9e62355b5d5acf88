"""What endpoints are sent, as the document describes it; a test holds these shapes to what is really sent."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field
from typing_extensions import TypedDict

from referrals.subscribers import events
from referrals.web.api.bonuses import BonusOrder
from referrals.web.api.shapes import BonusStatus, Currency, Explained, Minor, Moment, Number

Data = TypeVar("Data")
SIGNED_HEADERS = {
    "webhook-id": "Of the message, the same at every attempt.",
    "webhook-timestamp": "Of the attempt, in seconds.",
    "webhook-signature": "`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; several while a secret changes.",
}


class Message(TypedDict, Generic[Data]):
    """What happened, and when."""

    type: str
    timestamp: Moment
    data: Data


class BonusTold(TypedDict):
    """A bonus as it stands after it; null for an order of which none was made."""

    bonus: Number | None
    customer: Number
    side: Literal["ambassador", "friend", "goodwill"]
    status: BonusStatus
    amount_minor: Minor
    before_minor: Annotated[Minor, Field(description="What was booked before it.")]
    currency: Currency
    order: BonusOrder | None
    referral: Number | None
    earned_at: Moment
    available_at: Moment | None
    reasons: list[Explained]


class SignUpTold(TypedDict):
    """Who brought whom; whether it counts is decided afterwards."""

    referral: Number
    ambassador: Number
    friend: Number
    evidence: str
    signed_up_at: Moment


class RefusalTold(TypedDict):
    """Who would have brought whom, and why that does not count."""

    referral: Number
    ambassador: Number
    friend: Number
    evidence: str
    reasons: list[Explained]


class VoucherTold(TypedDict):
    """A voucher as it stands after it, without its code."""

    voucher: Number
    customer: Number
    status: Literal["standing", "redeemed", "void", "expired"]
    amount_minor: Minor
    left_minor: Minor
    currency: Currency
    expires_at: Moment


class RedemptionTold(VoucherTold):
    """Likewise, and the order that took of it or gave it back."""

    order: BonusOrder
    taken_minor: Minor
    returned_minor: Annotated[Minor, Field(description="The rest that became credit again when it was taken.")]


class CustomerTold(TypedDict):
    """Who asked to be forgotten: forget the number too."""

    customer: Number


class PublicationTold(TypedDict):
    """What may be shown, and until when; its words are at `GET /references`."""

    reference: Number
    customer: Number
    uses: list[Literal["website", "social", "print"]]
    until_at: Moment


class WithdrawalTold(TypedDict):
    """For which uses it may still be shown, or for none; and why."""

    reference: Number
    customer: Number
    uses: list[Literal["website", "social", "print"]]
    because: Annotated[
        Literal["customer", "owner", "changed", "over", "erased"],
        Field(description="Who took it down; its words are being changed; its time is over; its customer is gone."),
    ]


class PingTold(TypedDict):
    """The endpoint itself."""

    webhook: Number


MESSAGES: dict[str, Any] = {
    events.REFERRAL_SIGNED_UP: Message[SignUpTold],
    events.REFERRAL_REFUSED: Message[RefusalTold],
    events.BONUS_HELD: Message[BonusTold],
    events.BONUS_CHANGED: Message[BonusTold],
    events.BONUS_AVAILABLE: Message[BonusTold],
    events.BONUS_REVERSED: Message[BonusTold],
    events.BONUS_REFUSED: Message[BonusTold],
    events.VOUCHER_MADE: Message[VoucherTold],
    events.VOUCHER_REDEEMED: Message[RedemptionTold],
    events.VOUCHER_ROLLED_BACK: Message[RedemptionTold],
    events.VOUCHER_VOIDED: Message[VoucherTold],
    events.VOUCHER_EXPIRED: Message[VoucherTold],
    events.CUSTOMER_ERASED: Message[CustomerTold],
    events.REFERENCE_PUBLISHED: Message[PublicationTold],
    events.REFERENCE_WITHDRAWN: Message[WithdrawalTold],
    events.TEST_PING: Message[PingTold],
}
MEANINGS = {
    events.REFERRAL_SIGNED_UP: "A friend has an account in the shop through an ambassador's link.",
    events.REFERRAL_REFUSED: "A friend does not count for an ambassador.",
    events.BONUS_HELD: "A bonus is booked and waits.",
    events.BONUS_CHANGED: "A bonus is worth another amount, after a partial refund.",
    events.BONUS_AVAILABLE: "The wait is over: the bonus is credit.",
    events.BONUS_REVERSED: "A bonus was taken back.",
    events.BONUS_REFUSED: "An order through an ambassador earns nothing.",
    events.VOUCHER_MADE: "Credit became a voucher.",
    events.VOUCHER_REDEEMED: "An order took of a voucher.",
    events.VOUCHER_ROLLED_BACK: "An order that had taken of a voucher was called off.",
    events.VOUCHER_VOIDED: "A voucher was taken back; what was in it is credit again.",
    events.VOUCHER_EXPIRED: "A voucher's time is over; what was in it is credit again.",
    events.CUSTOMER_ERASED: "A customer was erased. What waited to be said of them before is not sent.",
    events.REFERENCE_PUBLISHED: "A reference may be shown.",
    events.REFERENCE_WITHDRAWN: "A reference may not be shown any more, or for fewer uses.",
    events.TEST_PING: "Somebody asked for it at `POST /webhooks/{number}/ping`.",
}
