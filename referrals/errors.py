"""Errors of the programme: named as facts, with a code and data, without prose."""

from __future__ import annotations

from typing import Any


class ProgrammeError(Exception):
    """Something the programme refuses; doors map ``code`` to a text or a status."""

    code = "refused"

    def __init__(self, **data: Any) -> None:
        """Keep the data that a text may want to name."""
        super().__init__(self.code)
        self.data = data


class UnknownCustomer(ProgrammeError):
    """No customer has this number."""

    code = "unknown_customer"


class UnknownReferral(ProgrammeError):
    """No referral has this number."""

    code = "unknown_referral"


class GoodwillGiven(ProgrammeError):
    """The order has brought this ambassador a bonus, or goodwill, already."""

    code = "goodwill_given"


class GoodwillSpent(ProgrammeError):
    """The year's goodwill does not hold so much any more."""

    code = "goodwill_spent"


class NothingToGive(ProgrammeError):
    """The order gives no amount by itself, and none was said."""

    code = "nothing_to_give"


class UnknownReview(ProgrammeError):
    """No review has this number."""

    code = "unknown_review"


class ReviewDecided(ProgrammeError):
    """Nothing of this review waits any more: it was decided, or its bonuses were taken back."""

    code = "review_decided"


class UnknownShop(ProgrammeError):
    """The configuration has no shop of this name."""

    code = "unknown_shop"


class UnknownOrder(ProgrammeError):
    """The shop has not reported this order."""

    code = "unknown_order"


class CustomerExcluded(ProgrammeError):
    """An excluded, erased or staff customer cannot take part."""

    code = "excluded_customer"


class BotUnknown(ProgrammeError):
    """Neither the configuration nor the bot role has told the bot's name yet (rules 22)."""

    code = "bot_unknown"


class CodeTaken(ProgrammeError):
    """The code belongs to somebody, now or earlier (rules 17)."""

    code = "code_taken"


class CodeUnfit(ProgrammeError):
    """A wish for a code that cannot be one: its length, its symbols, or a reserved word (rules 17)."""

    code = "code_unfit"


class OwnReferral(ProgrammeError):
    """Ambassador and friend are one person."""

    code = "own_account"


class InternalFault(ProgrammeError):
    """Our own code failed on an authentic delivery (rules 37)."""

    code = "internal_error"


class NotVerified(ProgrammeError):
    """Nothing but an order number and an address says that this chat is theirs (rules 20)."""

    code = "not_verified"


class NotEnoughCredit(ProgrammeError):
    """The customer has less credit than that, after what they owe (rules 9)."""

    code = "not_enough_credit"


class NoSuchReward(ProgrammeError):
    """The pool has no code of that worth (any more)."""

    code = "no_such_reward"


class VoucherStays(ProgrammeError):
    """The shop takes the voucher's code whatever we say, so it is not put back."""

    code = "voucher_stays"


class UnknownVoucher(ProgrammeError):
    """No voucher has this code."""

    code = "unknown_voucher"


class VoucherAlreadyRedeemed(ProgrammeError):
    """Another order used the voucher, or this one took another amount of it."""

    code = "voucher_redeemed"


class VoucherVoided(ProgrammeError):
    """The voucher was taken back."""

    code = "voucher_void"


class VoucherOutOfDate(ProgrammeError):
    """The voucher's time is over."""

    code = "voucher_expired"


class VoucherWorthLess(ProgrammeError):
    """The voucher is worth less than that."""

    code = "voucher_worth_less"


class NotStackable(ProgrammeError):
    """The order has used another code, and the two do not go together."""

    code = "not_stackable"


class AmountNeeded(ProgrammeError):
    """What a percentage came to is for the shop to say."""

    code = "amount_needed"


class VoucherNotRedeemed(ProgrammeError):
    """This order did not use this voucher."""

    code = "voucher_not_redeemed"


class OtherCurrency(ProgrammeError):
    """The voucher is in another currency, and nothing is converted (rules 4)."""

    code = "other_currency"


class UnknownWebhook(ProgrammeError):
    """No webhook has this number."""

    code = "unknown_webhook"


class UnknownDelivery(ProgrammeError):
    """This webhook has no delivery of this number."""

    code = "unknown_delivery"


class WebhookOff(ProgrammeError):
    """The webhook is switched off: switch it on first."""

    code = "webhook_off"


class TooManyWebhooks(ProgrammeError):
    """There are as many webhooks as an installation has."""

    code = "too_many_webhooks"


class EventForgotten(ProgrammeError):
    """The event's data is gone, because its customer was erased."""

    code = "event_forgotten"
