"""What the plays' queries have in common: somebody with a chat, about whom this play has said nothing yet.

A play makes its statements once, with ``SINCE``, ``UNTIL`` and ``MOST`` in them: making one costs more than running it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, String, bindparam, cast, literal, literal_column, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from storage.columns import UtcTime
from storage.contacts import Contact
from storage.customers import CustomerAlias
from storage.mailbox import Chat
from storage.orders import Order

SINCE, UNTIL = bindparam("since", type_=UtcTime()), bindparam("until", type_=UtcTime())
MOST = bindparam("most", type_=Integer())
JUST = timedelta(microseconds=1)  # what a page begins before its cause by: of one cause there may be more


def has_chat(customer_id: Any) -> ColumnElement[bool]:
    """They have written to us, so there is somebody to speak to; a chat that blocked us is one, with its reason."""
    return there_is(col(Chat.customer_id) == customer_id, col(Chat.last_seen_at).is_not(None))


def unheard(play: str, subject: Any) -> ColumnElement[bool]:
    """No contact of this play is about this subject; ``subject`` is SQL that makes its text."""
    return ~there_is(col(Contact.key) == literal(f"{play}:").concat(subject))


def unheard_before(play: str, customer_id: Any, subject: Callable[[Any], ColumnElement[str]]) -> ColumnElement[bool]:
    """Nor is one about the same of somebody who was merged into them; ``subject`` makes its text of a number."""
    alias: Any = aliased(CustomerAlias)
    said = literal(f"{play}:").concat(subject(alias.merged_id))
    return ~there_is(alias.customer_id == customer_id, col(Contact.key) == said)


def there_is(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Some row is like this; it asks for no column, so that an index alone may answer."""
    return select(literal_column("1")).where(*conditions).exists()


def named(kind: str, identifier: Any) -> ColumnElement[str]:
    """The subject ``kind:id`` in SQL."""
    return literal(f"{kind}:").concat(cast(identifier, String))


def kept(order: Any = Order) -> tuple[ColumnElement[bool], ...]:
    """What makes an order one that was paid and kept (rules 2), as conditions."""
    return (
        ~order.test,
        order.status.in_(("paid", "completed")),
        order.base_minor > 0,
        order.refunded_minor < order.total_minor,
    )
