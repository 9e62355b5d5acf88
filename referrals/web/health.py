"""``/healthz``: the process answers. ``/readyz``: it may be sent work."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import text
from sqlmodel import Session

from referrals.web.door import DOOR
from storage.schema import is_at_head

PATIENCE_SECONDS = 3.0
HEADERS = {"Cache-Control": "no-store", "Server": "ambassade"}


@dataclass
class Readiness:
    """Whether this process still takes work; the wiring sets ``stopping`` before it closes its listeners."""

    stopping: bool = False
    migrated: bool = False  # once seen, a schema does not go away under us


READINESS: web.AppKey[Readiness] = web.AppKey("readiness", Readiness)


async def healthz(_request: web.Request) -> web.Response:
    """200 as long as the process answers at all."""
    return web.json_response({"status": "alive"}, headers=HEADERS)


async def readyz(request: web.Request) -> web.Response:
    """200 with a database at this version's schema and nobody stopping us, else 503 with what is missing."""
    fault = await _fault(request.app)
    if fault is None:
        return web.json_response({"status": "ready"}, headers=HEADERS)
    return web.json_response({"status": "not_ready", "code": fault}, status=503, headers=HEADERS)


async def _fault(app: web.Application) -> str | None:
    readiness, database = app[READINESS], app[DOOR].database
    if readiness.stopping:
        return "stopping"
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await database.read(_knock)
            readiness.migrated = readiness.migrated or await asyncio.to_thread(is_at_head, database.url)
    except Exception:  # noqa: BLE001 - whatever it was, this process cannot work now
        return "database"
    return None if readiness.migrated else "migrations"


def _knock(session: Session) -> None:
    session.connection().execute(text("SELECT 1"))
