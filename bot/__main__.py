"""The command line: ``ambassade``, also ``python -m bot``.

Only declarations: a command loads what it needs when it runs, so that ``--help`` is quick.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from referrals.cli import CONFIG, ConfigPath, add_commands

app = typer.Typer(
    name="ambassade",
    help="A referral and ambassador programme for webshops, run from a chat.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help in colours costs a third of a second
)


class Role(StrEnum):
    """What a process does."""

    ALL = "all"
    WEB = "web"
    BOT = "bot"
    JOBS = "jobs"


def main() -> None:
    """The command that the arguments name."""
    app()


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Where the programme answers; a port in use moves to the next.")] = 8080,
    empty: Annotated[bool, typer.Option("--empty", help="A shop without a past.")] = False,
    db: Annotated[str | None, typer.Option(help="A database to keep it in; else a new file each time.")] = None,
) -> None:
    """Try it out: the programme, a chat in the browser and a shop, in one process."""
    from bot.running import run_demo
    from referrals.commands.opening import ending_in_words

    with ending_in_words():
        run_demo(port=port, empty=empty, database_url=db)


@app.command()
def serve(
    config: ConfigPath = CONFIG,
    role: Annotated[Role, typer.Option(help="What this process does.")] = Role.ALL,
    at: Annotated[str | None, typer.Option(help="Start the programme's clock at this moment, for trials.")] = None,
) -> None:
    """Run the service until it is told to stop."""
    from bot.running import run_service
    from referrals.commands.opening import ending_in_words

    with ending_in_words():
        run_service(config, role=role.value, at=at)


def _say(key: str, locale: str | None = None, **data: Any) -> str:
    """A text of the catalogues, for commands that explain something."""
    from bot.texts import Texts

    return Texts().say(key, locale, **data)


def _ask_telegram(config: Any) -> str:
    """What Telegram says of the configured token."""
    from bot.running import ask_telegram

    return ask_telegram(config)


add_commands(app, say=_say, telegram=_ask_telegram)

if __name__ == "__main__":
    main()
