"""What the first revision adds to the tables: numbers in blocks, and books in which nothing is edited."""

from __future__ import annotations

from alembic import op

# Numbers that the application makes; "commit" is the order of commits under the books lock.
NUMBERS = ("customer", "order", "referral", "bonus", "posting", "commit")
APPEND_ONLY = ("posting", "entry")
# Two callers at once get two blocks: the lock lasts for the call, not for the transaction.
TAKE_IDS = """
CREATE FUNCTION take_ids(name text, size bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE first bigint;
BEGIN
    PERFORM pg_advisory_lock(7102036);
    first := nextval('id_' || name);
    PERFORM setval('id_' || name, first + size - 1);
    PERFORM pg_advisory_unlock(7102036);
    RETURN first;
END $$
"""
REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def lock_the_books() -> None:
    """Postings and entries refuse UPDATE and DELETE; PostgreSQL has a sequence for each kind of number."""
    if op.get_bind().dialect.name == "sqlite":
        _make_triggers_of_sqlite()
    else:
        _make_numbers_of_postgresql()
        _make_triggers_of_postgresql()


def _make_triggers_of_sqlite() -> None:
    for table in APPEND_ONLY:
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _make_triggers_of_postgresql() -> None:
    op.execute(REFUSE_CHANGE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _make_numbers_of_postgresql() -> None:
    for name in NUMBERS:
        op.execute(f'CREATE SEQUENCE "id_{name}"')
    op.execute(TAKE_IDS)
