"""``api-key``: keys for the API, shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referrals.commands.opening import Failure, Misuse
from referrals.commands.output import print_json, print_line, print_table
from referrals.keys import SCOPES, UnknownKey, UnknownScope, create_key, list_keys, revoke_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from referrals.commands.opening import Opened

ACTOR = "command"


def create(opened: Opened, *, name: str, scopes: Sequence[str]) -> None:
    """A key; it is the last line on standard output. Raises: Misuse."""
    wanted = [scope for text in scopes for scope in text.replace(",", " ").split()]
    try:
        key, view = opened.database.run(
            create_key, name=name, scopes=wanted, actor=ACTOR, programme=opened.programme, now=opened.now
        )
    except UnknownScope as error:
        raise Misuse(f"--scopes has {error.data['scope']!r}; there are {', '.join(SCOPES)} and *.") from None
    print_line(f"key {view.id}, {view.name}, {' '.join(view.scopes)}; it is shown this once:")
    print_line(key)


def show_all(opened: Opened, *, as_json: bool) -> None:
    """Every key there ever was, without the key itself."""
    rows = [
        {
            "id": view.id, "name": view.name, "scopes": list(view.scopes), "created_at": view.created_at.isoformat(),
            "revoked_at": view.revoked_at.isoformat() if view.revoked_at else None,
        }
        for view in opened.database.look(list_keys)
    ]  # fmt: skip
    if as_json:
        print_json(rows)
    else:
        lines = [
            (row["id"], row["name"], " ".join(row["scopes"]), row["created_at"], row["revoked_at"]) for row in rows
        ]
        print_table(("id", "name", "scopes", "created", "revoked"), lines)


def revoke(opened: Opened, key_id: int) -> None:
    """The key opens nothing any more. Raises: Failure."""
    try:
        view = opened.database.run(revoke_key, key_id, actor=ACTOR, now=opened.now)
    except UnknownKey:
        raise Failure(f"No key {key_id} opens anything; `ambassade api-key list` shows them.") from None
    print_line(f"key {view.id}, {view.name}, is revoked")
