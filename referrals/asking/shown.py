"""What is shown of a reference, the hash that both gates name, and which typed words may go into it.

Everything that stands on the wall in the customer's name is here, so nothing can be shown that the hash leaves out.
That a thank-you was given is not: the programme must say so in its own name, whenever it was given.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from dataclasses import asdict, dataclass

from referrals.people.persons import clean_name
from storage.columns import to_json

LONGEST_ANSWER, LONGEST_TEXT, LONGEST_TOWN = 500, 1600, 40  # UTF-16 units, as Telegram counts
SEAL = 10  # hex digits: enough to tell one screen from another
JOINER = "\N{ZERO WIDTH JOINER}"  # families and professions are emoji that it holds together
MOST_MARKS = 3  # accents on one letter; more is a tower
CORRECTION = 20  # units by which a corrected text may be longer than what it corrects
OWN_SHARE = 0.6  # of the words of a corrected text must be the customer's

FIRST_NAME, INITIALS, ANONYMOUS = "first_name", "initials", "anonymous"
NAMES = (FIRST_NAME, INITIALS, ANONYMOUS)
WEBSITE, SOCIAL, PRINT = "website", "social", "print"
USES = (WEBSITE, SOCIAL, PRINT)


@dataclass(frozen=True, slots=True)
class Shown:
    """A reference as it is shown, to the letter."""

    text: str
    name: str | None  # None: anonymous
    town: str | None
    since: int | None  # customer since this year

    def hash(self) -> str:
        """SHA-256, hex, of all of it."""
        return hashlib.sha256(to_json(asdict(self)).encode()).hexdigest()


def seal(shown: Shown, uses: list[str]) -> str:
    """What a button carries of the screen it stands under: words, name and ticks; a yes to another one is none."""
    return hashlib.sha256(to_json([shown.hash(), sorted(uses)]).encode()).hexdigest()[:SEAL]


def name_as_shown(kind: str, first_name: str | None) -> str | None:
    """The name of this kind; None where they stay anonymous, or we know no name."""
    name = clean_name(first_name)
    if name is None or kind not in (FIRST_NAME, INITIALS):
        return None
    if kind == FIRST_NAME:
        return name
    letters = [part[0].upper() for part in re.split(r"[\s-]+", name) if part and part[0].isalpha()]
    return "".join(f"{letter}." for letter in letters) or None


def names_to_choose(first_name: str | None) -> dict[str, str | None]:
    """The kinds of names there are to choose, and how each would stand there."""
    names = {kind: name_as_shown(kind, first_name) for kind in NAMES}
    return {kind: name for kind, name in names.items() if name or kind == ANONYMOUS}


def clean_words(typed: str) -> str:
    """What somebody typed, as it may be shown: lines kept, no control or direction characters, no towers of accents."""
    lines = (" ".join(line.split()) for line in _readable(typed).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def clean_line(typed: str) -> str:
    """Likewise, on one line."""
    return " ".join(clean_words(typed).split())


def units(text: str) -> int:
    """How long Telegram finds it."""
    return len(text.encode("utf-16-le")) // 2


def is_correction(text: str, *, of: str, original: str) -> bool:
    """Whether the text only shortens or corrects what the customer said: no longer, and mostly in their words."""
    mine, theirs = Counter(_words(text)), Counter(_words(original)) | Counter(_words(of))
    kept = sum((mine & theirs).values())
    return units(text) <= units(of) + CORRECTION and bool(mine) and kept >= OWN_SHARE * sum(mine.values())


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _readable(typed: str) -> str:
    kept: list[str] = []
    marks = 0
    text = unicodedata.normalize("NFC", re.sub(r"\r\n?|[\u2028\u2029\v\f]", "\n", typed))
    for symbol in text:
        category = unicodedata.category(symbol)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > MOST_MARKS or (category.startswith("C") and symbol not in ("\n", "\t", JOINER)):
            continue
        kept.append(" " if category == "Zs" or symbol == "\t" else symbol)
    return "".join(kept)
