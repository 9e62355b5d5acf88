"""The methods that change or take away what stands in a chat, and answer presses."""

from __future__ import annotations

from typing import Any

from bot.sandbox.markup import check_markup
from bot.sandbox.refusals import Json, bad_request
from bot.sandbox.sending import Request, find_file
from bot.sandbox.texts_in import read_caption, read_text
from bot.sandbox.world import Message, World

DELETE_SECONDS = 48 * 3600
MOST_ANSWER = 200
SAME = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


def edit_message_text(world: World, request: Request) -> Json:
    """Other words; the buttons are those of this call, or none."""
    message = _mine(world, request.params)
    text, entities = read_text(request.params)
    if message.text is None:
        raise bad_request("there is no text in the message to edit")
    return _change(world, message, request.params, text=text, entities=entities)


def edit_message_caption(world: World, request: Request) -> Json:
    """Other words under a picture; the buttons are those of this call, or none."""
    message = _mine(world, request.params)
    caption, entities = read_caption(request.params)
    if message.photo is None and message.document is None:
        raise bad_request("there is no caption in the message to edit")
    return _change(world, message, request.params, caption=caption, entities=entities)


def edit_message_media(world: World, request: Request) -> Json:
    """Another picture or file with its caption; a text never becomes a picture."""
    message = _mine(world, request.params)
    media = request.params["media"]
    kind = media.get("type") if isinstance(media, dict) else None
    if kind not in {"photo", "document"}:
        raise bad_request("can't parse InputMedia: type of the media must be photo or document")
    if message.text is not None:
        raise bad_request("there is no media in the message to edit")
    caption, entities = read_caption(media)
    stored = find_file(world, request, media.get("media"), photo=kind == "photo")
    files = {"photo": stored if kind == "photo" else None, "document": stored if kind == "document" else None}
    return _change(world, message, request.params, caption=caption, entities=entities, **files)


def edit_message_reply_markup(world: World, request: Request) -> Json:
    """Other buttons, or none."""
    return _change(world, _mine(world, request.params), request.params)


def delete_message(world: World, request: Request) -> bool:
    """The message is gone, for the person too."""
    chat = world.chat(request.params["chat_id"])
    message = world.find_message(chat, request.params["message_id"])
    if message is None:
        raise bad_request("message to delete not found")
    if world.seconds() - message.born > DELETE_SECONDS:
        raise bad_request("message can't be deleted for everyone")
    message.deleted = True
    world.touch("message", chat.id, message)
    return True


def answer_callback_query(world: World, request: Request) -> bool:
    """The press is answered: its spinner stops, perhaps with a word."""
    params = request.params
    query = world.find_query(params["callback_query_id"])
    if query is None:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    if len(params.get("text") or "") > MOST_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    if not query.answered.done():
        answer = {name: params[name] for name in ("text", "show_alert", "url") if params.get(name)}
        query.answered.set_result(answer)
        world.touch("answer", query.chat_id, {"message_id": query.message_id, **answer})
    return True


def _mine(world: World, params: Json) -> Message:
    chat = world.chat_for_sending(params.get("chat_id", ""))
    message = world.find_message(chat, params.get("message_id", 0))
    if message is None:
        raise bad_request("message to edit not found")
    if message.sender is not world.bot or "forward_origin" in message.extra:
        raise bad_request("message can't be edited")
    return message


def _change(world: World, message: Message, params: Json, **content: Any) -> Json:
    markup = check_markup(params.get("reply_markup"), inline_only=True)
    old = message.markup if message.rows else None
    if markup == old and all(getattr(message, name) == value for name, value in content.items()):
        raise bad_request(SAME)
    for name, value in content.items():
        setattr(message, name, value)
    message.markup = markup
    if content:  # other buttons alone leave no "edited" mark
        message.edit_date = world.date()
    world.touch("message", message.chat_id, message)
    return world.to_json(message)
