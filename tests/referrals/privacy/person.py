"""Anna with everything that the programme can keep of somebody, in unique strings; and a look for them everywhere."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, SQLModel

from bot.inbox import incoming, store_updates
from referrals.asking.cases import Colleague, open_case, staff_says
from referrals.asking.wishes import set_wish
from referrals.people.customers import meet, set_nickname
from referrals.people.persons import set_state
from referrals.people.tokens import make_connect_token
from referrals.people.tries import Limit, count_try
from referrals.recruiting.connect import connect_by_token
from referrals.recruiting.events import HOOK, Delivery, apply_deliveries
from referrals.recruiting.shops import Buyer, Nonsense, standard
from storage.bulk import insert_rows
from storage.cases import QUESTION
from storage.database import Database
from storage.installation import ApiKey, IdempotencyKey
from storage.mailbox import Outbox
from storage.references import Consent
from storage.surveys import Survey
from storage.tables import metadata
from tests.builders import NOON, SHOP, Shop, order
from tests.referrals.asking import telling

OLGA = 9_000_001
TELEGRAM = 6_172_839_405
NAME, NICKNAME, ACCOUNT, EMAIL = "Annabellina", "Zonnebloemetje", "konto-40417", "geheim.adres@example.nl"
PHONE = "+31612345670"
WORDS = ("Eettafelwoorden", "Scorewoorden", "Klachtwoorden", "Antwoordwoorden", "Redenwoorden", "Kortingwoorden")
PLANTED = (NAME, NICKNAME, ACCOUNT, EMAIL, PHONE, str(TELEGRAM), *WORDS)
KEYS: dict[str, Any] = {"telegram__owner_ids": [OLGA]}


def shop_of(database: Database, **keys: Any) -> Shop:
    return Shop(database, **KEYS, **keys)


def known(shop: Shop) -> tuple[int, str]:
    """An ambassador who bought twice and waits for a friend's bonus; her number and code."""
    number, code = shop.ambassador(NAME, shop_id=ACCOUNT, email=EMAIL)
    shop.deliver(order("anna-1", buyer(), at=NOON - timedelta(days=400)))
    shop.deliver(order("bram-1", code=code))
    hook(shop, _order_body("anna-2"))
    return number, code


def anna(shop: Shop) -> tuple[int, str]:
    """Likewise; and she has a chat, complained, told a secret and was published, and the shop sent nonsense of her."""
    number, code = known(shop)
    hook(shop, b'{"type": "order.state", "data": {"id": "x", "customer": {"email": "Geheim.Adres+tag@example.nl"}}}')
    hook(shop, f'{{"type": "customer.state", "data": {{"id": "{ACCOUNT}", "first_name": "{NAME}"}}}}'.encode())
    shop.database.run(_chat, shop, number)
    telling.published(shop, number, town="Scorewoorden")
    shop.database.run(lambda session: session.execute(update(Consent).values(chat_id=TELEGRAM)))
    shop.database.run(_words, shop, number)
    return number, code


def buyer() -> Buyer:
    return Buyer(ACCOUNT, EMAIL, phone=PHONE, first_name=NAME, orders=2)


def hook(shop: Shop, body: bytes) -> None:
    """The shop says it at its door."""
    try:
        event, nonsense, subject = standard.read(SHOP, {}, body), None, None
    except Nonsense as error:
        event, nonsense, subject = None, error.reason, error.subject
    item = Delivery(HOOK, SHOP, body, event, shop.now, nonsense=nonsense, subject=subject)
    shop.database.run(apply_deliveries, [item], programme=shop.programme)


def again(shop: Shop, external_id: str, **changes: Any) -> None:
    """The shop tells an order of hers once more."""
    hook(shop, _order_body(external_id, **changes))


def planted(database: Database) -> list[str]:
    """Where in the whole database one of the planted strings stands: table, column and string."""
    return database.look(traces, PLANTED)


def traces(session: Session, words: Collection[str]) -> list[str]:
    """Where in the whole database one of these stands: table, column and word."""
    found = []
    for table in metadata.sorted_tables:
        for row in session.execute(table.select()):
            for column, value in zip(table.columns, row, strict=True):
                plain = (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).lower()
                found += [f"{table.name}.{column.name}: {each}" for each in words if each.lower() in plain]
    return found


def rows(shop: Shop, table: type[SQLModel], **where: Any) -> list[dict[str, Any]]:
    return [row for row in shop.rows(table) if all(row[name] == value for name, value in where.items())]


def _order_body(external_id: str, status: str = "paid", minutes: int = 0) -> bytes:
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    text = (
        f'{{"type":"order.state","data":{{"id":"{external_id}","status":"{status}","currency":"EUR","total":"90.00",'
        f'"created_at":"{NOON.isoformat()}","paid_at":"{NOON.isoformat()}","updated_at":"{at}","codes":["Kortingwoorden"],'
        f'"customer":{{"id":"{ACCOUNT}","email":"{EMAIL}","first_name":"{NAME}","phone":"{PHONE}","orders":2}}}}}}'
    )
    return text.encode()


def _chat(session: Session, shop: Shop, number: int) -> None:
    said = {"message_id": 1, "date": 0, "text": WORDS[2], "from": {"id": TELEGRAM, "first_name": NAME}}
    update = {"update_id": 1, "message": said | {"chat": {"id": TELEGRAM, "type": "private"}}}
    store_updates(session, [incoming(update, received_at=shop.now)])
    met: dict[str, Any] = {"telegram_id": TELEGRAM, "chat_id": TELEGRAM, "first_name": NAME, "language_code": "nl"}
    meet(session, **met, at=shop.now, now=shop.now)
    token, _ = make_connect_token(session, number, programme=shop.programme, machine_now=shop.now)
    connect_by_token(
        session, token, chat_id=TELEGRAM, telegram_id=TELEGRAM, programme=shop.programme, now=shop.now,
        machine_now=shop.now,
    )  # fmt: skip
    insert_rows(session, Outbox, [
        {"unique_key": "answer:1:0", "chat_id": TELEGRAM, "kind": "screen.view.home", "data": {"name": NAME},
         "message_class": "at_least_once", "as_of": shop.now, "due_at": shop.now, "created_at": shop.now},
    ])  # fmt: skip
    count_try(session, [Limit(f"connect:chat:{TELEGRAM}", 5, timedelta(days=1))], machine_now=shop.now)


def _words(session: Session, shop: Shop, number: int) -> None:
    set_nickname(session, number, nickname=NICKNAME)
    set_wish(session, number, kind="tips", wanted=False, now=shop.now)
    survey: dict[str, Any] = {
        "subject": "order:1",
        "customer_id": number,
        "score": 9,
        "scored_at": shop.now,
        "why": WORDS[1],
    }
    session.add(Survey(**survey, why_at=shop.now, created_at=shop.now))
    how: dict[str, Any] = {"programme": shop.programme, "now": shop.now}
    case = open_case(session, number, kind=QUESTION, text=WORDS[2], **how)
    staff_says(session, case.id or 0, text=WORDS[3], colleague=Colleague(OLGA), **how)
    set_state(session, number, state="excluded", why=WORDS[4], actor="owner:1", now=shop.now)
    set_state(session, number, state="active", why=WORDS[4], actor="owner:1", now=shop.now)
    session.add(ApiKey(id=1, name="till", key_hash="h", created_at=shop.now))
    session.flush()
    reply = {"customer": shop.programme.number("customer", number), "first_name": NAME}
    session.add(IdempotencyKey(
        api_key_id=1, method="POST", path="/api/v1/customers", value="v", body_hash="b", status=201,
        reply=str(reply).replace("'", '"'), created_at=shop.now,
    ))  # fmt: skip
