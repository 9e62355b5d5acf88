"""The words of the chat page and the demo shop, for a reader of this language."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[..., str]

GROUPS = {
    "page": "title brand shop wall desk chats language theme offline failed close cancel copied ok",
    "time": "title today later later_hint day week month busy others",
    "role": "ambassador friend owner customer",
    "chat": (
        "bot start start_hint start_link write send commands menu block unblock blocked edited typing online "
        "not_started today down forwarded received photo reply reply_not"
    ),
    "share": "title hint send copy sent",
    "who": "title hint",
    "shop": (
        "title claim demo back add basket empty remove shipping free total person first_name email code code_hint "
        "order order_and_pay came_by forget orders orders_hint no_orders number coupon unknown_code refunded answer "
        "no_answer disabled enable placed not_now"
    ),
    "action": "mail pay complete refund_part refund cancel trash delete",
    "status": "pending processing completed cancelled refunded trash",
    "product": "table bench stool rack board wax",
}
KEYS = tuple(f"sandbox.{group}.{name}" for group, names in GROUPS.items() for name in names.split())
NAMES = ("amount", "code", "least", "name", "number")  # filled in by the page, so they are kept as they stand


def words(say: Say, locale: str) -> dict[str, str]:
    """Every word of the pages by its key without ``sandbox.``; the names in braces stay for the page to fill in."""
    kept = {name: f"{{{name}}}" for name in NAMES}
    return {key.removeprefix("sandbox."): say(key, locale, **kept) for key in KEYS}
