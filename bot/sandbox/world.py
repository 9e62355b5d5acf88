"""What there is on Telegram's side: people, chats, messages, open button presses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.sandbox.files import Files, StoredFile
from bot.sandbox.refusals import Json, bad_request, forbidden

QUERY_SECONDS = 150  # an unanswered press is forgotten after this


@dataclass
class User:
    """A person with a Telegram account, or the bot."""

    id: int
    first_name: str
    language_code: str | None = None
    username: str | None = None
    is_bot: bool = False
    deactivated: bool = False

    def to_json(self) -> Json:
        """As updates and messages carry it."""
        body: Json = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name}
        if self.username:
            body["username"] = self.username
        if self.language_code:
            body["language_code"] = self.language_code
        return body


@dataclass
class Message:
    """One message; ``revision`` grows with every change anywhere, so that waiting can tell new from old."""

    id: int
    chat_id: int
    sender: User
    date: int  # seconds since 1970, on the clock that dates messages
    born: float  # machine time
    text: str | None = None
    entities: list[Json] = field(default_factory=list)
    caption: str | None = None
    photo: StoredFile | None = None
    document: StoredFile | None = None
    markup: Json | None = None
    edit_date: int | None = None
    thread_id: int | None = None
    extra: Json = field(default_factory=dict)  # forward_origin, reply_to_message, forum_topic_created …
    deleted: bool = False
    revision: int = 0

    @property
    def words(self) -> str:
        """What one reads: the text, or the caption under a picture."""
        return self.text if self.text is not None else self.caption or ""

    @property
    def rows(self) -> list[list[Json]]:
        """The inline buttons under it, row by row."""
        rows: list[list[Json]] = (self.markup or {}).get("inline_keyboard", [])
        return rows

    @property
    def buttons(self) -> list[str]:
        """What the buttons say, in reading order."""
        return [button["text"] for row in self.rows for button in row]


@dataclass
class Chat:
    """A private chat with a person, or a staff group."""

    id: int
    type: str
    title: str
    started: bool = False
    blocked: bool = False
    is_forum: bool = False
    topics: dict[int, str] = field(default_factory=dict)
    closed_topics: set[int] = field(default_factory=set)
    messages: dict[int, Message] = field(default_factory=dict)

    def to_json(self) -> Json:
        """As messages carry it."""
        if self.type == "private":
            return {"id": self.id, "type": "private", "first_name": self.title}
        body: Json = {"id": self.id, "type": self.type, "title": self.title}
        return body | ({"is_forum": True} if self.is_forum else {})


@dataclass
class Query:
    """A button that was pressed and may be answered once."""

    id: str
    chat_id: int
    message_id: int
    at: float
    answered: asyncio.Future[Json]


Listener = Callable[[str, int, Any], None]


class World:
    """Everything the server remembers, in memory; every change wakes those who wait."""

    def __init__(self, *, bot: User, now: Callable[[], datetime], dates: Callable[[], datetime]) -> None:
        self.bot = bot
        self.now = now  # the machine's clock: ages, waits
        self._dates = dates  # the clock that dates messages
        self.users: dict[int, User] = {bot.id: bot}
        self.chats: dict[int, Chat] = {}
        self.queries: dict[str, Query] = {}
        self.files = Files()
        self.revision = 0
        self.listeners: list[Listener] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._last_message = 0
        self._last_query = 4_000_000_000

    def seconds(self) -> float:
        """Machine time since 1970."""
        return self.now().timestamp()

    def date(self) -> int:
        """The date that a message gets now."""
        return int(self._dates().timestamp())

    def chat_for_sending(self, chat_id: int | str) -> Chat:
        """The chat, if the bot may write there.

        Raises:
            Refusal: 400 unknown · 403 never started, blocked, or a deleted account.
        """
        chat = self.chat(chat_id)
        if chat.type != "private":
            if chat.blocked:
                raise forbidden("bot was kicked from the supergroup chat")
            return chat
        if self.users[chat.id].deactivated:
            raise forbidden("user is deactivated")
        if not chat.started:
            raise forbidden("bot can't initiate conversation with a user")
        if chat.blocked:
            raise forbidden("bot was blocked by the user")
        return chat

    def chat(self, chat_id: int | str) -> Chat:
        """The chat.

        Raises:
            Refusal: 400 when there is none.
        """
        found = self.chats.get(chat_id) if isinstance(chat_id, int) else None
        if found is None:
            raise bad_request("chat not found")
        return found

    def add_message(self, chat: Chat, *, sender: User, **content: Any) -> Message:
        """A new message at the end of the chat."""
        self._last_message += 1
        message = Message(self._last_message, chat.id, sender, date=self.date(), born=self.seconds(), **content)
        chat.messages[message.id] = message
        self.touch("message", chat.id, message)
        return message

    def find_message(self, chat: Chat, message_id: int) -> Message | None:
        """The message, unless it was never there or is deleted."""
        message = chat.messages.get(message_id)
        return None if message is None or message.deleted else message

    def add_query(self, message: Message) -> Query:
        """A press on a button of this message, waiting for its answer."""
        self._last_query += 1
        answered: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        query = Query(str(self._last_query), message.chat_id, message.id, self.seconds(), answered)
        self.queries[query.id] = query
        return query

    def find_query(self, query_id: str) -> Query | None:
        """The press, while it may still be answered."""
        query = self.queries.get(query_id)
        if query is None or self.seconds() - query.at > QUERY_SECONDS:
            return None
        return query

    def touch(self, kind: str, chat_id: int, what: Any = None) -> None:
        """Count a change, stamp the message with it, tell the listeners, wake those who wait."""
        self.revision += 1
        if isinstance(what, Message):
            what.revision = self.revision
        for listener in self.listeners:
            listener(kind, chat_id, what)
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def changed(self) -> None:
        """Return after the next change."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def to_json(self, message: Message) -> Json:
        """The message as the Bot API describes it."""
        body: Json = {
            "message_id": message.id,
            "from": message.sender.to_json(),
            "chat": self.chats[message.chat_id].to_json(),
            "date": message.date,
        }
        if message.text is not None:
            body |= {"text": message.text} | ({"entities": message.entities} if message.entities else {})
        if message.photo:
            body["photo"] = message.photo.photo()
        if message.document:
            body["document"] = message.document.document()
        if message.caption:
            body |= {"caption": message.caption} | ({"caption_entities": message.entities} if message.entities else {})
        if message.edit_date:
            body["edit_date"] = message.edit_date
        if message.thread_id:
            body |= {"message_thread_id": message.thread_id, "is_topic_message": True}
        if message.rows:
            body["reply_markup"] = message.markup
        return body | message.extra
