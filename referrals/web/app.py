"""The web door as one application: which address leads to which room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog
from aiohttp import hdrs, web

from referrals.clock import Clock
from referrals.programme import Programme
from referrals.web.api import add_api
from referrals.web.connect_page import connect_page, connect_qr
from referrals.web.door import DOOR, Door, Say
from referrals.web.friend_page import friend_page, friend_qr
from referrals.web.health import READINESS, Readiness, healthz, readyz
from referrals.web.hooks import Hooks, not_allowed
from referrals.web.limits import MAX_BODY_BYTES, Clients
from referrals.web.look import ICON_PATH, LOGO_PATH, STYLE_PATH, serve_icon, serve_logo, serve_style
from referrals.web.pages import notice_page, page
from referrals.web.redirect import Redirect
from referrals.web.snippet import SNIPPET_PATH, serve_snippet
from referrals.web.wall import wall_json, wall_page
from storage.database import Database

log = structlog.get_logger()

UpdateHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(
    database: Database,
    *,
    programme: Programme,
    clock: Clock,
    say: Say,
    bot_name: str | None = None,
    telegram_inbox: UpdateHandler | None = None,
) -> web.Application:
    """The application, ready for ``serving.start_web``. It has no middleware: hooks and links are hot paths.

    Args:
        database: Open; whoever opened it closes it.
        programme: This installation's programme.
        clock: The machine's and the programme's time.
        say: Every word on the pages, as ``say(key, locale, **data)``.
        bot_name: The bot's name without @, where the caller knows it (rules 22).
        telegram_inbox: What takes Telegram's updates at ``POST /telegram/webhook``, if this process does.
    """
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    door = Door(database, programme, clock, say, bot_name)
    door = replace(door, clients=Clients(programme.config.web.trusted_proxies))
    app[DOOR] = door
    app[READINESS] = Readiness()
    _add(app, hdrs.METH_GET, "/healthz", healthz)
    _add(app, hdrs.METH_GET, "/readyz", readyz)
    app.router.add_get(r"/r/{code:[\s\S]+}", Redirect(door).__call__)
    _add(app, hdrs.METH_POST, "/hooks/{shop}", Hooks(door).__call__, otherwise=not_allowed)
    _add(app, hdrs.METH_GET, "/i/{code}.svg", page(friend_qr))
    _add(app, hdrs.METH_GET, "/i/{code}", page(friend_page))
    _add(app, hdrs.METH_GET, "/", _front_door)
    _add(app, hdrs.METH_GET, "/c", page(connect_page))
    _add(app, hdrs.METH_GET, "/c.svg", page(connect_qr))
    _add(app, hdrs.METH_GET, "/wall", page(wall_page))
    _add(app, hdrs.METH_GET, "/wall.json", page(wall_json))
    _add(app, hdrs.METH_GET, SNIPPET_PATH, page(serve_snippet))
    _add(app, hdrs.METH_GET, STYLE_PATH, page(serve_style))
    _add(app, hdrs.METH_GET, LOGO_PATH, page(serve_logo))
    _add(app, hdrs.METH_GET, ICON_PATH, page(serve_icon))
    if telegram_inbox is not None:
        _add(app, hdrs.METH_POST, "/telegram/webhook", telegram_inbox)
    add_api(app, door)
    app.router.add_route("*", r"/{rest:[\s\S]*}", page(_not_found))
    return app


def _add(
    app: web.Application, method: str, path: str, handler: UpdateHandler, *, otherwise: UpdateHandler | None = None
) -> None:
    """The handler answers this method; any other method is told so."""
    resource = app.router.add_resource(path)
    resource.add_route(method, handler)
    if method == hdrs.METH_GET:
        resource.add_route(hdrs.METH_HEAD, handler)
    resource.add_route("*", otherwise or page(_wrong_method(method)))


def _wrong_method(method: str) -> UpdateHandler:
    async def refuse(request: web.Request) -> web.Response:
        response = notice_page(request, "wrong_method", status=405)
        response.headers["Allow"] = "GET, HEAD" if method == hdrs.METH_GET else method
        return response

    return refuse


async def _front_door(_request: web.Request) -> web.Response:
    """Whoever only knows the address wants to come in."""
    return web.Response(status=302, headers={"Location": "/c", "Server": "ambassade"})


async def _not_found(request: web.Request) -> web.Response:
    return notice_page(request, "not_found", status=404)
