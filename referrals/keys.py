"""Keys for the API: shown once, stored hashed, each with its scopes (rules 40)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from referrals.errors import ProgrammeError
from referrals.programme import Programme, token_hash
from storage.auditlog import AuditEvent
from storage.installation import ApiKey

PREFIX = "amb_"  # so that a key that leaks is recognised
KEY_BYTES = 32
ALL_SCOPES = "*"
SCOPES = (
    "customers:read",
    "customers:write",
    "orders:read",
    "orders:write",
    "referrals:read",
    "referrals:write",
    "bonuses:read",
    "reviews:read",
    "reviews:write",
    "leaderboard:read",
    "figures:read",
    "contacts:read",
    "references:read",
    "privacy:read",
    "privacy:write",
    "vouchers:write",
    "webhooks:read",
    "webhooks:write",
)


class UnknownScope(ProgrammeError):
    """There is no such scope; the data names it and those there are."""

    code = "unknown_scope"


class UnknownKey(ProgrammeError):
    """No key has this number, or it was revoked before."""

    code = "unknown_key"


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as it may be listed: never the key itself."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None = None

    def allows(self, scope: str) -> bool:
        """May whoever holds this key do this?"""
        return ALL_SCOPES in self.scopes or scope in self.scopes


def create_key(
    session: Session, *, name: str, scopes: Sequence[str] = (), actor: str, programme: Programme, now: datetime
) -> tuple[str, KeyView]:
    """A fresh key, readable this once, and its view; without scopes it may do everything.

    Raises:
        UnknownScope: One of the scopes does not exist.
    """
    for scope in scopes:
        if scope not in (*SCOPES, ALL_SCOPES):
            raise UnknownScope(scope=scope, scopes=[*SCOPES, ALL_SCOPES])
    key = PREFIX + programme.maker.token(KEY_BYTES)
    wanted = " ".join(dict.fromkeys(scopes)) or ALL_SCOPES
    row = ApiKey(name=name, key_hash=token_hash(key), scopes=wanted, created_at=now)
    session.add(row)
    session.flush()
    view = _view(row)
    _note(session, view, action="api_key:create", after={"name": name, "scopes": wanted}, actor=actor, now=now)
    return key, view


def list_keys(session: Session) -> list[KeyView]:
    """Every key there ever was, the oldest first."""
    return [_view(row) for row in session.exec(select(ApiKey).order_by(col(ApiKey.id)))]


def revoke_key(session: Session, key_id: int, *, actor: str, now: datetime) -> KeyView:
    """The key opens nothing any more.

    Raises:
        UnknownKey: There is none with this number that still opens anything.
    """
    row = session.get(ApiKey, key_id)
    if row is None or row.revoked_at is not None:
        raise UnknownKey(key=key_id)
    row.revoked_at = now
    session.flush()
    view = _view(row)
    _note(session, view, action="api_key:revoke", after={"name": row.name, "revoked": True}, actor=actor, now=now)
    return view


def find_key(session: Session, key: str) -> KeyView | None:
    """Whose key this is; None for one that opens nothing. It is looked up by its hash, so nothing is compared."""
    if not key.isascii():
        return None
    query = select(ApiKey).where(ApiKey.key_hash == token_hash(key), col(ApiKey.revoked_at).is_(None))
    row = session.exec(query).first()
    return _view(row) if row else None


def _view(row: ApiKey) -> KeyView:
    if row.id is None:
        raise AssertionError("a key that is stored has a number")
    return KeyView(row.id, row.name, tuple(row.scopes.split()), row.created_at, row.revoked_at)


def _note(session: Session, view: KeyView, *, action: str, after: dict[str, object], actor: str, now: datetime) -> None:
    session.add(AuditEvent(at=now, actor=actor, action=action, subject=f"api_key:{view.id}", after=after))
    session.flush()
