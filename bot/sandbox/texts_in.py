"""Words that the bot sends: parsed, trimmed, measured."""

from __future__ import annotations

from bot.sandbox.autolinks import with_found
from bot.sandbox.entities import parse_html, trim, utf16
from bot.sandbox.refusals import Json, bad_request

MOST_TEXT = 4096
MOST_CAPTION = 1024


def read_text(params: Json) -> tuple[str, list[Json]]:
    """The text of a message with its entities.

    Raises:
        Refusal: 400 when it is empty, too long or not well formed.
    """
    text, entities = _formatted(params.get("text", ""), params, given="entities")
    if not text:
        raise bad_request("message text is empty")
    if utf16(text) > MOST_TEXT:
        raise bad_request("message is too long")
    return text, entities


def read_caption(params: Json) -> tuple[str | None, list[Json]]:
    """The words under a picture, if any.

    Raises:
        Refusal: 400 when they are too long or not well formed.
    """
    text, entities = _formatted(params.get("caption", ""), params, given="caption_entities")
    if utf16(text) > MOST_CAPTION:
        raise bad_request("message caption is too long")
    return text or None, entities


def _formatted(source: str, params: Json, *, given: str) -> tuple[str, list[Json]]:
    mode = str(params.get("parse_mode") or "").lower()
    if mode == "html":
        text, entities = parse_html(source)
    elif mode in {"", "none"}:
        text, entities = source, _checked(params.get(given) or [], length=utf16(source))
    else:
        raise bad_request("unsupported parse_mode")
    text, entities = trim(text, entities)
    return text, with_found(text, entities)


def _checked(entities: list[Json], *, length: int) -> list[Json]:
    for entity in entities:
        if not 0 <= entity.get("offset", -1) < length or entity.get("length", 0) < 1:
            raise bad_request(
                f"entity beginning at UTF-16 offset {entity.get('offset')} ends after the end of the text"
            )
    return entities
