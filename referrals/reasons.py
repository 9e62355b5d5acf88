"""Why: every bonus, wait, refusal and unsent message carries reasons, as a code with its data.

The sentences stand in the catalogues under ``reason.<code>``; a test holds that each code has one
in every language. Data values are plain: minor units with a ``currency``, ISO dates, ids never.
"""

from __future__ import annotations

from typing import Any

Reason = dict[str, Any]  # {"code": …, then the data its sentence names}

# Why an order or a friend does not count.
OWN_ORDER = "own_order"
OWN_ACCOUNT = "own_account"
EXISTING_CUSTOMER = "friend_is_existing_customer"
ALREADY_REFERRED = "already_referred"
OUTSIDE_WINDOW = "outside_window"  # days
BELOW_MINIMUM = "below_minimum"  # amount_minor, currency
MONTH_CAP = "month_cap"  # count, month
BUDGET_SPENT = "budget_spent"  # month
ORDER_UNPAID = "order_unpaid"
ORDER_CANCELLED = "order_cancelled"
ORDER_REFUNDED = "order_refunded"
PARTLY_REFUNDED = "partly_refunded"  # amount_minor, currency: the bonus that is left
ORDER_DELETED = "order_deleted"
TEST_ORDER = "test_order"
OTHER_CURRENCY = "other_currency"  # currency
UNKNOWN_CODE = "unknown_code"  # typed
CODE_TYPING_ERROR = "code_typing_error"  # typed
CODE_RETIRED = "code_retired"  # typed
EXCLUDED_CUSTOMER = "excluded_customer"
CIRCULAR = "circular"
ORDER_BEFORE_SIGN_UP = "order_before_sign_up"  # date
NOT_FIRST_ORDER = "not_first_order"
NOT_NTH_ORDER = "not_nth_order"  # count: which order of a friend earns
FRIEND_CAP = "friend_cap"  # count
MARGIN = "margin"  # amount_minor, currency: what the order leaves room for
NO_EVIDENCE = "no_evidence"
INTERNAL_ERROR = "internal_error"

# Why it waits, or counts all the same.
ON_HOLD_UNTIL = "on_hold_until"  # date
UNDER_REVIEW = "under_review"
REFUSED_BY_REVIEW = "refused_by_review"
BY_HAND = "by_hand"  # date
GOODWILL = "goodwill"
APPROVED = "approved"  # date, amount_minor, currency
MILESTONE = "milestone"  # count, date: an extra for so many friends
MILESTONE_LOST = "milestone_lost"  # count: they are fewer again
MERGED = "merged"

# What became of credit, and why a voucher cannot be used.
DEBT_SETTLED = "debt_settled"
CREDIT_EXPIRED = "credit_expired"  # date, amount_minor, currency
VOUCHER_MADE = "voucher_made"
VOUCHER_REDEEMED = "voucher_redeemed"  # date
VOUCHER_ROLLED_BACK = "voucher_rolled_back"
VOUCHER_VOID = "voucher_void"  # date
VOUCHER_EXPIRED = "voucher_expired"  # date
NOT_STACKABLE = "not_stackable"  # ending: of the code that the order has used already
VOUCHER_TWICE = "voucher_twice"  # ending: an order used a code that was used already
VOUCHER_UNUSABLE = "voucher_unusable"  # ending: likewise one that was not good any more
GIFT_GIVEN = "gift_given"

# Why a message was not sent.
IN_HOLD_OUT = "in_hold_out"
STOPPED = "stopped"
PAUSED = "paused"
QUIET_HOURS = "quiet_hours"
CONTACT_CAP = "contact_cap"
OPEN_CASE = "open_case"
LOW_SCORE = "low_score"
RECENT_RETURN = "recent_return"
TOO_EARLY = "too_early"
STALE = "stale"
UNREACHABLE = "unreachable"
NO_CONSENT = "no_consent"
UNWANTED = "unwanted"  # they chose not to hear this kind of message
UNVERIFIED = "unverified"  # whose chat it is, is not sure (rules 20)
IN_CONVERSATION = "in_conversation"  # they were asked something and may still answer (rules 31)
NO_SCORE = "no_score"  # they never said how satisfied they are
NOT_SAMPLED = "not_sampled"  # this time others are asked
OUTCOME_UNKNOWN = "outcome_unknown"  # it may have arrived, and it is of the kind that never goes twice

ALL = tuple(value for name, value in list(globals().items()) if name.isupper() and isinstance(value, str))


def reason(code: str, **data: Any) -> Reason:
    """One reason: its code and what its sentence names."""
    return {"code": code, **data}
