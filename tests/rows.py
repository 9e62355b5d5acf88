"""Looking into the tables from a test."""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect
from sqlmodel import Session, SQLModel, select

from storage.database import Database


def rows_of(database: Database, table: type[SQLModel]) -> list[dict[str, Any]]:
    """Every row of a table, as plain data, in the order of its key: PostgreSQL keeps none of its own."""
    return database.look(_rows, table)


def _rows(session: Session, table: type[SQLModel]) -> list[dict[str, Any]]:
    return [row.model_dump() for row in session.exec(select(table).order_by(*inspect(table).primary_key)).all()]
