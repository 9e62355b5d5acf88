"""One server process: ``python -m benchmarks.server bare``, or ``ours`` with the address of a database.

It prints its port and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web

from benchmarks.bare import bare_app

HOST = "127.0.0.1"


async def serve_bare() -> None:
    """The bare handlers listen until nobody holds the other end of standard input."""
    runner = web.AppRunner(bare_app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    await _until_told(runner)


async def serve_ours(url: str) -> None:
    """The programme's own web door, put together as its wiring does."""
    from benchmarks.world import read_config  # noqa: PLC0415 - the bare server loads nothing of ours
    from bot.inbox import webhook_door  # noqa: PLC0415 - likewise
    from bot.texts import Texts  # noqa: PLC0415 - likewise
    from referrals.clock import Clock  # noqa: PLC0415 - likewise
    from referrals.programme import load_programme  # noqa: PLC0415 - likewise
    from referrals.web.app import build_app  # noqa: PLC0415 - likewise
    from referrals.web.serving import start_web  # noqa: PLC0415 - likewise
    from storage.database import Database  # noqa: PLC0415 - likewise

    config, clock = read_config(), Clock()
    database = Database.open(url)
    programme = await database.read(load_programme, config)
    inbox = webhook_door(database, config=config, clock=clock)
    app = build_app(
        database,
        programme=programme,
        clock=clock,
        say=Texts(zone=config.programme.timezone, default=config.programme.locale).say,
        telegram_inbox=inbox,
    )
    await _until_told(await start_web(app, host=HOST, port=0))
    await database.stop()


async def _until_told(runner: web.AppRunner) -> None:
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve_bare() if sys.argv[1] == "bare" else serve_ours(sys.argv[2]))
