"""Telegram's Bot API, as far as the outbox and the inbox need it, and what its refusals mean.

Only fields that matter are sent, so that the bot works against any Bot API server. Every send ends in a ``Sent`` or a
``Failed``; whether a repeat is harmless is the outbox' business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from functools import cache
from io import BytesIO
from typing import Any

import segno
import structlog
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.base import BaseSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import Response, TelegramMethod
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BufferedInputFile,
    InlineKeyboardMarkup,
    Message,
    User,
)
from aiohttp import ClientConnectorError, ClientResponseError

from bot.settling import Failed, Result, Sent
from bot.voice import OutMessage
from referrals.sections import TelegramSettings

log = structlog.get_logger()

HTML = "HTML"
REQUEST_SECONDS = 6  # of a send; shorter than the lease that covers it
POLL_SECONDS = 25  # of a long poll
MOST_UPDATES = 100
QR_SCALE = 10  # pixels a module
QR_BORDER = 3

NOT_MODIFIED = "message is not modified"
GONE = ("message to edit not found", "message can't be edited", "message_id_invalid", "there is no text in the message")
UNREACHABLE = ("chat not found", "user is deactivated", "bot was blocked", "peer_id_invalid", "have no rights to send")
WRONG_FILE = (
    "wrong file identifier",
    "wrong remote file",
    "file_reference",
    "wrong type of the web page",
    "wrong file",
)


class GetRawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """``getUpdates``, answered as it is: updates are stored before anybody tries to understand them."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int | None = None
    limit: int = MOST_UPDATES
    timeout: int = 0
    allowed_updates: list[str] | None = None


class AnswersKept(AiohttpSession):
    """Aiogram's session, which makes a class for every answer that it reads; here those of one kind share theirs.

    Nobody holds that class, so it is gone by the next answer, and to make one costs 8 ms of CPU.
    """

    def check_response(self, bot: Bot, method: TelegramMethod[Any], status_code: int, content: str) -> Response[Any]:
        """What Telegram answered, read as what this method returns."""
        _answer(method.__returning__)
        return super().check_response(bot, method, status_code, content)


@cache
def _answer(returned: Any) -> type[Response[Any]]:
    return Response[returned]


class Telegram:
    """The bot at its API server; open until ``close``."""

    def __init__(self, settings: TelegramSettings, *, session: BaseSession | None = None) -> None:
        """``session`` stands in for HTTP in tests.

        Raises:
            ValueError: The settings have no token.
        """
        if settings.token is None:
            raise ValueError("telegram.token is missing")
        server = TelegramAPIServer.from_base(settings.api_server)
        self.bot = Bot(settings.token.get_secret_value(), session=session or AnswersKept(api=server))

    async def close(self) -> None:
        """Its connections are closed."""
        await self.bot.session.close()

    async def send(self, chat_id: int, message: OutMessage, *, file_id: str | None = None) -> Result:
        """The message is in the chat, or why not."""
        keyboard = _keyboard(message)
        if message.document is not None:
            file = BufferedInputFile(message.document.content, message.document.name)
            uploading = self.bot.send_document(
                chat_id, file, caption=message.text, parse_mode=HTML, reply_markup=keyboard,
                request_timeout=REQUEST_SECONDS,
            )  # fmt: skip
            return await _outcome(uploading)
        if message.photo is None:
            sending = self.bot.send_message(
                chat_id, message.text, parse_mode=HTML, reply_markup=keyboard, request_timeout=REQUEST_SECONDS
            )
            return await _outcome(sending)
        photo = file_id or BufferedInputFile(qr_png(message.photo.address), "qr.png")
        sending = self.bot.send_photo(
            chat_id, photo, caption=message.text, parse_mode=HTML, reply_markup=keyboard,
            request_timeout=REQUEST_SECONDS,
        )  # fmt: skip
        return await _outcome(sending, name=message.photo.name, named=file_id is not None)

    async def edit(self, chat_id: int, message_id: int, message: OutMessage) -> Result:
        """The message there says this now; ``gone`` where it cannot be changed any more."""
        editing = self.bot.edit_message_text(
            message.text, chat_id=chat_id, message_id=message_id, parse_mode=HTML, reply_markup=_keyboard(message),
            request_timeout=REQUEST_SECONDS,
        )  # fmt: skip
        return await _outcome(editing, message_id=message_id)

    async def strip(self, chat_id: int, message_id: int) -> Result:
        """The message there has no buttons; one that is gone has none either."""
        editing = self.bot.edit_message_reply_markup(
            chat_id=chat_id, message_id=message_id, request_timeout=REQUEST_SECONDS
        )
        result = await _outcome(editing, message_id=message_id)
        return Sent(message_id) if isinstance(result, Failed) and result.kind in ("gone", "refused") else result

    async def answer_press(self, press_id: str, text: str | None) -> None:
        """The press is answered, if it still can be; nothing depends on it."""
        try:
            await self.bot.answer_callback_query(press_id, text=text, request_timeout=REQUEST_SECONDS)
        except (TimeoutError, TelegramAPIError, ClientDecodeError) as error:
            log.info("press.unanswered", error=type(error).__name__)

    async def updates(self, *, offset: int | None, seconds: int, allowed: Sequence[str]) -> list[dict[str, Any]]:
        """What came in from this number on; waits up to so many seconds for the first."""
        method = GetRawUpdates(offset=offset, timeout=seconds, allowed_updates=list(allowed))
        return await self.bot(method, request_timeout=seconds + REQUEST_SECONDS)

    async def get_me(self) -> User:
        """Who the bot is."""
        return await self.bot.get_me(request_timeout=REQUEST_SECONDS)

    async def use_polling(self) -> None:
        """No webhook stands in the way; what waits stays there."""
        await self.bot.delete_webhook(request_timeout=REQUEST_SECONDS)

    async def use_webhook(self, url: str, *, secret: str, allowed: Sequence[str]) -> None:
        """Telegram calls this address."""
        await self.bot.set_webhook(
            url, secret_token=secret, allowed_updates=list(allowed), request_timeout=REQUEST_SECONDS
        )

    async def set_commands(
        self, commands: Sequence[tuple[str, str]], *, language: str | None, chat_id: int | None = None
    ) -> None:
        """The menu of everybody, or of one chat, in a language (None: where no other one fits)."""
        scope = BotCommandScopeChat(chat_id=chat_id) if chat_id else BotCommandScopeAllPrivateChats()
        listed = [BotCommand(command=name, description=text) for name, text in commands]
        await self.bot.set_my_commands(listed, scope=scope, language_code=language, request_timeout=REQUEST_SECONDS)


def qr_png(address: str) -> bytes:
    """A QR code as a small PNG."""
    file = BytesIO()
    segno.make(address, error="m").save(file, kind="png", scale=QR_SCALE, border=QR_BORDER)
    return file.getvalue()


def failure(error: Exception, *, photo: str | None = None) -> Failed:
    """What an error of a send means: ``photo`` is the remembered file that was named in it, if one was."""
    if isinstance(error, TelegramRetryAfter):
        return Failed("slow", retry_after=float(error.retry_after))
    if isinstance(error, TelegramForbiddenError | TelegramMigrateToChat):
        return Failed("unreachable")
    if isinstance(error, TelegramBadRequest | TelegramNotFound):
        return _refusal(str(error).lower(), photo)
    if isinstance(error, TelegramNetworkError):
        return Failed("unsent" if _never_connected(error) else "unknown")
    # After a server's fault, or a reply that is none, it may have been done. Other errors (a wrong token, a conflict)
    # say no, and will say yes once they are put right.
    vague = isinstance(error, TelegramServerError | ClientDecodeError)
    return Failed("unknown" if vague else "unsent")


def _refusal(text: str, photo: str | None) -> Failed:
    """What a 400 says: there is no such chat, message or file, or the message itself is at fault."""
    if any(sentence in text for sentence in UNREACHABLE):
        return Failed("unreachable")
    if any(sentence in text for sentence in GONE):
        return Failed("gone")
    if photo is not None and any(sentence in text for sentence in WRONG_FILE):
        return Failed("unsent", forget_file=photo)
    return Failed("refused")


async def _outcome(
    call: Awaitable[Any], *, message_id: int | None = None, name: str | None = None, named: bool = False
) -> Result:
    try:
        result = await call
    except TelegramBadRequest as error:
        if NOT_MODIFIED in str(error).lower():
            return Sent(message_id)
        return _logged(failure(error, photo=name if named else None), error)
    except (TimeoutError, TelegramAPIError, ClientDecodeError, ClientResponseError, OSError) as error:
        return _logged(failure(error), error)
    sent_id = result.message_id if isinstance(result, Message) else message_id
    file = None
    if name is not None and not named and isinstance(result, Message) and result.photo:
        file = (name, result.photo[-1].file_id)
    return Sent(sent_id, file)


def _logged(failed: Failed, error: Exception) -> Failed:
    log.warning("telegram.failed", kind=failed.kind, error=type(error).__name__, retry_after=failed.retry_after)
    return failed


def _never_connected(error: TelegramNetworkError) -> bool:
    cause = error.__cause__ or error.__context__
    return isinstance(cause, ClientConnectorError)


def _keyboard(message: OutMessage) -> InlineKeyboardMarkup | None:
    rows = [list(row) for row in message.rows if row]
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None
