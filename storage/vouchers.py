"""Vouchers: credit in the form of a code, what became of each, and which postings are theirs."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, Minor, UtcTime

STANDING, REDEEMED, VOID, EXPIRED = "standing", "redeemed", "void", "expired"
ROLLED_BACK = "rolled_back"
OWN, POOL, SHOP = "own", "pool", "shop"  # whose codes they are
WANTED, MADE, ENDING, WITHDRAWN, FAILED = "wanted", "made", "ending", "withdrawn", "failed"  # of a coupon
NEVER = datetime(9999, 12, 31, tzinfo=UTC)  # a code of the shop that has no end
CREDIT, GIFT = "credit", "gift"  # purposes
FIXED, PERCENT, PIECE = "fixed", "percent", "gift"  # kinds
BY_ORDER, BY_SHOP = "order", "shop"  # whose word ended a redemption


class Voucher(SQLModel, table=True):
    """A customer's credit as a code. What it is worth now, ``left_minor``, lies in their account ``reserved``.

    A friend's gift is one too (purpose ``gift``): no credit lies in it, its cost is booked when an order uses it.
    """

    __tablename__ = "voucher"
    __table_args__ = (
        UniqueConstraint("code"),
        Index("ix_voucher_customer_id", "customer_id"),
        Index("uq_voucher_gift_for", "gift_for", unique=True),
        Index("ix_voucher_sku", "sku", sqlite_where=text("sku IS NOT NULL"), postgresql_where=text("sku IS NOT NULL")),
        Index(
            "ix_voucher_standing",
            "expires_at",
            sqlite_where=text("status = 'standing'"),
            postgresql_where=text("status = 'standing'"),
        ),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigId)  # made by the database
    code: str = Field(sa_type=Text)  # as it is compared: capitals and digits; it is as good as money
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigId)
    currency: str = Field(sa_type=Text)
    amount_minor: int = Field(sa_type=Minor)  # what it was made for
    left_minor: int = Field(sa_type=Minor)  # what it is worth now; nought unless it stands
    status: str = Field(sa_type=Text)  # standing, redeemed, void, expired
    created_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)  # since when it stands no longer
    source: str = Field(default=OWN, sa_type=Text)  # own, pool, or shop: made there by us
    shop_code: str | None = Field(default=None, sa_type=Text)  # the shop's own code, as it wants it typed
    purpose: str = Field(default=CREDIT, sa_type=Text)  # credit, or a friend's gift
    kind: str = Field(default=FIXED, sa_type=Text)  # fixed; of gifts also percent, and gift: a piece of goods
    share_basis_points: int | None = Field(default=None)  # percent; ``amount_minor`` is then the most that it takes off
    sku: str | None = Field(default=None, sa_type=Text)  # of a piece
    min_order_minor: int = Field(default=0, sa_type=Minor)
    referral_id: int | None = Field(default=None, sa_type=BigId)  # the pair that it was made for
    gift_for: int | None = Field(default=None, sa_type=BigId)  # the friend, who never gets another


class Redemption(SQLModel, table=True):
    """What one order took of a voucher; said again it is the same one."""

    __tablename__ = "redemption"
    __table_args__ = (
        UniqueConstraint("voucher_id", "shop", "order_ref"),
        Index("ix_redemption_shop_order_ref", "shop", "order_ref"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigId)  # made by the database
    voucher_id: int = Field(foreign_key="voucher.id", sa_type=BigId)
    shop: str = Field(sa_type=Text)
    order_ref: str = Field(sa_type=Text)  # the shop's id of the order, which may reach us later or never
    status: str = Field(sa_type=Text)  # redeemed, rolled_back
    amount_minor: int = Field(sa_type=Minor)  # what the order took
    returned_minor: int = Field(sa_type=Minor)  # the rest that went back to the credit
    first_posting_id: int = Field(sa_type=BigId)  # of the last time it was redeemed
    redeemed_at: datetime = Field(sa_type=UtcTime)
    rolled_back_at: datetime | None = Field(default=None, sa_type=UtcTime)
    ended_by: str | None = Field(default=None, sa_type=Text)  # rolled back by the shop's call, or by the order's state


class VoucherPosting(SQLModel, table=True):
    """A posting that moved credit into a voucher, out of it or back. Append-only, like the posting."""

    __tablename__ = "voucher_posting"
    __table_args__ = (Index("ix_voucher_posting_voucher_id", "voucher_id"),)

    posting_id: int = Field(primary_key=True, foreign_key="posting.id", sa_type=BigId)
    voucher_id: int = Field(foreign_key="voucher.id", sa_type=BigId)
    redemption_id: int | None = Field(default=None, foreign_key="redemption.id", sa_type=BigId)


class ShopCoupon(SQLModel, table=True):
    """A voucher as the shop is to know it, and how far that has come."""

    __tablename__ = "shop_coupon"
    __table_args__ = (
        Index(
            "ix_shop_coupon_next_at",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
    )

    voucher_id: int = Field(primary_key=True, foreign_key="voucher.id", sa_type=BigId)
    shop: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)  # wanted, made, ending, withdrawn, failed
    ends_as: str = Field(default=VOID, sa_type=Text)  # what the voucher is once the shop has forgotten it
    external_id: str | None = Field(default=None, sa_type=Text)  # the shop's own
    attempts: int = Field(default=0)  # that failed, one after another
    next_at: datetime | None = Field(default=None, sa_type=UtcTime)  # when the shop is asked; None: never again
    error: str | None = Field(default=None, sa_type=Text)  # why it failed last; nobody's data
