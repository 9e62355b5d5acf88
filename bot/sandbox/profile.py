"""The methods about the bot itself, its chats, its files and its forum topics."""

from __future__ import annotations

import json
import re
from typing import Any

from bot.sandbox.refusals import Json, Refusal, bad_request
from bot.sandbox.sending import Request
from bot.sandbox.world import Chat, World

TEXTS = {"description": 512, "short_description": 120, "name": 64}
GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
MOST_COMMANDS = 100
MOST_COMMAND_TEXT = 256
MOST_TOPIC_NAME = 128
PRIVATE = ("all_private_chats", "default")
GROUP = ("all_group_chats", "default")


class Profile:
    """What the bot told about itself: commands by scope and language, texts by language, menu buttons."""

    def __init__(self) -> None:
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.texts: dict[tuple[str, str], str] = {}
        self.menu_buttons: dict[int | None, Json] = {}

    def commands_for(self, chat: Chat, language: str | None) -> list[Json]:
        """The commands that this person sees: the narrowest scope first, their language before none."""
        scopes = [json.dumps({"type": "chat", "chat_id": chat.id}, sort_keys=True)]
        names = PRIVATE if chat.type == "private" else GROUP
        scopes += [json.dumps({"type": name}) for name in names]
        keys = [(scope, code) for scope in scopes for code in ((language or "")[:2], "")]
        return next((self.commands[key] for key in keys if key in self.commands), [])

    def set_commands(self, world: World, request: Request) -> bool:
        """The list for a scope and language."""
        params = request.params
        for command in params["commands"]:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command", "")).lstrip("/")):
                raise bad_request("BOT_COMMAND_INVALID")
            if not 1 <= len(str(command.get("description", ""))) <= MOST_COMMAND_TEXT:
                raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        if len(params["commands"]) > MOST_COMMANDS:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        self.commands[_scope(world, params), _language(params)] = params["commands"]
        world.touch("commands", 0)
        return True

    def get_commands(self, world: World, request: Request) -> list[Json]:
        """The list of exactly this scope and language."""
        return self.commands.get((_scope(world, request.params), _language(request.params)), [])

    def delete_commands(self, world: World, request: Request) -> bool:
        """No list for this scope and language; a wider one shows through."""
        self.commands.pop((_scope(world, request.params), _language(request.params)), None)
        world.touch("commands", 0)
        return True

    def set_text(self, name: str, request: Request) -> bool:
        """The description, short description or name in a language; empty takes it away."""
        value = str(request.params.get(name) or "")
        if len(value) > TEXTS[name]:
            raise bad_request(f"bot {name.replace('_', ' ')} is too long")
        self.texts[name, _language(request.params)] = value
        return True

    def get_text(self, name: str, request: Request, *, default: str = "") -> Json:
        """The text in this language, else in none."""
        language = _language(request.params)
        return {name: self.texts.get((name, language)) or self.texts.get((name, "")) or default}

    def set_menu_button(self, world: World, request: Request) -> bool:
        """The button beside the text box, in one chat or in all."""
        chat_id = request.params.get("chat_id")
        if chat_id is not None:
            world.chat(chat_id)
        self.menu_buttons[chat_id] = request.params.get("menu_button") or {"type": "default"}
        return True

    def get_menu_button(self, request: Request) -> Json:
        """The button of this chat, else that of all."""
        chat_id = request.params.get("chat_id")
        return self.menu_buttons.get(chat_id) or self.menu_buttons.get(None) or {"type": "commands"}


def get_chat(world: World, request: Request) -> Json:
    """All about a chat."""
    chat = world.chat_for_sending(request.params["chat_id"])
    body = chat.to_json() | {"accent_color_id": 0, "max_reaction_count": 11}
    return body | {"accepted_gift_types": dict.fromkeys(GIFTS, False)}


def get_file(world: World, request: Request) -> Json:
    """Where a file can be fetched."""
    try:
        file = world.files.find(request.params["file_id"])
    except Refusal:
        raise bad_request("wrong file_id or the file is temporarily unavailable") from None
    size = len(file.content)
    return {"file_id": file.file_id, "file_unique_id": file.unique_id, "file_size": size, "file_path": file.path}


def create_topic(world: World, request: Request) -> Json:
    """A topic in a forum group, with its service message."""
    chat = _forum(world, request.params)
    name = str(request.params["name"])
    if not 1 <= len(name) <= MOST_TOPIC_NAME:
        raise bad_request("TOPIC_TITLE_EMPTY")
    topic: Json = {"name": name, "icon_color": request.params.get("icon_color") or 7322096}
    message = world.add_message(chat, sender=world.bot, extra={"forum_topic_created": topic})
    message.thread_id = message.id
    chat.topics[message.id] = name
    return {"message_thread_id": message.id, **topic}


def change_topic(world: World, request: Request, *, action: str) -> bool:
    """A topic is closed, reopened or deleted."""
    chat = _forum(world, request.params)
    thread: Any = request.params["message_thread_id"]
    if thread not in chat.topics:
        raise bad_request("message thread not found")
    if action == "delete":
        del chat.topics[thread]
        for message in chat.messages.values():
            message.deleted = message.deleted or message.thread_id == thread
    elif (action == "close") == (thread in chat.closed_topics):
        raise bad_request("TOPIC_NOT_MODIFIED")
    (chat.closed_topics.add if action == "close" else chat.closed_topics.discard)(thread)
    world.touch("topic", chat.id)
    return True


def _forum(world: World, params: Json) -> Chat:
    chat = world.chat_for_sending(params["chat_id"])
    if not chat.is_forum:
        raise bad_request("the chat is not a forum")
    return chat


def _scope(world: World, params: Json) -> str:
    scope = params.get("scope") or {"type": "default"}
    if scope.get("type") in {"chat", "chat_administrators", "chat_member"}:
        world.chat(scope.get("chat_id") or "")
    return json.dumps(scope, sort_keys=True)


def _language(params: Json) -> str:
    language = str(params.get("language_code") or "")
    if not re.fullmatch(r"(|[a-z]{2})", language):
        raise bad_request("invalid language code specified")
    return language
