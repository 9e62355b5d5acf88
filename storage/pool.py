"""Codes that an owner made in the shop, each waiting to become somebody's voucher."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, Minor, UtcTime


class PoolCode(SQLModel, table=True):
    """A code of the shop that is worth so much there. It is as good as money."""

    __tablename__ = "pool_code"
    __table_args__ = (
        UniqueConstraint("key"),
        UniqueConstraint("voucher_id"),  # nobody gets what somebody has
        Index(
            "ix_pool_code_free",
            "currency",
            "amount_minor",
            sqlite_where=text("voucher_id IS NULL"),
            postgresql_where=text("voucher_id IS NULL"),
        ),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigId)  # made by the database
    key: str = Field(sa_type=Text)  # as it is compared: capitals and digits; the voucher's code
    code: str = Field(sa_type=Text)  # as the shop wants it typed
    amount_minor: int = Field(sa_type=Minor)
    currency: str = Field(sa_type=Text)
    expires_at: datetime | None = Field(default=None, sa_type=UtcTime)  # None: the shop takes it for ever
    loaded_at: datetime = Field(sa_type=UtcTime)
    voucher_id: int | None = Field(default=None, foreign_key="voucher.id", sa_type=BigId)  # whose it is
