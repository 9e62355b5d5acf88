from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlmodel import Session, select

from bot.inbox import MOST_ATTEMPTS, SECRET_HEADER, incoming, store_updates
from bot.leases import LeaseLost, keep_lease, lease_chats
from bot.turn import run_turn
from storage.database import Database, Overloaded
from storage.mailbox import Chat, Inbox
from tests.bot.chat import Play, staged

SECRET = "olga-s_secret"
FIVE_SECONDS = timedelta(seconds=5)


def update(number: int, text: str = "/help", *, chat: int = 5, kind: str = "private") -> dict[str, Any]:
    user = {"id": chat, "is_bot": False, "first_name": "Anna", "language_code": "nl"}
    message = {
        "message_id": number,
        "date": int(datetime.now(UTC).timestamp()),  # noqa: TID251 - Telegram dates by the machine's clock
        "chat": {"id": chat, "type": kind, "first_name": "Anna"},
        "from": user,
        "text": text,
    }
    return {"update_id": number, "message": message}


def store(play: Play, *updates: dict[str, Any]) -> list[bool]:
    items = [incoming(each, received_at=play.shop.now) for each in updates]
    return play.database.run(store_updates, items)


def lose_lease(session: Session, chat_id: int) -> None:
    chat = session.get(Chat, chat_id)
    assert chat is not None
    chat.lease_until = datetime(2020, 1, 1, tzinfo=UTC)


async def test_an_update_is_stored_once_however_often_it_comes(play: Play) -> None:
    """Rule 24: the number of an update is unique, in one batch and in the next."""
    assert store(play, update(7), update(7)) == [True, False]
    assert store(play, update(7), update(8)) == [False, True]
    assert [row["external_key"][-1] for row in play.inbox()] == ["7", "8"]


async def test_updates_of_a_batch_keep_their_order_across_powers_of_ten(play: Play) -> None:
    """Rule 24."""
    store(play, update(10, "b"), update(9, "a"), update(100, "c"))
    rows = sorted(play.inbox(), key=lambda row: row["id"])
    assert [json.loads(row["body"])["update_id"] for row in rows] == [9, 10, 100]


async def test_groups_are_stored_and_left_alone(play: Play) -> None:
    store(play, update(7, chat=-100, kind="supergroup"))
    assert [(row["status"], row["result"]) for row in play.inbox()] == [("done", "ignored")]
    assert play.shop.rows(Chat) == []


async def test_a_repeat_after_the_answer_changes_nothing(play: Play) -> None:
    """Rule 24: the update is marked in the transaction that writes its answer."""
    store(play, update(7))
    play.person("Anna", id=5)
    await play.service.deliver_due()
    store(play, update(7))
    await play.service.deliver_due()
    assert len(play.outbox()) == 1


async def test_updates_of_one_chat_run_in_order_and_never_at_once(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 24: two processes, forty updates of four chats; each chat's answers are in order."""
    chats = range(11, 15)
    for chat in chats:
        play.person(f"p{chat}", id=chat).start()
    await play.turn()
    store(play, *(update(1000 + n, f"t{n}", chat=chats[n % 4]) for n in range(40)))
    other = play.another()
    await asyncio.gather(play.service.deliver_due(), other.deliver_due())
    await play.service.deliver_due()
    assert {row["status"] for row in play.inbox()} == {"done"}
    for chat in chats:
        keys = [row["unique_key"] for row in sorted(play.outbox(chat_id=chat), key=lambda row: row["id"])]
        assert keys == sorted(keys)
    await other.stop()


async def test_a_poisonous_update_is_quarantined_after_three_tries_and_the_chat_goes_on(play: Play) -> None:
    """Rule 24: attempts are counted before the work; who sent it hears once that something went wrong."""
    anna = play.person("Anna", id=5)
    anna.start()
    await play.turn()
    poison = update(900_000_007)
    poison["message"]["date"] = "gisteren"
    store(play, poison, update(900_000_008, "/help"))
    await play.service.deliver_due()
    statuses = {row["external_key"][-1]: (row["status"], row["reason"], row["attempts"]) for row in play.inbox()}
    assert statuses["7"] == ("quarantined", "internal_error", MOST_ATTEMPTS)
    assert statuses["8"][0] == "done"
    words = [message.words for message in anna.chat]
    assert sum("Er ging bij mij iets mis" in said for said in words) == 1
    assert words[-1].startswith("Dit kun je hier doen")


async def test_dying_three_times_in_its_turn_loses_no_update(play: Play) -> None:
    """Rules 24 and 27: a death weighs less than a fault that was seen; what was acknowledged is heard in the end."""
    play.person("Anna", id=5).start()
    await play.turn()
    store(play, update(900_000_007, "/help"))
    play.database.run(_die_in_its_turn, 5, times=MOST_ATTEMPTS // 2)

    await play.service.deliver_due()

    assert {row["status"] for row in play.inbox()} == {"done"}


async def test_a_kill_in_the_middle_leaves_an_update_that_is_counted_and_done_again(play: Play) -> None:
    """Rule 24: what dies before its commit has done nothing; the next worker has the chat when the lease ends."""
    play.person("Anna", id=5).start()
    await play.turn()
    store(play, update(900_000_007))
    died = play.another()
    dying = asyncio.create_task(died.deliver_due())  # noqa: TID251 - a process that is killed
    await _until(lambda: _attempts(play) == 1)
    dying.cancel()
    for task in list(died.worker.serving):
        task.cancel()
    play.database.run(lose_lease, 5)
    await play.service.deliver_due()
    assert len(play.outbox(unique_key="answer:0000000000900000007:0")) == 1
    await died.stop()


async def test_whoever_lost_the_lease_does_nothing(play: Play) -> None:
    """Rule 24."""
    store(play, update(7))
    assert play.database.run(lease_chats, worker="a", now=play.shop.now, most=8) == [5]
    assert play.database.run(lease_chats, worker="b", now=play.shop.now, most=8) == []
    play.database.run(lose_lease, 5)
    assert play.database.run(lease_chats, worker="b", now=play.shop.now, most=8) == [5]
    with pytest.raises(LeaseLost):
        play.database.run(_keep, 5, worker="a")


async def test_a_busy_database_is_not_the_updates_fault(play: Play) -> None:
    """Rule 24: after five refusals of the infrastructure the update still has its three tries."""
    play.person("Anna", id=5).start()
    await play.turn()
    store(play, update(900_000_007))
    worker, write = play.service.worker, play.database.write
    refused: list[Any] = []

    async def busy(use_case: Any, *args: Any, **kwargs: Any) -> Any:
        if use_case is run_turn and len(refused) < 5:
            refused.append(use_case)
            raise Overloaded("busy")
        return await write(use_case, *args, **kwargs)

    worker.database = _Door(busy, play.database)  # type: ignore[assignment] # a fake with the two doors that are used
    await play.service.deliver_due()
    assert len(refused) == 5
    assert {row["status"] for row in play.inbox()} == {"done"}


async def test_what_was_said_while_we_were_away_has_one_answer(play: Play) -> None:
    """Rule 27: every update has its effect, the last one its answer."""
    _, code = play.shop.ambassador("Anna")
    bram = play.person("Bram")
    bram.start(f"r_{code}")
    bram.say("/status")
    bram.say("/help")
    await play.turn(waited=True)
    said = [message.words for message in bram.chat if message.sender.is_bot]
    assert len(said) == 1
    assert said[0].startswith("Dit kun je hier doen")
    assert [row["dropped_because"] for row in play.outbox(status="dropped")] == ["stale", "stale"]


async def test_commands_that_follow_each_other_quickly_are_each_answered(play: Play) -> None:
    """Rule 27 is for downtime: who types fast is not cut short."""
    anna = play.person("Anna")
    await play.start(anna)
    anna.say("/help")
    anna.say("/voorwaarden")
    await play.turn()
    assert [message.words[:9] for message in anna.chat if message.sender.is_bot][1:] == ["Dit kun j", "Zo werkt "]


async def test_a_webhook_is_stored_before_it_is_acknowledged(database: Database) -> None:
    """Rule 24: 401 without the secret, 200 after the commit, 400 for what is no update."""
    keys: dict[str, Any] = {"telegram__mode": "webhook", "telegram__webhook_secret": SECRET}
    async with staged(database, **keys) as play, _door(play) as door:
        headers = {SECRET_HEADER: SECRET}
        assert await _post(door, update(7), {}) == 401
        assert await _post(door, update(7), {SECRET_HEADER: "olga-s_secreT"}) == 401
        assert play.inbox() == []
        assert await _post(door, update(7), headers) == 200
        assert await _post(door, update(7), headers) == 200
        assert await _post(door, {"update_id": "7"}, headers) == 400
        assert [row["status"] for row in play.inbox()] == ["new"]
        assert play.service.worker.wake.is_set()


async def test_a_start_and_a_press_at_the_same_moment_are_both_heard(play: Play) -> None:
    """Rule 24: Telegram keeps an order only for updates of one kind."""
    anna, _, _ = await play.connected("Anna")
    anna.start()
    pressed = anna.press("Mijn link")
    await play.turn()
    await pressed.answered(within=1)
    assert {row["status"] for row in play.inbox()} == {"done"}


def _keep(session: Session, chat_id: int, *, worker: str) -> None:
    keep_lease(session, chat_id, worker=worker)


def _attempts(play: Play) -> int:
    return max(play.database.look(_counted), default=0)


def _die_in_its_turn(session: Session, chat_id: int, *, times: int) -> None:
    for row in session.exec(select(Inbox).where(Inbox.chat_id == chat_id, Inbox.status == "new")):
        row.attempts = times


def _counted(session: Session) -> list[int]:
    return list(session.exec(select(Inbox.attempts).where(Inbox.status == "new")))


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what it waits for happens in a thread of the database
            await asyncio.sleep(0.001)


class _Door:
    def __init__(self, write: Any, database: Database) -> None:
        self.write, self.read, self.batch = write, database.read, database.batch


def _door(play: Play) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    app.router.add_post("/telegram/webhook", play.service.telegram_inbox)
    return TestClient(TestServer(app))


async def _post(client: TestClient[web.Request, web.Application], body: Any, headers: dict[str, str]) -> int:
    async with client.post("/telegram/webhook", json=body, headers=headers) as reply:
        return reply.status
