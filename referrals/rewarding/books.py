"""The audit: everything is added again, and the first row that is off is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlmodel import Session


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that is off, and what is wrong with it."""

    check: str
    row: str
    found: str


# Each check is one query that returns the rows that are off: a name and what was found.
CHECKS = {
    "a posting sums to zero in one currency": """
        SELECT 'posting ' || posting_id, 'sum ' || sum(amount_minor) || ', currencies ' || count(DISTINCT currency)
        FROM entry GROUP BY posting_id
        HAVING sum(amount_minor) <> 0 OR count(DISTINCT currency) <> 1 ORDER BY posting_id LIMIT 1""",
    "a posting has entries": """
        SELECT 'posting ' || id, 'no entries' FROM posting
        WHERE friends = 0 AND revenue_minor = 0
              AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.posting_id = posting.id)
        ORDER BY id LIMIT 1""",
    "an entry's lot is its posting's": """
        SELECT 'entry ' || entry.id, 'lot ' || entry.bonus_id || ', posting of lot ' || posting.bonus_id
        FROM entry JOIN posting ON posting.id = entry.posting_id
        WHERE posting.bonus_id <> entry.bonus_id ORDER BY entry.id LIMIT 1""",
    "a bonus is the sum of its postings": """
        SELECT 'bonus ' || bonus.id,
               'amount ' || bonus.amount_minor || ', booked ' || coalesce(-sum(entry.amount_minor), 0)
        FROM bonus LEFT JOIN entry ON entry.bonus_id = bonus.id AND entry.account IN ('cost', 'goodwill')
        GROUP BY bonus.id, bonus.amount_minor
        HAVING bonus.amount_minor <> coalesce(-sum(entry.amount_minor), 0) ORDER BY bonus.id LIMIT 1""",
    "a bonus lies where its status says": """
        SELECT 'bonus ' || bonus.id, 'status ' || bonus.status || ', held ' || coalesce(sum(entry.amount_minor), 0)
        FROM bonus LEFT JOIN entry ON entry.bonus_id = bonus.id AND entry.account = 'held'
        GROUP BY bonus.id, bonus.status, bonus.amount_minor
        HAVING coalesce(sum(entry.amount_minor), 0)
               <> CASE WHEN bonus.status = 'held' THEN bonus.amount_minor ELSE 0 END
        ORDER BY bonus.id LIMIT 1""",
    "the numbers of a bonus' postings have no gap": """
        SELECT 'bonus ' || bonus.id, 'postings ' || bonus.postings || ', found ' || count(posting.id)
        FROM bonus LEFT JOIN posting ON posting.bonus_id = bonus.id
        GROUP BY bonus.id, bonus.postings HAVING bonus.postings <> count(posting.id) ORDER BY bonus.id LIMIT 1""",
    "no account but debt is below zero": """
        SELECT 'customer ' || customer_id, account || ' ' || sum(amount_minor) || ' ' || currency
        FROM entry WHERE customer_id IS NOT NULL AND account <> 'debt'
        GROUP BY customer_id, account, currency HAVING sum(amount_minor) < 0 ORDER BY customer_id LIMIT 1""",
    "nobody's debt is a credit": """
        SELECT 'customer ' || customer_id, 'debt ' || sum(amount_minor) || ' ' || currency
        FROM entry WHERE account = 'debt'
        GROUP BY customer_id, currency HAVING sum(amount_minor) > 0 ORDER BY customer_id LIMIT 1""",
    "a bonus is of its order": """
        SELECT 'bonus ' || bonus.id,
               'order ' || bonus.order_id || ' is of friend ' || coalesce(shop_order.customer_id, 0)
        FROM bonus JOIN shop_order ON shop_order.id = bonus.order_id
        WHERE bonus.amount_minor > 0 AND (shop_order.customer_id IS NULL OR shop_order.customer_id <> bonus.friend_id
              OR shop_order.ambassador_id IS NULL OR shop_order.ambassador_id <> bonus.customer_id)
        ORDER BY bonus.id LIMIT 1""",
    "nobody earns by an order of their own": """
        SELECT 'bonus ' || id, 'customer ' || customer_id FROM bonus
        WHERE amount_minor > 0 AND side = 'ambassador' AND customer_id = friend_id ORDER BY id LIMIT 1""",
    "an order earns one ambassador": """
        SELECT 'order ' || order_id, count(*) || ' bonuses' FROM bonus
        WHERE amount_minor > 0 AND order_id IS NOT NULL AND side = 'ambassador'
        GROUP BY order_id HAVING count(*) > 1 ORDER BY order_id LIMIT 1""",
    "a friend has one ambassador": """
        SELECT 'friend ' || friend_id, count(DISTINCT customer_id) || ' ambassadors' FROM bonus
        WHERE amount_minor > 0 AND side = 'ambassador' AND friend_id IS NOT NULL
        GROUP BY friend_id HAVING count(DISTINCT customer_id) > 1 ORDER BY friend_id LIMIT 1""",
    "a milestone has its friends": """
        SELECT 'bonus ' || id, origin || ', friends ' || friends FROM (
            SELECT bonus.id AS id, bonus.origin AS origin, bonus.amount_minor AS amount_minor,
                   (SELECT count(DISTINCT brought.friend_id) FROM bonus AS brought
                    WHERE brought.customer_id = bonus.customer_id AND brought.side = 'ambassador'
                          AND brought.status = 'available' AND brought.amount_minor > 0) AS friends,
                   CASE WHEN bonus.origin LIKE 'milestone:%' AND bonus.origin NOT LIKE '%#%'
                        THEN CAST(substr(bonus.origin, 11) AS INTEGER) END AS wanted
            FROM bonus WHERE bonus.friend_id IS NULL AND bonus.origin LIKE 'milestone:%') AS reached
        WHERE amount_minor > 0 AND (wanted IS NULL OR friends < wanted) ORDER BY id LIMIT 1""",
    "goodwill is paid from goodwill, and nothing else is": """
        SELECT 'bonus ' || bonus.id, 'side ' || bonus.side || ', account ' || entry.account
        FROM entry JOIN bonus ON bonus.id = entry.bonus_id
        WHERE entry.customer_id IS NULL AND (bonus.side = 'goodwill') <> (entry.account = 'goodwill')
        ORDER BY bonus.id LIMIT 1""",
    "no more was given than the budget counts": """
        SELECT 'budget ' || month, 'spent ' || spent_minor || ', given ' || given FROM (
            SELECT budget.month AS month, budget.spent_minor AS spent_minor, sum(bonus.budget_minor) AS given
            FROM budget JOIN bonus ON bonus.month = budget.month AND bonus.currency = budget.currency
            GROUP BY budget.month, budget.currency, budget.spent_minor) AS used
        WHERE given <> spent_minor ORDER BY month LIMIT 1""",
    "a voucher is worth what its postings put into it": """
        SELECT 'voucher ' || voucher.id, 'worth ' || left_minor || ', booked ' || coalesce(sum(entry.amount_minor), 0)
        FROM voucher LEFT JOIN voucher_posting ON voucher_posting.voucher_id = voucher.id
             LEFT JOIN entry ON entry.posting_id = voucher_posting.posting_id AND entry.account = 'reserved'
        GROUP BY voucher.id, left_minor HAVING left_minor <> coalesce(sum(entry.amount_minor), 0)
        ORDER BY voucher.id LIMIT 1""",
    "a voucher is worth something while it stands": """
        SELECT 'voucher ' || id, status || ', worth ' || left_minor FROM voucher
        WHERE (status = 'standing' AND purpose = 'credit') <> (left_minor > 0) OR left_minor < 0 ORDER BY id LIMIT 1""",
    "what is reserved lies in standing vouchers": """
        SELECT 'customer ' || customer_id, 'reserved less vouchers ' || sum(minor) || ' ' || currency FROM (
            SELECT customer_id, currency, amount_minor AS minor FROM entry
            WHERE customer_id IS NOT NULL AND account = 'reserved'
            UNION ALL SELECT customer_id, currency, -left_minor FROM voucher) AS lying
        GROUP BY customer_id, currency HAVING sum(minor) <> 0 ORDER BY customer_id LIMIT 1""",
    "what is redeemed was taken by an order": """
        SELECT 'customer ' || customer_id, 'redeemed less orders ' || sum(minor) || ' ' || currency FROM (
            SELECT customer_id, currency, amount_minor AS minor FROM entry
            WHERE customer_id IS NOT NULL AND account = 'redeemed'
            UNION ALL SELECT voucher.customer_id, voucher.currency, -redemption.amount_minor
            FROM redemption JOIN voucher ON voucher.id = redemption.voucher_id
            WHERE redemption.status = 'redeemed') AS taken
        GROUP BY customer_id, currency HAVING sum(minor) <> 0 ORDER BY customer_id LIMIT 1""",
    "a used gift costs what its order took": """
        SELECT 'voucher ' || voucher.id,
               'taken ' || coalesce(sum(redemption.amount_minor), 0) || ', booked ' ||
               coalesce(max(bonus.amount_minor), 0)
        FROM voucher LEFT JOIN redemption ON redemption.voucher_id = voucher.id AND redemption.status = 'redeemed'
             LEFT JOIN bonus ON bonus.side = 'friend' AND bonus.origin = 'gift:' || voucher.id
        WHERE voucher.purpose = 'gift' GROUP BY voucher.id
        HAVING coalesce(sum(redemption.amount_minor), 0) <> coalesce(max(bonus.amount_minor), 0)
               OR count(redemption.id) > 1
        ORDER BY voucher.id LIMIT 1""",
    "a redemption is the sum of its postings": """
        SELECT 'redemption ' || redemption.id,
               status || ' ' || redemption.amount_minor || ', booked ' || coalesce(sum(entry.amount_minor), 0)
        FROM redemption LEFT JOIN voucher_posting ON voucher_posting.voucher_id = redemption.voucher_id
                                                  AND voucher_posting.redemption_id = redemption.id
             LEFT JOIN entry ON entry.posting_id = voucher_posting.posting_id AND entry.account = 'redeemed'
        GROUP BY redemption.id, redemption.status, redemption.amount_minor
        HAVING coalesce(sum(entry.amount_minor), 0)
               <> CASE WHEN redemption.status = 'redeemed' THEN redemption.amount_minor ELSE 0 END
        ORDER BY redemption.id LIMIT 1""",
    "no lot lies in vouchers or orders that hold less of it": """
        SELECT 'bonus ' || bonus_id, account || ' ' || sum(amount_minor) FROM entry
        WHERE customer_id IS NOT NULL AND account IN ('reserved', 'redeemed')
        GROUP BY bonus_id, account HAVING sum(amount_minor) < 0 ORDER BY bonus_id LIMIT 1""",
}


def audit(session: Session) -> list[Fault]:
    """Every check that finds a row that is off, with the first such row; empty when the books balance."""
    faults = []
    for check, query in CHECKS.items():
        row = session.connection().execute(text(query)).first()
        if row is not None:
            faults.append(Fault(check, str(row[0]), str(row[1])))
    return faults
