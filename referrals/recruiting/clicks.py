"""Visits through a link, each with a token that travels to the order (rules 21)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from referrals.codes import CodeMiss, find_codes
from referrals.programme import Programme, token_hash
from storage.bulk import fetch_in, insert_rows
from storage.codes import Click, Code

LONGEST_TOKEN = 64  # characters; ours have 22


@dataclass(frozen=True, slots=True)
class ClickItem:
    """One visit: the code as it was typed, the shop it goes to, when."""

    code: str
    shop: str
    at: datetime
    customer_id: int | None = None  # the chat's person for whom the link was made


@dataclass(frozen=True, slots=True)
class Landing:
    """Where the visit goes on: with the code as its owner writes it and a token, or without, and why."""

    code: str
    token: str | None
    miss: str | None = None  # unknown_code or code_typing_error

    @property
    def hit(self) -> bool:
        """Is the code somebody's?"""
        return self.token is not None


@dataclass(frozen=True, slots=True)
class ClickHit:
    """What a token says: whose link was followed, when, and by which chat's person if by one."""

    click_id: int
    code_id: int
    ambassador_id: int
    display: str
    at: datetime
    customer_id: int | None


def record_clicks(session: Session, items: Sequence[ClickItem], *, programme: Programme) -> list[Landing]:
    """Every visit with a known code is stored and has a token; a result an item, in order."""
    found = find_codes(session, {item.code for item in items})
    make_token = programme.maker.token
    landings: list[Landing] = []
    rows = []
    for item in items:
        code = found[item.code]
        if isinstance(code, CodeMiss):
            landings.append(Landing(code.typed, None, code.reason))
            continue
        token = make_token()
        landings.append(Landing(code.display, token))
        rows.append(_row(token, code.code_id, item))
    insert_rows(session, Click, rows)
    return landings


def shop_button_token(
    session: Session, *, code_id: int, customer_id: int, shop: str, now: datetime, programme: Programme
) -> str:
    """A click token for the shop button of one chat: an order with it joins chat and shop (rules 15)."""
    token = programme.maker.token()
    insert_rows(session, Click, [_row(token, code_id, ClickItem("", shop, now, customer_id))])
    return token


def find_clicks(session: Session, tokens: Collection[str]) -> dict[str, ClickHit]:
    """The visits behind these tokens; unknown ones are left out. Whether one is too old is for the reader to say."""
    hashes = {token_hash(token): token for token in tokens if _is_token(token)}
    clicks = fetch_in(session, Click, "token_hash", hashes)
    codes = fetch_in(
        session, Code, "id", {click["code_id"] for click in clicks}, columns=("id", "customer_id", "display")
    )
    owners = {code["id"]: (code["customer_id"], code["display"]) for code in codes}
    return {
        hashes[click["token_hash"]]: ClickHit(
            click["id"], click["code_id"], *owners[click["code_id"]], click["at"], click["customer_id"]
        )
        for click in clicks
    }


def _is_token(token: str) -> bool:
    return 0 < len(token) <= LONGEST_TOKEN and token.isascii()


def _row(token: str, code_id: int, item: ClickItem) -> dict[str, object]:
    return {
        "token_hash": token_hash(token),
        "code_id": code_id,
        "customer_id": item.customer_id,
        "shop": item.shop,
        "at": item.at,
    }
