"""What a call says: parameters from query, form, multipart or JSON, held against the published methods.

Names, required ones and types come from aiogram's method classes (generated from Telegram's own
documentation), so that the list is nobody's memory. Stricter than Telegram in one thing: a parameter
that the method does not know is refused, where Telegram would ignore it.
"""

from __future__ import annotations

import json
import types
import typing
from dataclasses import dataclass, field
from typing import Any

import aiogram.methods
from aiogram.client.default import Default
from aiogram.methods import TelegramMethod
from aiohttp import web
from pydantic import ValidationError

from bot.sandbox.refusals import Json, bad_request

Method = type[TelegramMethod[Any]]
MISSING = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "callback_query_id": "query is too old and response timeout expired or query ID is invalid",
}
EDITS = {"editmessagetext", "editmessagecaption", "editmessagemedia", "editmessagereplymarkup"}


@dataclass(frozen=True)
class Upload:
    """A file that came with the call."""

    name: str
    content: bytes
    content_type: str


@dataclass
class Call:
    """A call as it was understood, and later what came of it."""

    method: str
    params: Json
    uploads: dict[str, Upload] = field(default_factory=dict)
    at: float = 0.0  # machine time, seconds since 1970
    result: Any = None
    error: int = 0  # the code of the refusal; 0 = carried out


def _published() -> dict[str, Method]:
    classes = (getattr(aiogram.methods, name) for name in aiogram.methods.__all__)
    return {
        c.__api_method__.lower(): c
        for c in classes
        if isinstance(c, type) and issubclass(c, TelegramMethod) and c is not TelegramMethod
    }


PUBLISHED = _published()


async def read_parameters(request: web.Request) -> tuple[Json, dict[str, Upload]]:
    """Parameters (still as written) and uploads, wherever the request put them."""
    params: Json = dict(request.query)
    uploads: dict[str, Upload] = {}
    if request.method == "GET" or not request.can_read_body:
        return params, uploads
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError:
            raise bad_request("can't parse JSON of the request") from None
        if not isinstance(body, dict):
            raise bad_request("the request is expected to be a JSON object")
        return params | body, uploads
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            uploads[name] = Upload(value.filename, value.file.read(), value.content_type)
        else:
            params[name] = value
    return params, uploads


def check(method: str, params: Json, uploads: dict[str, Upload]) -> Json:
    """The parameters with their types, every name known and every required one there.

    Raises:
        Refusal: 400, naming the parameter.
    """
    published = PUBLISHED[method]
    fields = published.model_fields
    given = dict(params)
    given |= {name: f"attach://{name}" for name in uploads if name in fields and name not in given}
    for name in given:
        if name not in fields:
            raise bad_request(f'unknown parameter "{name}" of {published.__api_method__}')
    typed = {
        name: _typed(name, value, leaves=_leaves(fields[name].annotation))
        for name, value in given.items()
        if value is not None
    }
    required = [name for name, info in fields.items() if info.is_required()]
    for name in [*required, *(("chat_id", "message_id") if method in EDITS else ())]:
        if name not in typed and "inline_message_id" not in typed:
            raise bad_request(MISSING.get(name, f'parameter "{name}" is required'))
    _validate(published, typed)
    return typed


def _validate(published: Method, typed: Json) -> None:
    try:
        published.model_validate(typed)
    except ValidationError as fault:
        first = fault.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise bad_request(f"can't parse {place}: {first['msg']}") from None


def _leaves(annotation: Any) -> set[Any]:
    """The plain types that a parameter may have."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _leaves(typing.get_args(annotation)[0])
    if origin in {typing.Union, types.UnionType}:
        return set().union(*(_leaves(part) for part in typing.get_args(annotation))) - {Default, type(None)}
    return {origin or annotation}


def _typed(name: str, value: Any, *, leaves: set[Any]) -> Any:
    """A value from a form is text: read it as what the parameter is."""
    if not isinstance(value, str):
        return str(value) if leaves == {str} else value
    if int in leaves and value.strip().lstrip("-").isdecimal():
        return int(value)
    if str in leaves:
        return value
    if leaves == {bool} and value.lower() in {"true", "yes", "1", "false", "no", "0", ""}:
        return value.lower() in {"true", "yes", "1"}
    try:
        return json.loads(value)
    except ValueError:
        raise bad_request(f"can't parse {name} JSON object") from None
