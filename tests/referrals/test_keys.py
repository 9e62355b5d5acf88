from __future__ import annotations

from datetime import datetime

import pytest
from sqlmodel import Session, select

from referrals.keys import KeyView, UnknownKey, UnknownScope, create_key, find_key, list_keys, revoke_key
from storage.auditlog import AuditEvent
from storage.database import Database
from storage.installation import ApiKey
from tests.referrals.web.conftest import paper_programme

PROGRAMME = paper_programme()


def create(database: Database, now: datetime, *scopes: str) -> tuple[str, KeyView]:
    made: tuple[str, KeyView] = database.run(
        create_key, name="kassa", scopes=scopes, actor="command", programme=PROGRAMME, now=now
    )
    return made


def test_a_key_is_shown_once_and_stored_hashed(database: Database, now: datetime) -> None:
    key, view = create(database, now)
    hashes = database.look(lambda session: list(session.exec(select(ApiKey.key_hash))))
    assert len(key) > 40
    assert all(key not in each and len(each) == 64 for each in hashes)
    assert database.look(find_key, key) == view


def test_a_key_without_scopes_may_do_everything(database: Database, now: datetime) -> None:
    """Rule 40: api-key create without scopes = all."""
    assert create(database, now)[1].allows("orders:write")
    narrow = create(database, now, "orders:write")[1]
    assert narrow.allows("orders:write")
    assert not narrow.allows("customers:read")


def test_a_scope_that_does_not_exist_is_refused(database: Database, now: datetime) -> None:
    with pytest.raises(UnknownScope):
        create(database, now, "orders:eat")
    assert database.look(list_keys) == []


def test_a_revoked_key_opens_nothing(database: Database, now: datetime) -> None:
    key, view = create(database, now)
    revoked = database.run(revoke_key, view.id, actor="command", now=now)
    assert revoked.revoked_at == now
    assert database.look(find_key, key) is None
    assert [each.id for each in database.look(list_keys)] == [view.id]
    with pytest.raises(UnknownKey):
        database.run(revoke_key, view.id, actor="command", now=now)


@pytest.mark.parametrize("key", ["", "amb_", "x" * 10_000, "é", "\udcff"])
def test_what_is_no_key_opens_nothing(database: Database, key: str) -> None:
    assert database.look(find_key, key) is None


def test_making_and_revoking_are_in_the_audit_log_without_the_key(database: Database, now: datetime) -> None:
    key, view = create(database, now)
    database.run(revoke_key, view.id, actor="owner:7", now=now)

    def events(session: Session) -> list[tuple[str, str, str]]:
        return [(row.actor, row.action, str(row.after)) for row in session.exec(select(AuditEvent).order_by("id"))]

    noted = database.look(events)
    assert [(actor, action) for actor, action, _ in noted] == [
        ("command", "api_key:create"),
        ("owner:7", "api_key:revoke"),
    ]
    assert not any(key in after for _, _, after in noted)
