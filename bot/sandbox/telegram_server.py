"""The Bot API over HTTP: ``/bot{token}/{method}`` and ``/file/bot{token}/{path}``."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from bot.sandbox.faults import Fault
from bot.sandbox.listening import Listener
from bot.sandbox.methods import Methods
from bot.sandbox.parameters import read_parameters
from bot.sandbox.refusals import Json, Refusal

MOST_BODY = 50 * 1024 * 1024
BAD_GATEWAY = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>502 Bad Gateway</body>\r\n</html>\r\n"


class TelegramServer:
    """One bot's Bot API; knows one token and refuses any other."""

    def __init__(self, methods: Methods, *, token: str) -> None:
        self._methods = methods
        self._token = token
        self._listener = Listener(self._app(), cancels=True)

    @property
    def url(self) -> str:
        """The address to put in ``telegram.api_server``."""
        return self._listener.url

    async def start(self, *, host: str, port: int) -> None:
        """Listen; port 0 is any free one."""
        await self._listener.start(host=host, port=port)

    async def stop(self) -> None:
        """Refuse connections and end those that wait."""
        await self._listener.stop()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=MOST_BODY)
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_get("/file/bot{token}/{path:.+}", self._file)
        app.router.add_route("*", "/{any:.*}", self._unknown)
        return app

    async def _call(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != self._token:
            return _answer(Refusal(401, "Unauthorized").body(), status=401)
        method = request.match_info["method"].lower()
        try:
            params, uploads = await read_parameters(request)
            fault = self._methods.faults.next_fault(method, _number(params.get("chat_id")))
            if fault is not None and fault.kind != "reset-after":
                return await self._fail(request, fault)
            call = await self._methods.call(method, params, uploads)
            if fault is not None:
                return _drop(request)
        except Refusal as refusal:
            return _answer(refusal.body(), status=refusal.code)
        return _answer({"ok": True, "result": call.result})

    async def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.kind == "hang":
            await asyncio.sleep(fault.seconds)
        if fault.kind in {"hang", "reset"}:
            return _drop(request)
        if fault.kind == "502-html":
            return web.Response(text=BAD_GATEWAY, status=502, content_type="text/html")
        raise fault.refusal()

    async def _file(self, request: web.Request) -> web.StreamResponse:
        file = self._methods.world.files.at(request.match_info["path"])
        if request.match_info["token"] != self._token or file is None:
            return await self._unknown(request)
        return web.Response(body=file.content, content_type="application/octet-stream")

    async def _unknown(self, _: web.Request) -> web.StreamResponse:
        return _answer(Refusal(404, "Not Found").body(), status=404)


def _answer(body: Json, *, status: int = 200) -> web.Response:
    headers = {"Retry-After": str(body["parameters"]["retry_after"])} if "parameters" in body else None
    return web.json_response(body, status=status, headers=headers, dumps=_dumps)


def _dumps(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False)


def _drop(request: web.Request) -> web.StreamResponse:
    """Close the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() else value
