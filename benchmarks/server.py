"""One server process: ``python -m benchmarks.server bare``, or ``ours`` with the address of a database.

It prints its port and ends when it is told to stop.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from aiohttp import web

from benchmarks.bare import bare_app

HOST = "127.0.0.1"


async def serve_bare() -> None:
    """The bare handlers listen until the process is told to stop."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    runner = web.AppRunner(bare_app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    print(runner.addresses[0][1], flush=True)
    await stopped.wait()
    await runner.cleanup()


async def serve_ours(url: str) -> None:
    """The programme's web role, as its own wiring runs it."""
    from benchmarks.world import read_config  # noqa: PLC0415 - the bare server loads nothing of ours
    from bot.logs import start_logging  # noqa: PLC0415 - likewise
    from bot.wiring import ROLES, WEB, Service, keep_what_is_loaded, told_to_stop  # noqa: PLC0415 - likewise

    start_logging()
    told = told_to_stop()
    service = Service(read_config(url), ROLES[WEB])
    await service.start()
    keep_what_is_loaded()
    print(service.address.rpartition(":")[2], flush=True)
    await told.wait()
    await service.stop()


if __name__ == "__main__":
    asyncio.run(serve_bare() if sys.argv[1] == "bare" else serve_ours(sys.argv[2]))
