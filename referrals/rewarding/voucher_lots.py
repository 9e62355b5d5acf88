"""The arithmetic of vouchers: which lots make one, what an order takes of them, what goes back. Pure.

Lots are lists of ``Part``, in the order in which they expire; every function keeps that order. What it returns are the
moves of each lot between the customer's accounts, which sum to zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from storage.ledger import AVAILABLE, DEBT, REDEEMED, RESERVED

Moves = dict[int, tuple[tuple[str, int], ...]]  # by lot: account, amount


@dataclass(frozen=True, slots=True)
class Part:
    """So much of one lot, in minor units."""

    bonus_id: int
    minor: int


def total(parts: Iterable[Part]) -> int:
    """What they are worth together."""
    return sum(part.minor for part in parts)


def split(parts: Sequence[Part], amount_minor: int) -> tuple[list[Part], list[Part]]:
    """The amount out of the parts that expire first, as far as it goes, and the rest."""
    taken, rest = [], []
    for part in parts:
        here = min(part.minor, amount_minor)
        amount_minor -= here
        taken.append(Part(part.bonus_id, here))
        rest.append(Part(part.bonus_id, part.minor - here))
    return [part for part in taken if part.minor], [part for part in rest if part.minor]


def moves(parts: Iterable[Part], source: str, target: str) -> Moves:
    """These parts leave one account for the other."""
    return {part.bonus_id: ((source, -part.minor), (target, part.minor)) for part in parts}


def redeem(parts: Sequence[Part], amount_minor: int, *, keep_rest: bool) -> Moves:
    """An order takes the amount out of what a voucher holds; the rest is credit again, or stays in the voucher."""
    taken, rest = split(parts, amount_minor)
    return _joined(moves(taken, RESERVED, REDEEMED), {} if keep_rest else moves(rest, RESERVED, AVAILABLE))


@dataclass(frozen=True, slots=True)
class Undo:
    """What is known of each lot when a redemption is undone, in minor units."""

    redeemed: Mapping[int, int]  # what the order took
    returned: Mapping[int, int]  # what went back to the credit when it did
    available: Mapping[int, int]  # what is credit now
    owed: Mapping[int, int]  # what the lot is short of: taken back by its friend's refund after it was spent
    debt_minor: int  # what the customer owes in all


def undo(known: Undo, *, stands: bool) -> Moves:
    """Everything lies where it lay before: in the voucher, or, where that ``stands`` no more, among the credit.

    A lot that was taken back meanwhile pays what it is short of first. Of the rest that had become credit the voucher
    gets what is still there.
    """
    found: list[Moves] = []
    debt, target = known.debt_minor, RESERVED if stands else AVAILABLE
    for bonus_id, minor in sorted(known.redeemed.items()):
        pays = min(minor, debt, known.owed.get(bonus_id, 0))
        debt -= pays
        found.append({bonus_id: ((REDEEMED, -minor), (DEBT, pays), (target, minor - pays))})
    back = [Part(lot, min(minor, known.available.get(lot, 0))) for lot, minor in known.returned.items()]
    return _joined(*found, moves(back, AVAILABLE, RESERVED) if stands else {})


def moved(found: Moves, account: str) -> int:
    """How much the account holds more after these moves."""
    return sum(amount for each in found.values() for name, amount in each if name == account)


def _joined(*several: Moves) -> Moves:
    """One set of moves a lot; what cancels out, or is nothing, is left out."""
    sums: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for each in several:
        for bonus_id, pairs in each.items():
            for account, amount in pairs:
                sums[bonus_id][account] += amount
    kept = {lot: tuple((name, minor) for name, minor in sides.items() if minor) for lot, sides in sums.items()}
    return {lot: pairs for lot, pairs in kept.items() if pairs}
