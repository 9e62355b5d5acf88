"""``GET /api/v1/openapi.json``: the API as OpenAPI 3.1, made from the routes and what each endpoint says of itself.

Every answer that an operation can give is in it, with the codes of its refusals. A fault of ours (500) is not.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_core import core_schema
from typing_extensions import TypedDict

from referrals.web.api.calls import Work
from referrals.web.api.messages import MEANINGS, MESSAGES, SIGNED_HEADERS
from referrals.web.api.problems import reply
from referrals.web.api.shapes import Number
from referrals.web.api.spec import SPECS, Codes, Spec

Json = dict[str, Any]
Lookup = Callable[[JsonSchemaMode, Any], Json]  # the schema of a type
Route = tuple[str, str, str, Work]  # method, path, scope, endpoint

ALWAYS: Codes = {
    400: ("body_broken",),
    401: ("unauthorised",),
    403: ("scope_missing",),
    408: ("body_too_slow",),
    413: ("body_too_large",),
    429: ("too_many_requests", "too_many_bad_keys"),
    503: ("unavailable",),
}
WITH_BODY: Codes = {400: ("invalid_json",)}
WITH_NUMBER: Codes = {404: ("not_found",)}
WITH_KEY: Codes = {409: ("idempotency_key_reused", "request_in_flight"), 422: ("idempotency_key_invalid",)}
KEY_REQUIRED: Codes = {422: ("idempotency_key_required",)}
WAITS = (409, 429, 503)  # may say when to try again
ABOUT = """Send a key as `Authorization: Bearer amb_…`; `ambassade api-key create` makes one, with the scopes it needs.

Refusals are problem details (RFC 9457) with a `code` for programs. Lists have cursors: ask again with `next_cursor` as
`cursor`, until it is null. A POST with an `Idempotency-Key` has one effect and one reply for 24 hours, however often it
is sent. A key may ask 600 times a minute; 429 and 503 say in `Retry-After` when to come back. Another method than those
listed is 405 and an address that is not listed 404, problems both. Bodies are JSON of at most 1 MiB; a header over
16 KiB is 431 and nothing more. Money is whole minor units with a currency."""
REF = "#/components/schemas/{model}"
PROBLEM = REF.format(model="ProblemDetails")
OnceKey = Annotated[str, Field(pattern="^[!-~]([ -~]{0,253}[!-~])?$", examples=["order-1001-paid"])]
PLACES = re.compile(r"{(\w+)}")
RULES = re.compile(r" \(rules? [^)]*\)")


class ProblemDetails(TypedDict):
    """A refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str


class Schemas(GenerateJsonSchema):
    """Without a title a field, and with all that an answer always holds marked as required."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        """Never: the field's name says it."""
        return False

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,  # noqa: FBT001 - pydantic's signature
    ) -> bool:
        """A dataclass' default says what is made of nothing, not that an answer may lack it."""
        return field["type"] == "dataclass-field" or super().field_is_required(field, total)


def serve_document(root: str, routes: Iterable[Route]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The handler: the document is made at the first request, beside the event loop, and kept."""
    made = cache(lambda: make_document(root, tuple(routes)))

    async def handle(_request: web.Request) -> web.Response:
        return reply(200, await asyncio.to_thread(made))

    return handle


def make_document(root: str, routes: Iterable[Route]) -> Json:
    """The document of these routes. Raises KeyError for an endpoint that does not say what it takes and answers."""
    kept = [(method, path, scope, work, SPECS[work]) for method, path, scope, work in routes]
    schemas, definitions = _schemas(spec for *_, spec in kept)
    paths: dict[str, Json] = {}
    for method, path, scope, work, spec in kept:
        paths.setdefault(path, {})[method.lower()] = _operation(path, scope, work, spec, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ambassade", "version": "1", "description": ABOUT},
        "servers": [{"url": root}],
        "paths": paths,
        "webhooks": {kind: _told(kind, message, schemas) for kind, message in MESSAGES.items()},
        "components": {
            "schemas": definitions,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A key with the scope."}},
        },
    }


def _told(kind: str, message: Any, schemas: Lookup) -> Json:
    """What is posted to an endpoint of ``/webhooks``, and what its answers mean."""
    schema = {"allOf": [schemas("serialization", message), {"properties": {"type": {"const": kind}}}]}
    what = (MEANINGS[kind], "Signed after Standard Webhooks 1.0.0; the same `webhook-id` is the same message.")
    headers = [
        _parameter("header", name, says, {"type": "string"}, required=True) for name, says in SIGNED_HEADERS.items()
    ]
    operation = {
        "operationId": "told_" + kind.replace(".", "_"),
        "summary": kind,
        "description": "\n\n".join(what),
        "tags": ["webhooks"],
        "parameters": headers,
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {
            "2XX": {"description": "It arrived. Anything else is tried again for 24 hours."},
            "410": {"description": "Nobody wants it here: the endpoint is switched off."},
        },
    }
    return {"post": operation}


def _operation(path: str, scope: str, work: Work, spec: Spec, schemas: Lookup) -> Json:
    what = RULES.sub("", (work.__doc__ or "").strip()).replace("``", "`")
    operation: Json = {
        "operationId": work.__name__,
        "summary": work.__name__.replace("_", " ").capitalize(),
        "description": f"{what}\n\nScope: `{scope}`.",
        "tags": [path.split("/")[1]],
        "security": [{"key": [scope]}],
        "parameters": list(_parameters(path, spec, schemas)),
        "responses": _responses(path, spec, schemas),
    }
    if spec.takes is not None:
        content = {"application/json": {"schema": schemas("validation", spec.takes)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(path: str, spec: Spec, schemas: Lookup) -> Iterable[Json]:
    for name in PLACES.findall(path):
        yield _parameter("path", name, "The public number.", schemas("validation", Number), required=True)
    for each in spec.query:
        yield _parameter("query", each.name, each.says, schemas("validation", each.type))
    if spec.once is not None:
        says = "The same key with the same body has one effect and one reply for 24 hours."
        shape = schemas("validation", OnceKey)
        yield _parameter("header", "Idempotency-Key", says, shape, required=spec.once == "required")
    if spec.speaks:
        yield _parameter(
            "header", "Accept-Language", "Chooses the language of sentences: nl or en.", {"type": "string"}
        )


def _parameter(place: str, name: str, says: str, schema: Json, *, required: bool = False) -> Json:
    return {"in": place, "name": name, "description": says, "required": required, "schema": schema}


def _responses(path: str, spec: Spec, schemas: Lookup) -> Json:
    """Every answer by its status: those of the endpoint, and each refusal with its codes."""
    said = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": schemas("serialization", shape)}},
        }
        for status, shape in spec.answers.items()
    }
    return said | {str(status): _refusal(status, codes) for status, codes in sorted(_refusals(path, spec).items())}


def _refusals(path: str, spec: Spec) -> dict[int, tuple[str, ...]]:
    kinds = [
        ALWAYS,
        WITH_BODY if spec.takes is not None else {},
        WITH_NUMBER if "{" in path else {},
        WITH_KEY if spec.once is not None else {},
        KEY_REQUIRED if spec.once == "required" else {},
        spec.refuses,
    ]
    found: dict[int, tuple[str, ...]] = {}
    for codes in kinds:
        for status, more in codes.items():
            found[status] = (*found.get(status, ()), *more)
    return found


def _refusal(status: int, codes: tuple[str, ...]) -> Json:
    schema = {"allOf": [{"$ref": PROBLEM}, {"properties": {"status": {"const": status}, "code": {"enum": [*codes]}}}]}
    headers = {}
    if status in WAITS:
        headers["Retry-After"] = _header("Seconds after which it may go better.", {"type": "integer", "minimum": 1})
        headers["Retry-After"]["required"] = status != HTTPStatus.CONFLICT  # of two conflicts one passes by waiting
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = _header("How to show a key.", {"const": "Bearer"})
    return {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(f'`{code}`' for code in codes)}.",
        **({"headers": headers} if headers else {}),
        "content": {"application/problem+json": {"schema": schema}},
    }


def _header(says: str, schema: Json) -> Json:
    return {"description": says, "required": True, "schema": schema}


def _schemas(specs: Iterable[Spec]) -> tuple[Lookup, Json]:
    """Looks up the schema of a type; and all that these schemas refer to, by name."""
    wanted: list[tuple[JsonSchemaMode, Any]] = [("validation", Number), ("validation", OnceKey)]
    wanted.append(("serialization", ProblemDetails))
    wanted += [("serialization", message) for message in MESSAGES.values()]
    for spec in specs:
        wanted += [("validation", spec.takes)] if spec.takes is not None else []
        wanted += [("validation", each.type) for each in spec.query]
        wanted += [("serialization", shape) for shape in spec.answers.values()]
    inputs = [(id(shape), mode, TypeAdapter(shape)) for mode, shape in wanted]
    made, rest = TypeAdapter.json_schemas(inputs, ref_template=REF, schema_generator=Schemas)
    return lambda mode, shape: made[id(shape), mode], rest["$defs"]
