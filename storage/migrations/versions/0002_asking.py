"""The second half: scores, cases, what is said unasked, and references."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.columns import Json, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT, TIME, JSON, COUNT, FLAG = sa.Text(), UtcTime(), Json(), sa.Integer(), sa.Boolean()
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")


def _need(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _may(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=True) for name in names]


def upgrade() -> None:
    """The tables of asking, and the indexes by which it finds whom to ask."""
    op.create_table(
        "survey",
        *_need(BIG, "id", "customer_id"),
        *_need(TEXT, "kind", "subject"),
        *_need(TIME, "created_at"),
        *_may(COUNT, "score"),
        *_may(TIME, "scored_at", "changed_at", "skipped_at", "why_at"),
        *_may(TEXT, "why"),
        sa.PrimaryKeyConstraint("id", name="pk_survey"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_survey_customer_id"),
        sa.UniqueConstraint("kind", "subject", name="uq_survey_kind_subject"),
    )
    op.create_table(
        "case_file",
        *_need(BIG, "id", "customer_id"),
        *_need(TEXT, "kind", "status"),
        *_need(TIME, "opened_at", "promised_at"),
        *_need(COUNT, "alarms"),
        *_may(BIG, "survey_id", "taken_by", "solved_by"),
        *_may(TIME, "answered_at", "waiting_since", "taken_at", "solved_at"),
        sa.PrimaryKeyConstraint("id", name="pk_case_file"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_case_file_customer_id"),
        sa.ForeignKeyConstraint(["survey_id"], ["survey.id"], name="fk_case_file_survey_id"),
        sa.UniqueConstraint("survey_id", name="uq_case_file_survey_id"),
    )
    op.create_table(
        "case_message",
        *_need(BIG, "id", "case_id"),
        *_need(TEXT, "said_by", "text"),
        *_need(TIME, "at"),
        *_may(BIG, "telegram_id"),
        sa.PrimaryKeyConstraint("id", name="pk_case_message"),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_case_message_case_id"),
    )
    op.create_table(
        "contact",
        *_need(BIG, "id", "customer_id"),
        *_need(TEXT, "key", "play", "kind", "status"),
        *_need(TIME, "cause_at", "planned_at", "expires_at"),
        *_may(TEXT, "reason"),
        *_may(TIME, "sent_at", "judged_at", "reacted_at"),
        sa.PrimaryKeyConstraint("id", name="pk_contact"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_contact_customer_id"),
        sa.UniqueConstraint("key", name="uq_contact_key"),
    )
    op.create_table(
        "wishes",
        *_need(BIG, "customer_id"),
        *_need(FLAG, "tips", "scores", "portfolio"),
        *_need(TIME, "updated_at"),
        *_may(TEXT, "quiet_from", "quiet_until"),
        sa.PrimaryKeyConstraint("customer_id", name="pk_wishes"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_wishes_customer_id"),
    )
    op.create_table(
        "reference",
        *_need(BIG, "id", "customer_id"),
        *_need(TEXT, "status", "name_shown"),
        *_need(JSON, "answers", "uses"),
        *_need(COUNT, "version"),
        *_need(FLAG, "rewarded"),
        *_need(TIME, "created_at", "updated_at"),
        *_may(TEXT, "original", "text", "text_hash", "name", "town", "locale", "contact_key", "owner_approved_hash"),
        *_may(TIME, "rest_until", "invited_at", "snoozed_until", "owner_approved_at", "published_at", "expires_at"),
        *_may(TIME, "nominated_at", "withdrawn_at"),
        *_may(COUNT, "since"),
        *_may(BIG, "owner_approved_by"),
        sa.PrimaryKeyConstraint("id", name="pk_reference"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_reference_customer_id"),
    )
    op.create_table(
        "consent",
        *_need(BIG, "id", "reference_id", "customer_id", "chat_id"),
        *_need(COUNT, "n"),
        *_need(TEXT, "text_hash", "wording"),
        *_need(JSON, "uses"),
        *_need(TIME, "given_at"),
        *_may(TIME, "withdrawn_at"),
        sa.PrimaryKeyConstraint("id", name="pk_consent"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_consent_customer_id"),
        sa.ForeignKeyConstraint(["reference_id"], ["reference.id"], name="fk_consent_reference_id"),
        sa.UniqueConstraint("reference_id", "n", name="uq_consent_reference_id_n"),
    )
    op.create_index("ix_survey_customer_id", "survey", ["customer_id"])
    op.create_index("ix_survey_scored_at", "survey", ["scored_at"])
    op.create_index("ix_case_file_customer_id", "case_file", ["customer_id"])
    op.create_index(
        "ix_case_file_unsolved",
        "case_file",
        ["promised_at"],
        sqlite_where=sa.text("solved_at IS NULL"),
        postgresql_where=sa.text("solved_at IS NULL"),
    )
    op.create_index("ix_case_message_case_id", "case_message", ["case_id"])
    op.create_index("ix_contact_customer_id_sent_at", "contact", ["customer_id", "sent_at"])
    op.create_index("ix_contact_play_planned_at", "contact", ["play", "planned_at"])
    op.create_index(
        "ix_wishes_no_tips",
        "wishes",
        ["customer_id"],
        sqlite_where=sa.text("NOT tips"),
        postgresql_where=sa.text("NOT tips"),
    )
    op.create_index("ix_reference_customer_id", "reference", ["customer_id"])
    op.create_index("ix_reference_status_published_at", "reference", ["status", "published_at"])
    op.create_index(
        "ix_reference_rest_until",
        "reference",
        ["rest_until"],
        sqlite_where=sa.text("rest_until IS NOT NULL"),
        postgresql_where=sa.text("rest_until IS NOT NULL"),
    )
    op.create_index("ix_consent_customer_id", "consent", ["customer_id"])
    op.create_index("ix_outbox_chat_id_message_id", "outbox", ["chat_id", "message_id"])
    op.create_index("ix_code_created_at", "code", ["created_at"])
    op.create_index(
        "ix_shop_order_delivered_at",
        "shop_order",
        ["delivered_at"],
        sqlite_where=sa.text("delivered_at IS NOT NULL"),
        postgresql_where=sa.text("delivered_at IS NOT NULL"),
    )
    op.create_index(
        "ix_customer_ambassadors",
        "customer",
        ["first_paid_at"],
        sqlite_where=sa.text("ambassador_since IS NOT NULL"),
        postgresql_where=sa.text("ambassador_since IS NOT NULL"),
    )
    op.create_index(
        "ix_customer_first_paid_at",
        "customer",
        ["first_paid_at"],
        sqlite_where=sa.text("first_paid_at IS NOT NULL"),
        postgresql_where=sa.text("first_paid_at IS NOT NULL"),
    )
    op.create_index(
        "ix_chat_heard_from",
        "chat",
        ["customer_id"],
        sqlite_where=sa.text("last_seen_at IS NOT NULL"),
        postgresql_where=sa.text("last_seen_at IS NOT NULL"),
    )
