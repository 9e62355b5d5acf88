"""Where a visit to the shop goes on: the shop's landing address with the code and the click token in it (rules 21, 39).

The host is the owner's configuration and nothing a visitor sends can change it: codes and tokens only ever
stand in the query, escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlsplit

CODE = "{code}"


@dataclass(frozen=True, slots=True)
class LandingAddress:
    """A shop's landing URL, taken apart once; ``{code}`` in it is replaced."""

    before: str  # up to the fragment, with what carries the code
    fragment: str
    click_joint: str  # what goes before the token; empty where the URL holds a click of its own

    def url(self, code: str, token: str | None) -> str:
        """The address for this code; without a token there is no ``click``."""
        safe = code if code.isascii() and code.isalnum() else quote(code, safe="")
        click = f"{self.click_joint}{token}" if token and self.click_joint else ""  # ours: safe in a URL as it is
        return self.before.replace(CODE, safe) + click + self.fragment.replace(CODE, safe)


def landing_address(url: str) -> LandingAddress:
    """The landing URL of the configuration: ``ref`` and ``click`` are added where it does not hold them."""
    before, mark, fragment = url.partition("#")
    held = {name for name, _ in parse_qsl(urlsplit(before).query, keep_blank_values=True)}
    if "ref" not in held:
        before = f"{before}{_joint(before)}ref={CODE}"
    return LandingAddress(before, mark + fragment, "" if "click" in held else f"{_joint(before)}click=")


def _joint(url: str) -> str:
    if "?" not in url:
        return "?"
    return "" if url.endswith(("?", "&")) else "&"
