"""``goodwill``: a bonus that the rules refuse, given by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlmodel import select

from referrals import money
from referrals.commands.opening import Misuse
from referrals.commands.output import print_json, print_line
from referrals.errors import UnknownCustomer, UnknownOrder
from referrals.reviewing.goodwill import give_goodwill
from storage.orders import Order

if TYPE_CHECKING:
    from sqlmodel import Session

    from referrals.commands.opening import Opened

ACTOR = "command"


def give(
    opened: Opened, customer: str, *, order: str, shop: str | None, amount: str | None, why: str, as_json: bool
) -> None:
    """The ambassador of this number has the credit; its number is printed. Raises: Misuse, ProgrammeError."""
    programme = opened.programme
    customer_id = programme.identifier("customer", customer)
    if customer_id is None:
        raise UnknownCustomer
    amount_minor = _amount(amount, programme.currency)
    if shop is not None and opened.config.shop(shop) is None:
        raise Misuse(f"--shop is {shop!r}, and there is no such [[shops]].")
    if not why.strip():
        raise Misuse("--why is empty: it is what the log says of it.")
    order_id = opened.database.look(_order, shop or opened.config.shops[0].name, order)
    bonus_id = opened.database.run(
        give_goodwill,
        customer_id,
        order_id=order_id,
        why=why,
        actor=ACTOR,
        programme=programme,
        now=opened.now,
        amount_minor=amount_minor,
    )
    number = programme.number("bonus", bonus_id)
    if as_json:
        print_json({"bonus": number})
    else:
        print_line(f"bonus {number} is the ambassador's credit")


def _amount(text: str | None, currency: str) -> int | None:
    if text is None:
        return None
    try:
        minor = money.minor(text, currency)
    except money.NotAnAmount:
        minor = 0
    if minor <= 0:
        raise Misuse(f"--amount is no amount of money: {text!r}; 15.00 is one.")
    return minor


def _order(session: Session, shop: str, external_id: str) -> int:
    found = session.exec(select(Order.id).where(Order.shop == shop, Order.external_id == external_id)).first()
    if found is None:
        raise UnknownOrder
    return found
