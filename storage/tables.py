"""Every table at once, for the migrations and the tests."""

from __future__ import annotations

from sqlmodel import SQLModel

from storage import (
    auditlog,
    codes,
    customers,
    installation,
    leases,
    ledger,
    mailbox,
    orders,
    referrals,
    standings,
    tallies,
)

MODULES = (auditlog, codes, customers, installation, leases, ledger, mailbox, orders, referrals, standings, tallies)
metadata = SQLModel.metadata
