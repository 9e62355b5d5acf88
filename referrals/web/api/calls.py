"""One call of the API: who calls, whether they may, what they say, and how whatever goes wrong is answered."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web
from sqlmodel import Session

from referrals.errors import ProgrammeError
from referrals.keys import KeyView, find_key
from referrals.reasons import Reason
from referrals.recruiting.shops import Nonsense, reading
from referrals.web.api.idempotency import Claim, Reply, answer_once, read_key
from referrals.web.api.problems import Problem, of_error, problem_response, reply
from referrals.web.door import RETRY_AFTER_SECONDS, Door
from referrals.web.pages import locale_of
from referrals.web.serving import BodyRefused, read_body
from storage.database import OutcomeUnknown, Overloaded

log = structlog.get_logger()

Work = Callable[["Call"], Awaitable[web.Response]]
BUSY = Problem(503, "unavailable", "The database is busy or away; try again.", retry_after=RETRY_AFTER_SECONDS)
BROKEN = Problem(500, "internal_error", "The fault is ours and has been logged.")


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose key is known and may do this."""

    request: web.Request
    door: Door
    key: KeyView
    bearer: str
    body: bytes
    in_flight: set[tuple[int, str, str, str]]

    @property
    def data(self) -> dict[str, Any]:
        """The JSON object of the body. Raises Problem 400 for anything else."""
        try:
            return reading.read_object(self.body)
        except Nonsense as error:
            raise Problem(400, "invalid_json", error.reason) from error

    @property
    def actor(self) -> str:
        """Who this is in the audit log."""
        return f"key:{self.key.name}"

    def number(self, kind: str, *, name: str = "number") -> int:
        """The id behind the public number in the path. Raises Problem 404."""
        found = self.door.programme.identifier(kind, self.request.match_info[name])
        if found is None:
            raise Problem(404, f"unknown_{kind}", f"No {kind} has this number.")
        return found

    def explained(self, reasons: list[Reason] | tuple[Reason, ...]) -> list[dict[str, Any]]:
        """The reasons, each with its sentence in the caller's language."""
        locale = locale_of(self.request, self.door.programme.config.programme.locale)
        return [each | {"text": _sentence(self.door, each, locale)} for each in reasons]

    def claim(self, *, required: bool = False, sealed: bool = False) -> Claim | None:
        """The Idempotency-Key with all that it stands for. Raises Problem 422 where one is required."""
        value = read_key(self.request.headers.get("Idempotency-Key"))
        if value is None:
            if required:
                raise Problem(422, "idempotency_key_required", "This request needs an Idempotency-Key.")
            return None
        return Claim(
            self.key.id, self.request.method, self.request.path, value, hashlib.sha256(self.body).hexdigest(),
            self.bearer.encode() if sealed else None,
        )  # fmt: skip

    async def once(self, work: Callable[[Session], Reply], claim: Claim | None) -> web.Response:
        """The work is committed and answered; under a claim once, whoever asks again. Raises Problem 409."""
        write = functools.partial(answer_once, machine_now=self.door.clock.machine())
        if claim is None:
            done = await self.door.database.write(write, work, None)
            return reply(done.status, done.body)
        if claim.scope in self.in_flight:
            raise Problem(409, "request_in_flight", "The same request is being worked on.", retry_after=1)
        self.in_flight.add(claim.scope)
        try:
            done = await self.door.database.write(write, work, claim)
        finally:
            self.in_flight.discard(claim.scope)
        return reply(done.status, done.body)


class Endpoints:
    """Makes handlers: all calls of one application know of each other's keys in flight."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._in_flight: set[tuple[int, str, str, str]] = set()

    def handler(self, scope: str, work: Work) -> Callable[[web.Request], Awaitable[web.Response]]:
        """The work as a handler, for keys with this scope."""

        async def handle(request: web.Request) -> web.Response:
            try:
                return await work(await self._open(request, scope))
            except Problem as problem:
                return problem_response(problem)
            except ProgrammeError as error:
                return problem_response(of_error(error))
            except BodyRefused as refused:
                return problem_response(Problem(refused.status, refused.code, "The body could not be taken."))
            except (Overloaded, OutcomeUnknown):
                return problem_response(BUSY)
            except Exception:
                log.exception("api.failed", method=request.method, route=scope)
                return problem_response(BROKEN)

        return handle

    async def _open(self, request: web.Request, scope: str) -> Call:
        bearer = _bearer(request)
        key = await self._door.database.read(find_key, bearer) if bearer else None
        if key is None:
            raise self._unauthorised(request)
        if wait := self._door.api_requests.spend(str(key.id), at=time.monotonic()):
            raise Problem(429, "too_many_requests", "A key may ask 600 times a minute.", retry_after=wait)
        if not key.allows(scope):
            raise Problem(403, "scope_missing", f"This key lacks the scope {scope}.")
        body = await read_body(request) if request.can_read_body else b""
        return Call(request, self._door, key, bearer, body, self._in_flight)

    def _unauthorised(self, request: web.Request) -> Problem:
        wait = self._door.bad_keys.spend(self._door.clients.name(request), at=time.monotonic())
        if wait:
            return Problem(429, "too_many_bad_keys", "Too many requests without a valid key.", retry_after=wait)
        return Problem(401, "unauthorised", "Send a valid key as Authorization: Bearer.")


def _bearer(request: web.Request) -> str:
    values = request.headers.getall("Authorization", ())
    scheme, _, key = (values[0] if len(values) == 1 else "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _sentence(door: Door, reason: Reason, locale: str) -> str:
    data = {name: value for name, value in reason.items() if name != "code"}
    try:
        return door.say(f"reason.{reason['code']}", locale, **data)
    except KeyError:
        return str(reason["code"])
