"""Everything that the first version keeps."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.columns import Json, UtcTime
from storage.migrations.first_books import lock_the_books

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT, TIME, JSON, MINOR, COUNT, FLAG = sa.Text(), UtcTime(), Json(), sa.BigInteger(), sa.Integer(), sa.Boolean()
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Every table, the numbers, and books in which nothing is edited."""
    _make_tables_that_stand_alone()
    _make_tables_that_refer_to_others()
    lock_the_books()


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")


def _need(kind: Any, *names: str, **options: Any) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False, **options) for name in names]


def _may(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=True) for name in names]


def _key(table: str, *names: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*names, name=f"pk_{table}")


def _refers(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [target], name=f"fk_{table}_{name}")


def _unique(table: str, *names: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*names, name=f"uq_{table}_{'_'.join(names)}")


def _make_tables_that_stand_alone() -> None:
    op.create_table(
        "api_key",
        *_need(BIG, "id"),
        *_need(TEXT, "name", "key_hash", "scopes"),
        *_need(TIME, "created_at"),
        *_may(TIME, "revoked_at"),
        _key("api_key", "id"),
        _unique("api_key", "key_hash"),
    )
    op.create_table(
        "audit_event",
        *_need(BIG, "id"),
        *_need(TIME, "at"),
        *_need(TEXT, "actor", "action", "subject"),
        *_may(JSON, "before", "after"),
        _key("audit_event", "id"),
    )
    op.create_index("ix_audit_event_at", "audit_event", ["at"])
    op.create_table(
        "bot_pace",
        *_need(TEXT, "name"),
        *_need(TIME, "next_at"),
        _key("bot_pace", "name"),
    )
    op.create_table(
        "budget",
        *_need(TEXT, "month", "currency"),
        *_need(MINOR, "spent_minor"),
        _key("budget", "month", "currency"),
    )
    op.create_table(
        "counter",
        *_need(TEXT, "name"),
        *_need(BIG, "next"),
        _key("counter", "name"),
    )
    op.create_table(
        "customer",
        *_need(BIG, "id", autoincrement=False),
        *_need(TEXT, "state"),
        *_need(FLAG, "link_consent"),
        *_need(TIME, "created_at"),
        *_may(TEXT, "first_name", "nickname", "locale", "timezone"),
        *_may(FLAG, "marketing_consent"),
        *_may(TIME, "ambassador_since", "first_paid_at", "stopped_at", "paused_until"),
        _key("customer", "id"),
    )
    op.create_index("ix_customer_state", "customer", ["state"])
    op.create_table(
        "inbox",
        *_need(BIG, "id"),
        *_need(TEXT, "kind", "source", "digest", "status"),
        *_need(JSON, "headers"),
        *_need(COUNT, "attempts"),
        *_need(TIME, "received_at"),
        *_may(TEXT, "external_key", "result", "reason", "subject"),
        *_may(BIG, "chat_id"),
        *_may(sa.LargeBinary(), "body"),
        *_may(TIME, "done_at"),
        _key("inbox", "id"),
        _unique("inbox", "kind", "external_key"),
    )
    op.create_index(
        "ix_inbox_new",
        "inbox",
        ["chat_id", "id"],
        sqlite_where=sa.text("status = 'new'"),
        postgresql_where=sa.text("status = 'new'"),
    )
    op.create_index("ix_inbox_status_received_at", "inbox", ["status", "received_at"])
    op.create_table(
        "job_run",
        *_need(TEXT, "job", "period"),
        *_need(TIME, "started_at"),
        *_need(COUNT, "done", "skipped", "failed"),
        *_may(TIME, "finished_at"),
        _key("job_run", "job", "period"),
    )
    op.create_table(
        "lease",
        *_need(TEXT, "name"),
        *_need(BIG, "fence"),
        *_may(TEXT, "owner"),
        *_may(TIME, "until"),
        _key("lease", "name"),
    )
    op.create_table(
        "outbox",
        *_need(BIG, "id"),
        *_need(TEXT, "unique_key", "kind", "message_class", "status"),
        *_need(JSON, "data"),
        *_need(TIME, "as_of", "due_at", "created_at"),
        *_need(COUNT, "attempts"),
        *_may(BIG, "customer_id", "chat_id", "message_id"),
        *_may(TIME, "expires_at", "retry_at", "sent_at"),
        *_may(TEXT, "dropped_because"),
        _key("outbox", "id"),
        _unique("outbox", "unique_key"),
    )
    op.create_index("ix_outbox_chat_id_status", "outbox", ["chat_id", "status"])
    op.create_index("ix_outbox_customer_id", "outbox", ["customer_id"])
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["due_at"],
        sqlite_where=sa.text("status = 'due'"),
        postgresql_where=sa.text("status = 'due'"),
    )
    op.create_table(
        "setting",
        *_need(TEXT, "key", "value"),
        _key("setting", "key"),
    )
    op.create_table(
        "snapshot",
        *_need(TEXT, "period"),
        *_need(sa.Date(), "taken_on"),
        *_need(BIG, "customer_id"),
        *_need(COUNT, "place", "friends"),
        _key("snapshot", "period", "taken_on", "customer_id"),
    )
    op.create_table(
        "standing",
        *_need(TEXT, "period"),
        *_need(BIG, "customer_id"),
        *_need(COUNT, "friends"),
        *_need(MINOR, "revenue_minor", "bonus_minor"),
        _key("standing", "period", "customer_id"),
    )
    op.create_index("ix_standing_place", "standing", ["period", "friends", "revenue_minor"])
    op.create_table(
        "standing_count",
        *_need(TEXT, "period"),
        *_need(COUNT, "friends", "customers"),
        _key("standing_count", "period", "friends"),
    )
    op.create_table(
        "tally",
        *_need(TEXT, "key"),
        *_need(COUNT, "tries"),
        *_need(TIME, "until"),
        _key("tally", "key"),
    )
    op.create_index("ix_tally_until", "tally", ["until"])
    op.create_table(
        "terms",
        *_need(TEXT, "id"),
        *_need(JSON, "body"),
        *_need(TIME, "in_force_from"),
        _key("terms", "id"),
    )
    op.create_index("ix_terms_in_force_from", "terms", ["in_force_from"])
    op.create_table(
        "watermark",
        *_need(TEXT, "name"),
        *_need(BIG, "commit_no"),
        *_need(TIME, "at"),
        _key("watermark", "name"),
    )


def _make_tables_that_refer_to_others() -> None:
    op.create_table(
        "bonus",
        *_need(BIG, "id", autoincrement=False),
        *_need(BIG, "customer_id", "friend_id"),
        *_need(TEXT, "side", "currency", "origin", "status", "month", "sort_key", "terms_id"),
        *_need(MINOR, "amount_minor", "wanted_minor", "revenue_minor", "budget_minor"),
        *_need(FLAG, "under_review", "capped"),
        *_need(TIME, "earned_at", "available_at", "created_at", "updated_at"),
        *_need(COUNT, "postings"),
        *_need(JSON, "reasons"),
        *_may(BIG, "order_id", "referral_id"),
        *_may(TIME, "released_at"),
        _key("bonus", "id"),
        _refers("bonus", "customer_id", "customer.id"),
        _refers("bonus", "terms_id", "terms.id"),
        _unique("bonus", "customer_id", "side", "currency", "origin"),
    )
    op.create_index("ix_bonus_customer_id_month", "bonus", ["customer_id", "month"])
    op.create_index("ix_bonus_friend_id", "bonus", ["friend_id"])
    op.create_index("ix_bonus_referral_id", "bonus", ["referral_id"])
    op.create_index("ix_bonus_status_available_at", "bonus", ["status", "available_at"])
    op.create_index(
        "ix_bonus_under_review",
        "bonus",
        ["customer_id"],
        sqlite_where=sa.text("under_review"),
        postgresql_where=sa.text("under_review"),
    )
    op.create_table(
        "chat",
        *_need(BIG, "chat_id", autoincrement=False),
        *_need(FLAG, "reachable", "home_dirty"),
        *_need(TIME, "created_at"),
        *_may(BIG, "customer_id", "home_message_id"),
        *_may(TEXT, "language_code", "home_view", "lease_owner"),
        *_may(JSON, "awaiting"),
        *_may(TIME, "lease_until", "next_at", "last_seen_at"),
        _key("chat", "chat_id"),
        _refers("chat", "customer_id", "customer.id"),
    )
    op.create_index("ix_chat_customer_id", "chat", ["customer_id"])
    op.create_table(
        "code",
        *_need(BIG, "id", "customer_id"),
        *_need(TEXT, "normalised", "display", "kind"),
        *_need(FLAG, "main"),
        *_need(TIME, "created_at"),
        _key("code", "id"),
        _refers("code", "customer_id", "customer.id"),
        _unique("code", "normalised"),
    )
    op.create_index("ix_code_customer_id", "code", ["customer_id"])
    op.create_table(
        "connect_token",
        *_need(TEXT, "token_hash"),
        *_need(BIG, "customer_id"),
        *_need(TIME, "created_at", "expires_at"),
        *_may(TIME, "used_at"),
        *_may(BIG, "used_by"),
        _key("connect_token", "token_hash"),
        _refers("connect_token", "customer_id", "customer.id"),
    )
    op.create_index("ix_connect_token_customer_id", "connect_token", ["customer_id"])
    op.create_table(
        "customer_alias",
        *_need(BIG, "merged_id", autoincrement=False),
        *_need(BIG, "customer_id"),
        *_need(TIME, "at"),
        _key("customer_alias", "merged_id"),
        _refers("customer_alias", "customer_id", "customer.id"),
        _refers("customer_alias", "merged_id", "customer.id"),
    )
    op.create_index("ix_customer_alias_customer_id", "customer_alias", ["customer_id"])
    op.create_table(
        "idempotency_key",
        *_need(BIG, "id", "api_key_id"),
        *_need(TEXT, "method", "path", "value", "body_hash"),
        *_need(COUNT, "status"),
        *_need(TIME, "created_at"),
        *_may(JSON, "reply"),
        _key("idempotency_key", "id"),
        _refers("idempotency_key", "api_key_id", "api_key.id"),
        _unique("idempotency_key", "api_key_id", "method", "path", "value"),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"])
    op.create_table(
        "identity",
        *_need(BIG, "id", "customer_id"),
        *_need(TEXT, "kind", "shop", "value", "level"),
        *_need(TIME, "created_at"),
        _key("identity", "id"),
        _refers("identity", "customer_id", "customer.id"),
        _unique("identity", "kind", "shop", "value"),
    )
    op.create_index("ix_identity_customer_id", "identity", ["customer_id"])
    op.create_table(
        "phone",
        *_need(BIG, "customer_id"),
        *_need(TEXT, "value"),
        _key("phone", "customer_id", "value"),
        _refers("phone", "customer_id", "customer.id"),
    )
    op.create_table(
        "shop_order",
        *_need(BIG, "id", autoincrement=False),
        *_need(TEXT, "shop", "external_id", "status", "currency", "digest"),
        *_need(MINOR, "total_minor", "base_minor", "refunded_minor"),
        *_need(FLAG, "over_refunded", "needs_fetch", "test", "by_hand"),
        *_need(TIME, "created_at", "updated_at", "received_at"),
        *_need(JSON, "evidence", "misses", "reasons"),
        *_may(BIG, "customer_id", "email_owner_id", "ambassador_id", "referral_id"),
        *_may(TIME, "paid_at", "delivered_at", "pinned_at"),
        *_may(COUNT, "orders_count"),
        *_may(TEXT, "phone", "terms_id"),
        _key("shop_order", "id"),
        _refers("shop_order", "customer_id", "customer.id"),
        _refers("shop_order", "terms_id", "terms.id"),
        _unique("shop_order", "shop", "external_id"),
    )
    op.create_index("ix_shop_order_ambassador_id_paid_at", "shop_order", ["ambassador_id", "paid_at"])
    op.create_index("ix_shop_order_customer_id", "shop_order", ["customer_id"])
    op.create_index(
        "ix_shop_order_needs_fetch",
        "shop_order",
        ["shop"],
        sqlite_where=sa.text("needs_fetch"),
        postgresql_where=sa.text("needs_fetch"),
    )
    op.create_index("ix_shop_order_paid_at", "shop_order", ["paid_at"])
    op.create_table(
        "click",
        *_need(BIG, "id", "code_id"),
        *_need(TEXT, "token_hash", "shop"),
        *_need(TIME, "at"),
        *_may(BIG, "customer_id"),
        _key("click", "id"),
        _refers("click", "code_id", "code.id"),
        _unique("click", "token_hash"),
    )
    op.create_index("ix_click_code_id_at", "click", ["code_id", "at"])
    op.create_table(
        "posting",
        *_need(BIG, "id", autoincrement=False),
        *_need(BIG, "bonus_id", "commit_no"),
        *_need(COUNT, "n", "friends"),
        *_need(TEXT, "kind", "reason"),
        *_need(MINOR, "revenue_minor"),
        *_need(TIME, "at"),
        _key("posting", "id"),
        _refers("posting", "bonus_id", "bonus.id"),
        _unique("posting", "bonus_id", "n"),
    )
    op.create_index("ix_posting_commit_no", "posting", ["commit_no"])
    op.create_table(
        "referral",
        *_need(BIG, "id", autoincrement=False),
        *_need(BIG, "ambassador_id", "friend_id"),
        *_need(TEXT, "stage", "evidence"),
        *_need(FLAG, "standing"),
        *_need(TIME, "evidence_at", "created_at", "updated_at"),
        *_need(JSON, "reasons"),
        *_may(BIG, "code_id"),
        *_may(TIME, "invited_at", "signed_up_at", "by_hand_at"),
        *_may(TEXT, "by_hand_by"),
        _key("referral", "id"),
        _refers("referral", "ambassador_id", "customer.id"),
        _refers("referral", "code_id", "code.id"),
        _refers("referral", "friend_id", "customer.id"),
        _unique("referral", "ambassador_id", "friend_id"),
    )
    op.create_index("ix_referral_friend_id", "referral", ["friend_id"])
    op.create_index("ix_referral_signed_up_at", "referral", ["signed_up_at"])
    op.create_index(
        "uq_referral_standing",
        "referral",
        ["friend_id"],
        unique=True,
        sqlite_where=sa.text("standing"),
        postgresql_where=sa.text("standing"),
    )
    op.create_table(
        "entry",
        *_need(BIG, "id", "posting_id", "bonus_id"),
        *_need(TEXT, "account", "currency"),
        *_need(MINOR, "amount_minor"),
        *_may(BIG, "customer_id"),
        _key("entry", "id"),
        _refers("entry", "bonus_id", "bonus.id"),
        _refers("entry", "customer_id", "customer.id"),
        _refers("entry", "posting_id", "posting.id"),
    )
    op.create_index("ix_entry_bonus_id", "entry", ["bonus_id"])
    op.create_index("ix_entry_customer_id_currency_account", "entry", ["customer_id", "currency", "account"])
    op.create_index("ix_entry_posting_id", "entry", ["posting_id"])
