"""The longest that every message can be given: names, words, amounts, numbers, lists, each at its limit."""

from __future__ import annotations

from typing import Any

from bot.texts import Texts
from referrals import notices, reasons
from referrals.asking.shown import LONGEST_TEXT, LONGEST_TOWN, SEAL, USES
from referrals.asking.staff import FIRST_PART, PART
from referrals.screening.score import SIGNALS

MOST_ID = 2**63 - 1
VERSION = 10**9
NAME = "👩&<" * 22  # at most 64 characters are kept of a first name, and each of these takes two units
FIRST_NAME = NAME[:64]
NICKNAME = NAME[:24]
SHOP = "Ñ&" * 100
NUMBER = "ZZ9ZZ9ZZ9ZZ9ZZ"
CODE = "ANNA7K3Q"
SUMS = {"EUR": 999_999_999_999_99, "USD": 999_999_999_999_99, "GBP": 999_999_999_999_99, "KWD": 999_999_999_999_999}
MONEY: dict[str, Any] = {"amount_minor": SUMS["EUR"], "currency": "EUR"}
MOMENT = "2026-09-30T22:30:00+00:00"  # in the longest-named month, the last hour of its day
LINK = "https://friends.example/" + "a" * 200
COUNT = 999_999_999
REASONS = [
    reasons.reason(code, days=COUNT, count=COUNT, month="2026-09", date=MOMENT[:10], typed="W" * 64, **MONEY)
    for code in reasons.ALL
]
LONGEST_REASON = max(REASONS, key=lambda one: len(Texts().say(f"reason.{one['code']}", "nl", **one)))
BONUS = {"bonus": MOST_ID, "available_at": MOMENT, "before_minor": SUMS["EUR"], "balance_minor": SUMS["EUR"],
         "friends": COUNT, "count": COUNT,
         "reason": reasons.reason(reasons.PARTLY_REFUNDED, **MONEY)} | MONEY  # fmt: skip
PROMISE = {"promised_at": "2026-09-30T15:45:00+00:00", "said_at": "2026-09-01T21:00:00+00:00", "closed": True}
REFERENCE: dict[str, Any] = {
    "reference": MOST_ID,
    "version": VERSION,
    "text": "👩&" * (LONGEST_TEXT // 3),
    "original": "<👩" * (LONGEST_TEXT // 3),
    "name": FIRST_NAME,
    "town": "&" * LONGEST_TOWN,
    "since": 2026,
    "uses": list(USES),
    "name_shown": "first_name",
    "names": {"first_name": FIRST_NAME, "initials": "W.W.W.W.W.", "anonymous": None},
    "seal": "f" * SEAL,
    "until_at": MOMENT,
    "customer": MOST_ID,
    "thanked": True,
    "shortened": True,
    "stage": "withdrawn",
    "gone": list(USES),
    "months": COUNT,
    "years": COUNT,
    "ten": True,
    "question": 1,
    "again": True,
}
CASE: dict[str, Any] = {
    "case": MOST_ID,
    "kind": "question",
    "status": "open",
    "score": 6,
    "name": FIRST_NAME,
    "number": NUMBER,
    "since": "2026-09",
    "claimed": True,
    "words": "&<" * (FIRST_PART // 2),
    "promised_at": PROMISE["promised_at"],
    "did": "reopened",
    "by": FIRST_NAME,
}
SCORE = {"survey": MOST_ID, "score": 10, "ordered_at": MOMENT, "offer": True, "case": True, "has_link": True}
TIP = {"contact": f"t6:bonus:{MOST_ID}", "through_friend": True}
CONTACTS = [
    {
        "contact": NUMBER, "play": "reference", "kind": "reference_ask", "status": status, "planned_at": MOMENT,
        "sent_at": MOMENT, "reacted_at": MOMENT, "due_at": MOMENT, "reasons": [reasons.reason("in_hold_out")],
    }
    for status in (*("planned", "not_sent", "sent") * 3, "not_sent")
]  # fmt: skip
FRIEND = {"since": MOMENT, "status": "on_hold", "reasons": [LONGEST_REASON, LONGEST_REASON]} | MONEY
PLACE = {"place": COUNT, "own": False, "nickname": NICKNAME, "friends": COUNT}
ROW = {"place": COUNT, "move": -COUNT, "name": FIRST_NAME, "code": CODE, "customer": NUMBER, "friends": COUNT,
       "pending": COUNT, "revenue_minor": SUMS["EUR"], "bonus_minor": SUMS["EUR"], "currency": "EUR"}  # fmt: skip
BOARD = {"key": "2026-09", "period": "month", "nickname": NICKNAME, "restart": MOMENT[:10]}
ORDERS = {"orders": COUNT, "revenue_minor": SUMS["EUR"], "friends": COUNT, "sign_ups": COUNT, "clicks": COUNT}
SCORES = {"too_few": False, "count": COUNT, "asked": COUNT, "days": COUNT, "least": 30}
TODAY: dict[str, Any] = {
    "owner": True,
    "as_of": MOMENT,
    "currency": "EUR",
    **dict.fromkeys(("today", "yesterday", "week", "week_before"), ORDERS),
    **{name: {"count": COUNT, "amount_minor": SUMS["EUR"]} for name in ("held", "under_review", "available")},
    **dict.fromkeys(("quarantined", "needs_fetch", "waiting", "unreachable", "references", "review"), COUNT),
    "pool": [MONEY | {"count": COUNT}] * 10,
    "scores": SCORES | {"nps": -100.0, "low": -100.0, "high": 100.0},
    "cases": {"open": COUNT, "overdue": COUNT},
}
REVIEW: dict[str, Any] = {
    "customer": MOST_ID, "name": FIRST_NAME, "code": CODE, "cause": "refunded_friends", "last": MOST_ID,
    "count": COUNT, "sums": SUMS, "since_at": MOMENT, "score": 100,
    "signals": [{"code": code, "points": 100, "count": COUNT, "days": COUNT, "bonuses": COUNT} for code in SIGNALS],
}  # fmt: skip
GOODWILL: dict[str, Any] = MONEY | {
    "customer": MOST_ID, "order": MOST_ID, "external_id": "&" * 200, "at": MOMENT,
    "reasons": [LONGEST_REASON] * 2, "left_minor": SUMS["EUR"],
}  # fmt: skip
VOUCHER = {"id": MOST_ID, "code": "WWWW-WWWW-WWWW", "expires_at": MOMENT, "returnable": True, "stage": None} | MONEY
LINKED: dict[str, Any] = {
    "code": CODE, "web": LINK, "chat": LINK, "name": FIRST_NAME, "named": True, "gone": False,
}  # fmt: skip
GIFT = {
    "code": "WWWW-WWWW-WWWW", "kind": "fixed", "amount_minor": SUMS["EUR"], "currency": "EUR",
    "share_basis_points": None, "min_order_minor": SUMS["EUR"], "expires_at": MOMENT,
}  # fmt: skip
ENDING = {"sums": SUMS, "until_at": MOMENT}
HOME: dict[str, Any] = {
    "name": FIRST_NAME, "available": SUMS, "held": SUMS, "debt": SUMS, "ending": ENDING, "count": COUNT, "date": MOMENT,
    "friends": COUNT, "milestone": {"count": COUNT} | MONEY, "connected": False, "claimed": False, "stopped": True,
    "welcome": True, "gift": GIFT,
}  # fmt: skip
SETTINGS: dict[str, Any] = {
    "page": "", "tips": True, "scores": True, "portfolio": True, "hours": ["20:30", "11:30"], "until_at": MOMENT,
    "stopped": False, "refused": True, "connected": False,
}  # fmt: skip
PRIVACY: dict[str, Any] = {
    "page": "", "claimed": False, "name": FIRST_NAME, "orders": COUNT, "friends": COUNT, "available": SUMS,
    "held": SUMS,
}  # fmt: skip
LOG = {
    "owner": True, "customer": NUMBER, "state": "excluded", "stopped_at": MOMENT, "paused_until_at": MOMENT,
    "no_consent": True, "unwanted": ["tips", "scores", "portfolio"], "contacts": CONTACTS, "older": True,
    "scores": [{"score": 10, "at": MOMENT, "skipped": False}] * 10,
    "cases": [
        {"case": NUMBER, "kind": "low_score", "status": "taken", "opened_at": MOMENT, "promised_at": MOMENT,
         "solved_at": MOMENT}
    ] * 10,
}  # fmt: skip

# By the name under which the registry renders it; a message that can look quite different has several.
EXTREMES: dict[str, list[Any]] = {
    **{kind: [BONUS] for kind in sorted(notices.BONUSES)},
    "code_renewed": [{"code": CODE}],
    "code_leaked": [{"code": CODE, "customer": MOST_ID}],
    "review_waiting": [{"count": COUNT}],
    "review_card": [REVIEW | {"state": state} for state in (
        "waiting", "asked", "passed", "turned_down", "trusted", "distrusted",
    )] + [REVIEW | {"state": "waiting", "cause": "leaked_code", "name": None}],
    "review_goodwill": [GOODWILL, GOODWILL | {"amount_minor": 0, "left_minor": None}],
    "review_note": [{"key": "review.more", "count": COUNT}, {"key": "review.nothing_refused"}],
    **{kind: [MONEY | {"ending": "W" * 4, "returned_minor": SUMS["EUR"], "kept_minor": SUMS["EUR"]}] for kind in (
        "voucher_used", "voucher_back", "voucher_voided", "voucher_over", "voucher_ready", "voucher_unmade",
        "voucher_returned", "voucher_taken",
    )},
    "credit_ends": [MONEY | {"from_at": MOMENT, "until_at": until, "last": True, "lots": [MOST_ID]} for until in (
        MOMENT, "2026-10-07T22:30:00+00:00",
    )],
    "voucher_making": [VOUCHER],
    "coupon_failed": [MONEY | {"shop_name": "w" * 63, "why": "w" * 300, "ends": ends, "number": NUMBER}
                      for ends in (False, True)],
    "pool_low": [MONEY | {"count": COUNT}],
    "pool_empty": [MONEY | {"count": 0}],
    "voucher_made": [VOUCHER, VOUCHER | {"expires_at": None, "returnable": False, "code": "W" * 100}],
    "voucher_twice": [{"ending": "W" * 4, "shop_name": "&" * 63, "order": "&" * 200, "twice": twice}
                      for twice in (True, False)],
    "gifts_gone": [{"gift": "&" * 200, "count": COUNT}],
    "merged": [[{"kind": "bonus_reversed", "data": BONUS | {"bonus": MOST_ID - n}} for n in range(50)]],
    "token_used_elsewhere": [{}],
    "claim_ended": [{}],
    "case_card": [CASE, CASE | {"kind": "low_score"}, CASE | {"status": "taken"}, CASE | {"status": "solved"}],
    "case_alarm": [CASE | {"alarm": 1}, CASE | {"alarm": 2}],
    "case_said": [{"text": "&<" * (PART // 2), "name": FIRST_NAME, "number": NUMBER}],
    "case_answer": [{"text": "&<" * (PART // 2), "first": True, "solved": True, "case": MOST_ID}],
    "case_solved": [{"case": MOST_ID}],
    "case_again": [PROMISE],
    "case_note": [{"key": "case.unreachable"}],
    "question_ask": [PROMISE],
    "question_open": [{}],
    "question_said": [{"key": "question.only_text"}],
    "question_taken": [PROMISE, PROMISE | {"again": True}],
    "connect_ask": [{"token": "W" * 43}],
    "connect_question": [{"key": "connect.order"}],
    "connect_said": [{"key": "connect.connected", "name": FIRST_NAME, "lost": False, "again": False, "gift": GIFT},
                     {"key": "connect.missed", "lost": True, "again": True}],
    "error": [{"code": "internal_error"}, {"code": "nothing_like_it"}],
    "data_file": [{"export": {"programme": SHOP}}],
    "erased": [{}],
    "privacy_refused": [{}],
    "data_requested": [{"customer": 2**40, "shop": "w" * 63, "until_at": MOMENT}],
    "shop_leaves": [{"shop": "w" * 63, "until_at": MOMENT}],
    "invitation": [
        {"kind": "invited", "name": FIRST_NAME, "code": CODE, "typed": CODE, "until": MOMENT[:10], "url": LINK},
        {"kind": "invited", "name": FIRST_NAME, "code": CODE, "typed": CODE, "until": MOMENT[:10], "url": LINK,
         "own": GIFT, "gone": False},
        {"kind": "code_typing_error", "typed": "&" * 64},
    ],
    "language_set": [{}],
    "nickname_ask": [{}, {"again": True}],
    "nickname_said": [{"key": "board.nickname_set", "nickname": NICKNAME}],
    "not_understood": [{}],
    "qr": [{"address": LINK, "code": CODE}],
    "score_asked": [SCORE],
    "score_low": [SCORE | PROMISE],
    "score_passed_on": [PROMISE],
    "score_passive": [SCORE],
    "score_promoter": [SCORE | {"via": FIRST_NAME}, SCORE | {"offer": False}],
    "score_skipped": [{}],
    "score_stands": [SCORE],
    "score_thanks_why": [{}],
    "score_why": [SCORE],
    "stop_back": [{}],
    "stopped": [{"available": SUMS}],
    "thanks": [{"years": COUNT}, {"friends": COUNT}],
    "tip_never_opened": [TIP],
    "tip_second_order": [TIP],
    "tip_share_again": [TIP],
    "tips_off": [{}],
    "webhook_off": [{"webhook": MOST_ID, "host": "a" * 253, "why": why} for why in ("gone", "failing")],
    "reference_card": [REFERENCE | {"status": status} for status in (
        "customer_approved", "published", "over", "withdrawn",
    )],
    "reference_said": [{"key": "reference.owner.rests", "until_at": MOMENT}],
    "reference_shorter": [REFERENCE | {"key": "reference.owner.shorter_ask"}],
    "reference_ask": [REFERENCE | {"key": "reference.text_ask", "copy": True},
                      REFERENCE | {"key": "reference.town_ask", "text": "&" * 256, "copy": True}],
    "reference_question": [REFERENCE | {"question": number} for number in (1, 2, 3)],
    **{f"reference_{name}": [REFERENCE] for name in (
        "adjust", "invited", "less", "paused", "published", "refused", "renewal", "text", "at_customer_approved",
        "at_draft", "at_invited", "at_over", "at_published", "at_snoozed",
    )},
    **{f"reference_at_{stage}": [REFERENCE | {"stage": stage}] for stage in (
        "declined", "expired", "owner_declined", "withdrawn",
    )},
    "view.balance": [dict.fromkeys(("available", "held", "reserved", "redeemed", "debt"), SUMS) | {
        "bonuses": [MONEY | {"available_at": MOMENT, "under_review": False, "number": NUMBER}] * 10, "more": COUNT,
        "ending": ENDING,
    }],
    "view.board": [
        BOARD | {"owner": True, "rows": [ROW] * 20, "excluded": COUNT, "under_review": COUNT},
        BOARD | {"owner": False, "place": COUNT, "move": COUNT, "friends": COUNT, "distance_to_next": COUNT,
                 "neighbours": [PLACE] * 5, "top": [PLACE] * 3},
    ],
    "view.contacts": [LOG, {"owner": False}],
    "view.help": [{}],
    "view.home": [HOME, HOME | {"claimed": True, "stopped": False}, HOME | {"welcome": False}],
    "view.language": [{}],
    "view.link": [LINKED, LINKED | {"named": False}, {"excluded": True}],
    "view.more": [{}],
    "view.privacy": [PRIVACY, PRIVACY | {"page": "erase"}, {"page": "", "claimed": True}],
    "view.rewards": [
        {"available": SUMS, "held": SUMS, "debt": SUMS, "excluded": False, "vouchers": [VOUCHER] * 5, "more": COUNT,
         "offers": {name: [minor] * 5 for name, minor in SUMS.items()}},
        {"available": SUMS, "held": SUMS, "debt": SUMS, "excluded": False, "more": COUNT, "offers": {},
         "vouchers": [VOUCHER | {"expires_at": None, "returnable": False, "code": "W" * 100}] * 5},
        {"available": SUMS, "held": SUMS, "debt": SUMS, "excluded": False, "more": COUNT, "offers": {},
         "vouchers": [VOUCHER | {"stage": stage} for stage in ("wanted", "ending")]},
        {"offers": {}, "available": {}, "held": {}, "debt": {}, "excluded": False, "vouchers": [], "more": 0},
    ],
    "view.settings": [SETTINGS, SETTINGS | {"stopped": True}, SETTINGS | {"page": "pause"},
                      SETTINGS | {"page": "hours"}],
    "view.status": [{"friends": [FRIEND] * 10, "more": True}, {"friends": []}],
    "view.terms": [{}],
    "view.today": [TODAY, TODAY | {"scores": SCORES | {"too_few": True}}],
    "view.why": [{"found": [{"at": MOMENT, "status": "refused", "reasons": [LONGEST_REASON] * 2}] * 10}],
}  # fmt: skip
