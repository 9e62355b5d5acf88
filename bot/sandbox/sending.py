"""The methods that put something new into a chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.sandbox.files import StoredFile
from bot.sandbox.markup import check_markup
from bot.sandbox.parameters import Upload
from bot.sandbox.refusals import Json, bad_request
from bot.sandbox.texts_in import read_caption, read_text
from bot.sandbox.world import Chat, Message, World

ACTIONS = {
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
}


@dataclass(frozen=True)
class Request:
    """A checked call, as the methods get it."""

    params: Json
    uploads: dict[str, Upload]


def send_message(world: World, request: Request) -> Json:
    """A text message."""
    chat = world.chat_for_sending(request.params["chat_id"])
    text, entities = read_text(request.params)
    return world.to_json(_add(world, chat, request.params, text=text, entities=entities))


def send_photo(world: World, request: Request) -> Json:
    """A picture, uploaded now or known by its file_id."""
    chat = world.chat_for_sending(request.params["chat_id"])
    caption, entities = read_caption(request.params)
    photo = find_file(world, request, request.params["photo"], photo=True)
    return world.to_json(_add(world, chat, request.params, photo=photo, caption=caption, entities=entities))


def send_document(world: World, request: Request) -> Json:
    """A file, uploaded now or known by its file_id."""
    chat = world.chat_for_sending(request.params["chat_id"])
    caption, entities = read_caption(request.params)
    document = find_file(world, request, request.params["document"], photo=False)
    return world.to_json(_add(world, chat, request.params, document=document, caption=caption, entities=entities))


def copy_message(world: World, request: Request) -> Json:
    """A message again, without saying whose it was; its own buttons stay behind."""
    params = request.params
    source = _source(world, params, verb="copy")
    chat = world.chat_for_sending(params["chat_id"])
    content = _content(source)
    if source.text is None and "caption" in params:
        content["caption"], content["entities"] = read_caption(params)
    return {"message_id": _add(world, chat, params, **content).id}


def forward_message(world: World, request: Request) -> Json:
    """A message again, saying whose it was."""
    params = request.params
    source = _source(world, params, verb="forward")
    chat = world.chat_for_sending(params["chat_id"])
    origin = {"type": "user", "sender_user": source.sender.to_json(), "date": source.date}
    return world.to_json(_add(world, chat, params, extra={"forward_origin": origin}, **_content(source)))


def send_chat_action(world: World, request: Request) -> bool:
    """Shows for a moment that the bot is busy."""
    chat = world.chat_for_sending(request.params["chat_id"])
    if request.params["action"] not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    world.touch("action", chat.id, request.params["action"])
    return True


def find_file(world: World, request: Request, source: Any, *, photo: bool) -> StoredFile:
    """The file that a parameter names: an upload of this call or a file_id.

    Raises:
        Refusal: 400 when it is neither. Addresses are not fetched: this server is on no network.
    """
    name = str(source)
    if name.startswith("attach://"):
        upload = request.uploads.get(name.removeprefix("attach://"))
        if upload is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return world.files.store(upload, photo=photo)
    if name.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")
    return world.files.find(name)


def _add(world: World, chat: Chat, params: Json, **content: Any) -> Message:
    markup = check_markup(params.get("reply_markup"))
    thread = params.get("message_thread_id")
    if thread is not None and thread not in chat.topics:
        raise bad_request("message thread not found")
    if thread in chat.closed_topics:
        raise bad_request("TOPIC_CLOSED")
    extra: Json = content.pop("extra", {}) | _reply(world, chat, params)
    return world.add_message(chat, sender=world.bot, markup=markup, thread_id=thread, extra=extra, **content)


def _reply(world: World, chat: Chat, params: Json) -> Json:
    reply = params.get("reply_parameters") or {}
    number = reply.get("message_id") or params.get("reply_to_message_id")
    if number is None:
        return {}
    replied = world.find_message(chat, number)
    if replied is not None:
        return {"reply_to_message": world.to_json(replied)}
    if reply.get("allow_sending_without_reply") or params.get("allow_sending_without_reply"):
        return {}
    raise bad_request("message to be replied not found")


def _source(world: World, params: Json, *, verb: str) -> Message:
    source = world.find_message(world.chat(params["from_chat_id"]), params["message_id"])
    if source is None:
        raise bad_request(f"message to {verb} not found")
    return source


def _content(source: Message) -> Json:
    return {
        "text": source.text,
        "entities": list(source.entities),
        "caption": source.caption,
        "photo": source.photo,
        "document": source.document,
    }
