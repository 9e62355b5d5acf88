"""The try-out in the browser: three phones side by side, the shop, and the time machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from bot.sandbox.listening import Listener
from bot.sandbox.live import Live
from bot.sandbox.people import NotPossible, Person
from bot.sandbox.refusals import Json
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.sharing import Notes
from bot.sandbox.shop import NotNow, Shop
from bot.sandbox.shop_page import ShopPage
from bot.sandbox.shop_rest import add_rest
from bot.sandbox.views import Views
from bot.sandbox.words import Say, words

MOST_DAYS, MOST_MONTHS = 366, 12  # at one press
STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class TimeMachine(Protocol):
    """Moves the programme's clock; what falls due on the way happens before it returns the new time."""

    async def later(self, *, enough: Callable[[], bool]) -> datetime:
        """To the next due moment after which it is enough, landing at 10:00 on a day that is not quiet."""

    async def forward(self, days: int = 0, *, months: int = 0) -> datetime:
        """So many days and calendar months on."""


class Page:
    """The page's site: its own address, nothing that the programme could mistake for its own."""

    def __init__(
        self,
        sandbox: Sandbox,
        shop: Shop,
        *,
        say: Say,
        roles: dict[int, str],
        time_machine: TimeMachine,
        programme_now: Callable[[], datetime],
        desk_url: str = "",
        wall_url: str = "",
        timezone: str = "Europe/Amsterdam",
    ) -> None:
        self._sandbox = sandbox
        self._shop = shop
        self._say = say
        self._roles = roles  # person → role, in the order of the panes
        self._time_machine = time_machine
        self._programme_now = programme_now
        self._settings = {"desk": desk_url, "wall": wall_url, "zone": timezone}
        self._notes = Notes(sandbox.world)
        self._views = Views(sandbox.world, sandbox.methods.profile, self._notes)
        self._live = Live()
        self._heard = False  # whether the bot wrote to somebody on the page since it was last asked
        self._listener = Listener(self._app())
        sandbox.world.listeners.append(self._changed)

    @property
    def url(self) -> str:
        """The address to open in a browser."""
        return self._listener.url

    async def start(self, port: int, *, host: str) -> None:
        """Listen; a port in use moves to the next."""
        await self._listener.start(host=host, port=port)
        self._shop.url = self.url

    async def stop(self) -> None:
        """Close the site."""
        await self._listener.stop()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[_guard])
        app.router.add_get("/", self._file("chat.html"))
        app.router.add_get("/shop", self._file("shop.html"))
        app.router.add_get("/t.me/{bot}", self._deep_link)
        app.router.add_static("/static/", STATIC)
        app.router.add_get("/api/state", self._state)
        app.router.add_get("/api/events", self._events)
        app.router.add_get("/api/files/{id}", self._stored)
        app.router.add_post("/api/people/{id}/{action}", self._act)
        app.router.add_post("/api/time/{action}", self._move_time)
        app.router.add_post("/api/language", self._language)
        shop = ShopPage(self._shop, say=self._say, people=self._cast, changed=self._live.tell)
        shop.add_routes(app)
        add_rest(app, self._shop)
        return app

    def _people(self) -> list[Person]:
        return [self._sandbox.people[id] for id in self._roles]

    def _cast(self) -> list[tuple[Person, str]]:
        return [(person, self._roles[person.id]) for person in self._people()]

    def _file(self, name: str) -> Callable[[web.Request], Any]:
        async def serve(_: web.Request) -> web.StreamResponse:
            return web.FileResponse(STATIC / name)

        return serve

    async def _state(self, request: web.Request) -> web.Response:
        locale = "en" if request.query.get("locale") == "en" else "nl"
        panes = [
            self._views.pane(person, role=self._roles[person.id]) | {"messages": self._views.messages(person)}
            for person in self._people()
        ]
        bot = {"name": self._sandbox.world.bot.first_name, "username": self._sandbox.username}
        clock = self._clock()["now"]
        body = {"words": words(self._say, locale), "bot": bot, "people": panes, "now": clock, **self._settings}
        return web.json_response(body)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await self._live.stream(request, heartbeat=self._clock)

    async def _stored(self, request: web.Request) -> web.Response:
        file = self._sandbox.world.files.find(request.match_info["id"])
        plain = file.size is None
        headers = {"Content-Disposition": f'attachment; filename="{Path(file.name).name}"'} if plain else {}
        content_type = "application/octet-stream" if plain else "image/png"
        return web.Response(body=file.content, content_type=content_type, headers=headers)

    async def _act(self, request: web.Request) -> web.Response:
        person = self._sandbox.people[int(request.match_info["id"])]
        body = await request.json()
        try:
            reply = self._do(person, request.match_info["action"], body)
        except (NotPossible, LookupError, ValueError) as fault:
            return web.json_response({"fault": str(fault)}, status=409)
        return web.json_response(reply)

    def _do(self, person: Person, action: str, body: Json) -> Json:
        match action:
            case "start":
                person.start(body.get("payload") or None)
            case "say":
                said = self._sandbox.world.chats[person.id].messages
                person.say(str(body["text"])[:4096], reply_to=said[body["reply_to"]] if "reply_to" in body else None)
            case "press":
                message = self._sandbox.world.chats[person.id].messages[body["message"]]
                person.press_on(message, message.rows[body["row"]][body["column"]])
            case "block":
                person.block()
            case "unblock":
                person.unblock()
            case "send":
                self._notes.send(int(body["to"]), sender=person.id, text=str(body["text"])[:4096])
            case _:
                raise LookupError(action)
        return {}

    async def _move_time(self, request: web.Request) -> web.Response:
        body = await request.json()
        if request.match_info["action"] == "later":
            self._heard = False
            await self._time_machine.later(enough=lambda: self._heard)
        elif "months" in body:
            await self._time_machine.forward(months=max(1, min(int(body["months"]), MOST_MONTHS)))
        else:
            await self._time_machine.forward(max(1, min(int(body["days"]), MOST_DAYS)))
        self._live.tell(self._clock())
        return web.json_response(self._clock())

    async def _language(self, request: web.Request) -> web.Response:
        """The language of the three phones; the bot sees it with their next message."""
        locale = (await request.json()).get("locale")
        for person in self._people():
            person.user.language_code = "en" if locale == "en" else "nl"
            self._sandbox.world.touch("person", person.id)
        return web.json_response({})

    async def _deep_link(self, request: web.Request) -> web.Response:
        """A t.me link of the try-out: the chat page asks who tapped it."""
        raise web.HTTPFound(f"/?{request.query_string}" if request.query_string else "/?start=")

    def _clock(self) -> Json:
        return {"kind": "clock", "now": self._programme_now().isoformat()}

    def _changed(self, kind: str, chat_id: int, what: Any) -> None:
        for person in self._people():
            if kind in {"commands", "person"} or (person.id == chat_id and kind == "message"):
                pane = self._views.pane(person, role=self._roles[person.id])
                self._live.tell({"kind": "pane", "chat": person.id, "pane": pane})
        self._heard = self._heard or (chat_id in self._roles and kind == "message")
        if chat_id in self._roles and kind in {"message", "note", "answer", "action", "press"}:
            self._live.tell(self._views.event(kind, what) | {"chat": chat_id})


@web.middleware
async def _guard(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    """Only this page may post here: other sites cannot send JSON without asking first."""
    if request.method == "POST" and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        response: web.StreamResponse = await handler(request)
    except NotNow as fault:
        response = web.json_response({"fault": str(fault)}, status=409)
    except (KeyError, TypeError, IndexError) as fault:
        raise web.HTTPBadRequest(text=type(fault).__name__) from fault
    except web.HTTPFound as redirect:
        response = web.Response(status=redirect.status, headers={"Location": str(redirect.location)})
    if not response.prepared:
        response.headers.update(HEADERS)
    return response
