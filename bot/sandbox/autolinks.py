"""The entities that Telegram finds by itself: commands, links, mentions, addresses and hashtags."""

from __future__ import annotations

import re

from bot.sandbox.entities import sort_entities, utf16
from bot.sandbox.refusals import Json

_PATTERNS = {
    "url": re.compile(r"(?:https?://[^\s<>\"]+|(?<![\w@./])(?:t\.me|www\.[\w-]+\.\w+)(?:/[^\s<>\"]*)?)"),
    "email": re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]*\w"),
    "bot_command": re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])"),
    "mention": re.compile(r"(?<![\w@.])@\w{3,32}(?!\w)"),
    "hashtag": re.compile(r"(?<![\w#])#\w*[^\W\d]\w*"),
}
_SHUT = {"code", "pre", "text_link", "url", "email", "bot_command", "mention"}


def with_found(text: str, entities: list[Json]) -> list[Json]:
    """The given entities and the ones found, which never overlap a link or code."""
    taken = [(e["offset"], e["offset"] + e["length"]) for e in entities if e["type"] in _SHUT]
    found: list[Json] = list(entities)
    for kind, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            hit = match.group(0).rstrip(".,;:!?)'") if kind == "url" else match.group(0)
            start = utf16(text[: match.start()])
            stop = start + utf16(hit)
            if stop > start and not any(start < end and begin < stop for begin, end in taken):
                taken.append((start, stop))
                found.append({"type": kind, "offset": start, "length": stop - start})
    return sort_entities(found)
