"""Every table at once, for the migrations and the tests."""

from __future__ import annotations

from sqlmodel import SQLModel

from storage import (
    auditlog,
    cases,
    codes,
    contacts,
    credit,
    customers,
    imports,
    installation,
    leases,
    ledger,
    mailbox,
    orders,
    pool,
    privacy,
    references,
    referrals,
    standings,
    subscribers,
    surveys,
    tallies,
    vouchers,
)

MODULES = (
    auditlog, cases, codes, contacts, credit, customers, imports, installation, leases, ledger, mailbox, orders,
    pool, privacy, references, referrals, standings, subscribers, surveys, tallies, vouchers,
)  # fmt: skip
metadata = SQLModel.metadata
