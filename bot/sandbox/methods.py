"""The methods by name, and how one call is carried out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bot.sandbox import editing, profile, sending
from bot.sandbox.faults import Faults
from bot.sandbox.parameters import PUBLISHED, Call, Upload, check
from bot.sandbox.profile import Profile
from bot.sandbox.refusals import Json, Refusal, bad_request, conflict
from bot.sandbox.sending import Request
from bot.sandbox.updates import Polling, Updates
from bot.sandbox.webhooks import DEFAULT_CONNECTIONS, Webhooks
from bot.sandbox.world import World

Plain = Callable[[Request], Any]
POLLING_MEANWHILE = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


class Methods:
    """What the bot can ask of Telegram; every call is recorded in ``calls``."""

    def __init__(self, world: World, updates: Updates, faults: Faults) -> None:
        self.world = world
        self.updates = updates
        self.faults = faults
        self.profile = Profile()
        self.polling = Polling(updates)
        self.webhooks = Webhooks(updates, seconds=world.seconds, call=self._from_reply)
        self.calls: list[Call] = []
        self._plain = self._table()
        self._waiting: dict[str, Callable[[Json], Awaitable[Any]]] = {"getupdates": self._get_updates}

    async def call(self, method: str, params: Json, uploads: dict[str, Upload]) -> Call:
        """Carry out one call; its result, or the refusal's code, is in the record that is returned.

        Raises:
            Refusal: for everything that Telegram would not do.
        """
        call = Call(method, params, uploads, at=self.world.seconds())
        self.calls.append(call)
        try:
            self._check_known(method)
            call.params = typed = check(method, params, uploads)
            self.faults.check_flood(method, typed.get("chat_id"))
            if method in self._waiting:
                call.result = await self._waiting[method](typed)
            else:
                call.result = self._plain[method](Request(typed, uploads))
        except Refusal as refusal:
            call.error = refusal.code
            raise
        return call

    def _check_known(self, method: str) -> None:
        if method not in self._plain and method not in self._waiting:
            known = "the sandbox does not carry out this method" if method in PUBLISHED else "method not found"
            raise Refusal(404, f"Not Found: {known}")

    async def _from_reply(self, method: str, params: Json) -> object:
        return await self.call(method, params, {})

    async def _get_updates(self, params: Json) -> list[Json]:
        if self.webhooks.hook.url:
            raise conflict(POLLING_MEANWHILE)
        self.updates.remember_allowed(params.get("allowed_updates"))
        return await self.polling.get(
            offset=params.get("offset", 0), limit=params.get("limit", 100), timeout=params.get("timeout", 0)
        )

    def _set_webhook(self, request: Request) -> bool:
        params = request.params
        if "certificate" in params:
            raise bad_request("the sandbox takes no certificates")
        self._drop(params)
        self.updates.remember_allowed(params.get("allowed_updates"))
        self.webhooks.set(
            params.get("url", ""),
            secret=params.get("secret_token", ""),
            max_connections=params.get("max_connections", DEFAULT_CONNECTIONS),
        )
        if self.webhooks.hook.url:
            self.polling.end(conflict("terminated by setWebhook request"))
        return True

    def _delete_webhook(self, request: Request) -> bool:
        self.webhooks.set("")
        self._drop(request.params)
        return True

    def _drop(self, params: Json) -> None:
        if params.get("drop_pending_updates"):
            self.updates.waiting.clear()

    def _get_me(self, _: Request) -> Json:
        abilities = (
            "can_read_all_group_messages",
            "supports_inline_queries",
            "can_connect_to_business",
            "has_main_web_app",
        )
        return self.world.bot.to_json() | {"can_join_groups": True} | dict.fromkeys(abilities, False)

    def _table(self) -> dict[str, Plain]:
        mine = self.profile
        in_world = {
            "sendmessage": sending.send_message,
            "sendphoto": sending.send_photo,
            "senddocument": sending.send_document,
            "copymessage": sending.copy_message,
            "forwardmessage": sending.forward_message,
            "sendchataction": sending.send_chat_action,
            "editmessagetext": editing.edit_message_text,
            "editmessagecaption": editing.edit_message_caption,
            "editmessagemedia": editing.edit_message_media,
            "editmessagereplymarkup": editing.edit_message_reply_markup,
            "deletemessage": editing.delete_message,
            "answercallbackquery": editing.answer_callback_query,
            "setmycommands": mine.set_commands,
            "getmycommands": mine.get_commands,
            "deletemycommands": mine.delete_commands,
            "setchatmenubutton": mine.set_menu_button,
            "getchat": profile.get_chat,
            "getfile": profile.get_file,
            "createforumtopic": profile.create_topic,
        }
        table: dict[str, Plain] = {name: partial(method, self.world) for name, method in in_world.items()}
        for action in ("close", "reopen", "delete"):
            table[f"{action}forumtopic"] = partial(profile.change_topic, self.world, action=action)
        for name in profile.TEXTS:
            default = self.world.bot.first_name if name == "name" else ""
            table[f"setmy{name.replace('_', '')}"] = partial(mine.set_text, name)
            table[f"getmy{name.replace('_', '')}"] = partial(mine.get_text, name, default=default)
        return table | {
            "getme": self._get_me,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": lambda _: self.webhooks.info(),
            "getchatmenubutton": mine.get_menu_button,
        }
