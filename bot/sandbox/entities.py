"""HTML as Telegram reads it: text plus entities, offsets counted in UTF-16 units.

Source: tdlib ``parse_html`` (MessageEntity.cpp): the tags, the errors and their byte offsets.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from dataclasses import dataclass

from bot.sandbox.refusals import Json, Refusal, bad_request

TYPES = {
    "a": "text_link",
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "u": "underline",
    "ins": "underline",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
BASIC_PLANE = "\uffff"  # the last sign that takes one UTF-16 unit
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_CHARACTER = re.compile(r"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|(lt|gt|amp|quot));?")
_TAG = re.compile(r"<([^\s>/]*)")
_END = re.compile(r"</([^\s>]*)\s*(>?)")
_ATTRIBUTE = re.compile(r"""\s*([^\s=>/]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+))?""")
_ORDER = ["blockquote", "expandable_blockquote", "bold", "italic", "underline", "strikethrough", "spoiler"]


@dataclass
class _Open:
    """A tag that waits for its end."""

    name: str
    attributes: dict[str, str]
    offset: int


def utf16(text: str) -> int:
    """The length as Telegram counts it: a sign outside the basic plane counts twice."""
    return len(text) + sum(sign > BASIC_PLANE for sign in text)


def parse_html(source: str) -> tuple[str, list[Json]]:
    """The text without its tags, and the entities that the tags stood for.

    Raises:
        Refusal: 400 "can't parse entities", with the byte offset of the first fault.
    """
    out: list[str] = []
    length = 0
    stack: list[_Open] = []
    entities: list[Json] = []
    position = 0
    while position < len(source):
        sign = source[position]
        if sign == "&" and (found := _CHARACTER.match(source, position)):
            text, position = _character(found), found.end()
        elif sign != "<":
            text, position = sign, position + 1
        elif source.startswith("</", position):
            position = _close(source, position, stack=stack, entities=entities, length=length)
            continue
        else:
            opened, position = _open(source, position, offset=length)
            stack.append(opened)
            continue
        out.append(text)
        length += utf16(text)
    if stack:
        raise _fault(f'Can\'t find end tag corresponding to start tag "{stack[-1].name}"')
    return "".join(out), sort_entities(entities)


def sort_entities(entities: list[Json]) -> list[Json]:
    """Outer before inner, in order of their start."""
    rank = {name: place for place, name in enumerate(_ORDER)}
    return sorted(entities, key=lambda e: (e["offset"], -e["length"], rank.get(e["type"], 99)))


def trim(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Both without the white space around them, as every message is stored."""
    text = text.replace("\r", "").replace("\x00", "")
    stripped = text.lstrip()
    cut = utf16(text) - utf16(stripped)
    stripped = stripped.rstrip()
    end = utf16(stripped)
    kept: list[Json] = []
    for entity in entities:
        start = max(0, entity["offset"] - cut)
        stop = min(end, entity["offset"] + entity["length"] - cut)
        if stop > start:
            kept.append({**entity, "offset": start, "length": stop - start})
    return stripped, kept


def _character(found: re.Match[str]) -> str:
    hexadecimal, decimal, name = found.groups()
    if name:
        return NAMED[name]
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    if not 0 < code <= sys.maxunicode or unicodedata.category(chr(code)) == "Cs":
        return found.group(0)
    return chr(code)


def _open(source: str, position: int, *, offset: int) -> tuple[_Open, int]:
    at = _bytes(source, position)
    found = _TAG.match(source, position)
    name = found.group(1).lower() if found else ""
    if name not in TYPES:
        raise _fault(f'Unsupported start tag "{name}" at byte offset {at}')
    attributes: dict[str, str] = {}
    end = position + 1 + len(name)
    while (attribute := _ATTRIBUTE.match(source, end)) is not None:
        value = attribute.group(2) or ""
        quoted = value[:1] in {'"', "'"}
        attributes[attribute.group(1).lower()] = _unescape(value[1:-1] if quoted else value)
        end = attribute.end()
    closing = re.compile(r"\s*>").match(source, end)
    if closing is None:
        raise _fault(f'Unclosed start tag "{name}" at byte offset {at}')
    if name == "span" and attributes.get("class") != "tg-spoiler":
        raise _fault(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
    return _Open(name, attributes, offset), closing.end()


def _close(source: str, position: int, *, stack: list[_Open], entities: list[Json], length: int) -> int:
    at = _bytes(source, position)
    found = _END.match(source, position)
    name = found.group(1).lower() if found else ""
    if not stack:
        raise _fault(f"Unexpected end tag at byte offset {at}")
    if found is None or not found.group(2):
        raise _fault(f"Unclosed end tag at byte offset {at}")
    opened = stack.pop()
    if name not in {"", opened.name}:
        raise _fault(f'Unmatched end tag at byte offset {at}, expected "</{opened.name}>", found "</{name}>"')
    if length > opened.offset:
        _add_entity(opened, entities=entities, length=length - opened.offset)
    return found.end()


def _add_entity(opened: _Open, *, entities: list[Json], length: int) -> None:
    entity: Json = {"type": TYPES[opened.name], "offset": opened.offset, "length": length}
    if opened.name == "a":
        url = opened.attributes.get("href", "")
        if not re.match(r"^(https?://|tg://|mailto:|tel:|[\w-]+\.\w)", url):
            return
        entity["url"] = url if ":" in url.split("/", 1)[0] else f"http://{url}"
    elif opened.name == "tg-emoji":
        entity["custom_emoji_id"] = opened.attributes.get("emoji-id", "")
    elif opened.name == "blockquote" and "expandable" in opened.attributes:
        entity["type"] = "expandable_blockquote"
    elif opened.name == "code" and opened.attributes.get("class", "").startswith("language-"):
        entity["language"] = opened.attributes["class"].removeprefix("language-")
    elif opened.name == "pre":
        inner = entities[-1] if entities else None
        if inner and inner["type"] == "code" and (inner["offset"], inner["length"]) == (opened.offset, length):
            entities.pop()
            entity |= {"language": inner["language"]} if "language" in inner else {}
    entities.append(entity)


def _unescape(value: str) -> str:
    return _CHARACTER.sub(_character, value)


def _bytes(source: str, position: int) -> int:
    return len(source[:position].encode("utf-8", "surrogatepass"))


def _fault(description: str) -> Refusal:
    return bad_request(f"can't parse entities: {description}")
