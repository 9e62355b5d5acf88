"""Files that are imported: how far each has come, so that an import goes on where it was cut off."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.columns import BigId, UtcTime


class ImportRun(SQLModel, table=True):
    """One file, known by its content; position and counts are committed together with the rows before them."""

    __tablename__ = "import_run"
    __table_args__ = (UniqueConstraint("kind", "shop", "digest"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    kind: str = Field(sa_type=Text)  # orders, customers, referrals
    shop: str = Field(sa_type=Text)  # whose rows they are where a row does not say
    digest: str = Field(sa_type=Text)  # SHA-256 of the file, hex
    position: int = Field(default=0, sa_type=BigId)  # bytes that are done; at the beginning of a row
    line: int = Field(default=0)  # lines that are done
    applied: int = Field(default=0)  # rows that changed something
    unchanged: int = Field(default=0)
    refused: int = Field(default=0)
    started_at: datetime = Field(sa_type=UtcTime)
    updated_at: datetime = Field(sa_type=UtcTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcTime)
