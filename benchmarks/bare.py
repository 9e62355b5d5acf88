"""What our handlers are compared with: the same requests answered by aiohttp alone, without a database. Fixed code."""

from __future__ import annotations

import base64
import hmac
import json

from aiohttp import web

from benchmarks.requests import KEY, SECRET_HEADER, TELEGRAM_SECRET

LOCATION = "https://shop.example/?ref=ANNA7K3Q&click=rT0k3nrT0k3nrT0k3nrT0k"
ANSWER = {"status": "applied", "order": "1001", "reasons": []}


async def click(_request: web.Request) -> web.Response:
    """A fixed redirect."""
    return web.Response(status=302, headers={"Location": LOCATION})


async def order(request: web.Request) -> web.Response:
    """The signature, the JSON, an answer."""
    body = await request.read()
    headers = request.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    made = base64.b64encode(hmac.digest(KEY, signed, "sha256")).decode()
    if not hmac.compare_digest(headers["webhook-signature"], f"v1,{made}"):
        return web.json_response({"status": "refused"}, status=401)
    data = json.loads(body)["data"]
    return web.json_response({**ANSWER, "order": data["id"]})


async def update(request: web.Request) -> web.Response:
    """The secret, the JSON, an answer."""
    if not hmac.compare_digest(request.headers[SECRET_HEADER], TELEGRAM_SECRET):
        return web.json_response({}, status=401)
    number = json.loads(await request.read())["update_id"]
    return web.json_response({}, status=200 if number else 400)


def bare_app() -> web.Application:
    """The three of them at the same addresses."""
    app = web.Application()
    app.router.add_get("/r/{code}", click)
    app.router.add_post("/hooks/{shop}", order)
    app.router.add_post("/telegram/webhook", update)
    return app
