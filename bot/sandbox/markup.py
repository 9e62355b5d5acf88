"""Keyboards: what Telegram accepts on a button."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.refusals import Json, Refusal, bad_request

CALLBACK_BYTES = 64
COPY_SIGNS = 256
MOST_BUTTONS = 100
ACTIONS = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)
OTHER_KEYBOARDS = ("keyboard", "remove_keyboard", "force_reply")


def check_markup(markup: Any, *, inline_only: bool = False) -> Json | None:
    """The keyboard as it will be stored, or None for none.

    Raises:
        Refusal: 400, for buttons that a client could not show.
    """
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if not markup:
        return None
    if "inline_keyboard" in markup:
        return _inline(markup["inline_keyboard"])
    if inline_only or not any(name in markup for name in OTHER_KEYBOARDS):
        raise bad_request("inline keyboard expected")
    return {name: value for name, value in markup.items() if value is not None}


def _inline(rows: Any) -> Json | None:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request("can't parse inline keyboard: an array of button rows expected")
    kept = [[_button(button) for button in row] for row in rows if row]
    if sum(len(row) for row in kept) > MOST_BUTTONS:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    return {"inline_keyboard": kept} if kept else None


def _button(button: Any) -> Json:
    if not isinstance(button, dict) or not str(button.get("text") or "").strip():
        raise bad_request("can't parse inline keyboard button: text of the button must be non-empty")
    actions = [name for name in ACTIONS if button.get(name) is not None]
    if not actions:
        raise bad_request("text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise bad_request("can't parse inline keyboard button: exactly one action expected")
    _check_action(actions[0], button[actions[0]])
    return {name: value for name, value in button.items() if value is not None}


def _check_action(action: str, value: Any) -> None:
    if action == "callback_data" and not 1 <= len(str(value).encode()) <= CALLBACK_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if action == "url":
        check_url(str(value))
    if action in {"web_app", "login_url"} and not str(value.get("url", "")).startswith("https://"):
        raise _wrong_url(str(value.get("url", "")), "Only HTTPS links are allowed")
    if action == "copy_text" and not 1 <= len(str(value.get("text", ""))) <= COPY_SIGNS:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")


def check_url(url: str) -> None:
    """True links only: http, https or tg, with a host that has a dot in it."""
    scheme, mark, _ = url.partition("://")
    if mark and scheme.lower() not in {"http", "https", "tg"}:
        raise _wrong_url(url, "Unsupported URL protocol")
    if mark and scheme.lower() == "tg":
        return
    try:
        host = urlsplit(url if mark else f"http://{url}").hostname or ""
    except ValueError:
        host = ""
    if not re.fullmatch(r"[^\s/]+\.[^\s/]+|[0-9a-f]*:[0-9a-f:.]+", host) or re.search(r"\s", url):
        raise _wrong_url(url, "Wrong HTTP URL")


def _wrong_url(url: str, why: str) -> Refusal:
    return bad_request(f"inline keyboard button URL '{url}' is invalid: {why}")
