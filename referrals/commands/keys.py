"""``api-key``: keys for the API, shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referrals.commands.opening import Failure, Misuse
from referrals.commands.output import print_json, print_line, print_table
from referrals.keys import SCOPES, UnknownKey, UnknownScope, create_key, list_keys, revoke_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from referrals.commands.opening import Opened
    from referrals.keys import KeyView

ACTOR = "command"


def create(opened: Opened, *, name: str, scopes: Sequence[str]) -> None:
    """A key; it is the last line on standard output. Raises: Misuse."""
    if not name.strip():
        raise Misuse("--name is empty; a name says later whose key it is.")
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
    views = opened.database.look(list_keys)
    if as_json:
        print_json([_plain(view) for view in views])
        return
    lines = [(view.id, view.name, " ".join(view.scopes), view.created_at, view.revoked_at) for view in views]
    print_table(("id", "name", "scopes", "created", "revoked"), lines)


def _plain(view: KeyView) -> dict[str, Any]:
    revoked = view.revoked_at
    return {
        "id": view.id,
        "name": view.name,
        "scopes": list(view.scopes),
        "created_at": view.created_at.isoformat(),
        "revoked_at": revoked.isoformat() if revoked else None,
    }


def revoke(opened: Opened, key_id: int) -> None:
    """The key opens nothing any more. Raises: Failure."""
    try:
        view = opened.database.run(revoke_key, key_id, actor=ACTOR, now=opened.now)
    except UnknownKey:
        raise Failure(f"No key {key_id} opens anything; `ambassade api-key list` shows them.") from None
    print_line(f"key {view.id}, {view.name}, is revoked")
