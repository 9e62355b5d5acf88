"""How often something was tried in a stretch of time; durable, so that a restart forgives nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from storage.columns import UtcTime


class Tally(SQLModel, table=True):
    """So many tries of one kind by one subject, until its stretch ends."""

    __tablename__ = "tally"

    key: str = Field(primary_key=True, sa_type=Text)  # connect:chat:<chat id>, connect:email:<fingerprint>, connect:all
    tries: int = Field(default=0)
    until: datetime = Field(sa_type=UtcTime, index=True)  # the machine's clock; afterwards the count starts anew
