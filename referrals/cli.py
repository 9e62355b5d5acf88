"""The commands that need no chat. Only declarations: what a command does is loaded when it runs, so help is quick."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

CONFIG = Path("config.toml")
ConfigPath = Annotated[Path, typer.Option("--config", envvar="AMBASSADE_CONFIG", help="The configuration.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
Period = Annotated[str, typer.Option(help="week, month, quarter, year, all, or a key like 2026-11.")]


def add_commands(
    app: typer.Typer, *, say: Callable[..., str] | None = None, telegram: Callable[[Any], str] | None = None
) -> None:
    """The commands are known to the app.

    Args:
        app: The command line.
        say: ``say(key, locale, **data)``, for the sentences of reasons; without it only their codes are printed.
        telegram: Asks Telegram who the bot is, for ``doctor``: ``telegram(config)`` returns a few words or raises.
    """
    app.command()(migrate)
    app.command()(leaderboard)
    app.command("import")(import_file)
    app.command()(export)
    app.command("dry-run")(_dry_run_with(say))
    app.command()(replay)
    app.command()(reconcile)
    app.command()(goodwill)
    app.command()(audit)
    app.command()(_doctor_with(telegram))
    app.command("run-job")(run_job)
    app.add_typer(_api_keys(), name="api-key")
    app.add_typer(_voucher_pool(), name="voucher-pool")


def migrate(config: ConfigPath = CONFIG) -> None:
    """Bring the database's schema to this version."""
    from referrals.commands import health
    from referrals.commands.opening import ending_in_words

    with ending_in_words():
        health.migrate(config)


def leaderboard(  # noqa: PLR0917 - typer knows its options by their annotations
    config: ConfigPath = CONFIG,
    period: Period = "month",
    top: Annotated[int, typer.Option(help="How many lines.")] = 20,
    at: Annotated[str | None, typer.Option(help="A moment in the period: 2026-11-24T10:00+01:00.")] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build the standings from the ledger anew.")] = False,
    as_json: AsJson = False,
) -> None:
    """Who brought the most friends."""
    from referrals.commands import figures
    from referrals.commands.opening import ending_in_words, opened

    with ending_in_words(), opened(config) as programme:
        if rebuild:
            figures.rebuild_standings(programme)
        figures.show_leaderboard(programme, period=period, top=top, at=at, as_json=as_json)


def import_file(  # noqa: PLR0917 - typer knows its options by their annotations
    what: Annotated[str, typer.Argument(help="customers, orders or referrals.")],
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8; docs/import.md lists the columns.")],
    config: ConfigPath = CONFIG,
    shop: Annotated[str | None, typer.Option(help="Whose rows they are; the first shop's otherwise.")] = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="These are all orders ever: bonuses wait for the history no more.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="From the first row, not from where it was cut off.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of each row; keep nothing.")
    ] = False,
    refused: Annotated[Path | None, typer.Option(help="Where refused rows are told, as CSV.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring in a file of the shop's past: as often as you like, and on from where it was cut off."""
    from referrals.commands import imports
    from referrals.commands.opening import FAILED, ending_in_words, opened

    wish = imports.Wish(what, file, shop, complete, restart, dry_run, refused)
    with ending_in_words(), opened(config) as programme:
        if not imports.import_file(programme, wish, as_json=as_json):
            raise SystemExit(FAILED)


def export(
    what: Annotated[str, typer.Argument(help="leaderboard, ledger, referrals, references or customers.")],
    config: ConfigPath = CONFIG,
    form: Annotated[str, typer.Option("--format", help="csv or json.")] = "csv",
    period: Period = "all",
) -> None:
    """Write everything of a kind to standard output; the CSV is safe to open in a spreadsheet."""
    from referrals.commands import figures
    from referrals.commands.opening import ending_in_words, opened

    with ending_in_words(), opened(config) as programme:
        figures.write_export(programme, what, form=form, period=period)


def _dry_run_with(say: Callable[..., str] | None) -> Callable[..., None]:
    def dry_run(  # noqa: PLR0917 - typer knows its options by their annotations
        order: Annotated[
            Path | None, typer.Argument(help="The order as the shop's hook says it, in a file; - reads stdin.")
        ] = None,
        config: ConfigPath = CONFIG,
        shop: Annotated[str | None, typer.Option(help="Which shop's; the first one's otherwise.")] = None,
        rules: Annotated[
            Path | None, typer.Option(help="Instead of one order: past ones, under the [bonus] … of this file.")
        ] = None,
        since: Annotated[str | None, typer.Option(help="With --rules: orders paid from this moment on.")] = None,
        until: Annotated[str | None, typer.Option(help="With --rules: and before this one; now otherwise.")] = None,
        as_json: AsJson = False,
    ) -> None:
        """Say what this order would do and why, or what other rules would have cost; nothing is written."""
        from referrals.commands import orders, rehearsal
        from referrals.commands.opening import Misuse, ending_in_words, opened

        with ending_in_words(), opened(config) as programme:
            if rules is not None and order is None:
                rehearsal.show_rehearsal(programme, rules, since=since, until=until, as_json=as_json)
            elif order is not None and rules is None:
                orders.show_dry_run(programme, order, shop=shop, say=say, as_json=as_json)
            else:
                raise Misuse("One of both: an order in a file, or --rules with other rules.")

    return dry_run


def replay(
    config: ConfigPath = CONFIG,
    quarantined: Annotated[bool, typer.Option("--quarantined", help="Only what was put aside.")] = False,
    since: Annotated[str | None, typer.Option(help="Only what arrived since this moment.")] = None,
    as_json: AsJson = False,
) -> None:
    """Apply stored deliveries again; what is right already stays as it is."""
    from referrals.commands import orders
    from referrals.commands.opening import FAILED, ending_in_words, opened

    with ending_in_words(), opened(config) as programme:
        if not orders.replay(programme, quarantined=quarantined, since=since, as_json=as_json):
            raise SystemExit(FAILED)


def reconcile(
    shop: Annotated[str, typer.Argument(help="Its name in the configuration.")],
    config: ConfigPath = CONFIG,
    since: Annotated[
        str | None, typer.Option(help="What changed since this moment; leaves the watermark alone.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every order that the shop has, from the first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask a shop for the orders that changed since it was asked last, and apply them."""
    from referrals.commands import reconcile as command
    from referrals.commands.opening import ending_in_words, opened

    with ending_in_words(), opened(config) as programme:
        command.reconcile(programme, shop, since=since, everything=everything, as_json=as_json)


def goodwill(  # noqa: PLR0917 - typer knows its options by their annotations
    customer: Annotated[str, typer.Argument(help="The ambassador's number: K7QX3.")],
    order: Annotated[str, typer.Option(help="The friend's order, by the shop's number.")],
    why: Annotated[str, typer.Option(help="For the audit log.")],
    config: ConfigPath = CONFIG,
    shop: Annotated[str | None, typer.Option(help="Which shop's; the first one's otherwise.")] = None,
    amount: Annotated[str | None, typer.Option(help="Otherwise what the rules would have given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give an ambassador a bonus that the rules refused; no refund takes it back."""
    from referrals.commands import goodwill
    from referrals.commands.opening import ending_in_words, opened

    with ending_in_words(), opened(config) as programme:
        goodwill.give(programme, customer, order=order, shop=shop, amount=amount, why=why, as_json=as_json)


def audit(config: ConfigPath = CONFIG, as_json: AsJson = False) -> None:
    """Add up the books again; fails with the first row that is off."""
    from referrals.commands import health
    from referrals.commands.opening import FAILED, ending_in_words, opened

    with ending_in_words(), opened(config) as programme:
        if not health.show_audit(programme, as_json=as_json):
            raise SystemExit(FAILED)


def _doctor_with(telegram: Callable[[Any], str] | None) -> Callable[..., None]:
    def doctor(config: ConfigPath = CONFIG, as_json: AsJson = False) -> None:
        """Look at configuration, database, Telegram, hooks and clock: a line each."""
        from referrals.commands import health
        from referrals.commands.opening import FAILED, ending_in_words

        with ending_in_words():
            if not health.show_doctor(config, telegram=telegram, as_json=as_json):
                raise SystemExit(FAILED)

    return doctor


def run_job(
    name: Annotated[str, typer.Argument(help="release-bonuses, freeze-standings or audit.")],
    config: ConfigPath = CONFIG,
    now: Annotated[str | None, typer.Option(help="At this moment of the programme's clock.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run one job once."""
    from referrals.commands import jobs
    from referrals.commands.opening import FAILED, ending_in_words, opened

    with ending_in_words(), opened(config) as programme:
        if not jobs.run_one(programme, name, at=now, as_json=as_json):
            raise SystemExit(FAILED)


def _api_keys() -> typer.Typer:
    keys = typer.Typer(help="Keys for the API: shown once, stored hashed.", no_args_is_help=True)
    keys.command("create")(create_key)
    keys.command("list")(list_keys)
    keys.command("revoke")(revoke_key)
    return keys


def create_key(
    name: Annotated[str, typer.Option(help="What it is for.")],
    config: ConfigPath = CONFIG,
    scopes: Annotated[list[str] | None, typer.Option(help="What it may do; without, everything.")] = None,
) -> None:
    """Make a key; it is the last line that is printed, this once."""
    from referrals.commands import keys
    from referrals.commands.opening import ending_in_words, opened

    with ending_in_words(), opened(config) as programme:
        keys.create(programme, name=name, scopes=scopes or [])


def list_keys(config: ConfigPath = CONFIG, as_json: AsJson = False) -> None:
    """Show which keys there are."""
    from referrals.commands import keys
    from referrals.commands.opening import ending_in_words, opened

    with ending_in_words(), opened(config) as programme:
        keys.show_all(programme, as_json=as_json)


def revoke_key(
    key: Annotated[int, typer.Argument(help="Its number in the list.")], config: ConfigPath = CONFIG
) -> None:
    """Make a key open nothing any more."""
    from referrals.commands import keys
    from referrals.commands.opening import ending_in_words, opened

    with ending_in_words(), opened(config) as programme:
        keys.revoke(programme, key)


def _voucher_pool() -> typer.Typer:
    pool = typer.Typer(help="Codes that were made in the shop, to be given as vouchers.", no_args_is_help=True)
    pool.command("load")(load_pool)
    pool.command("list")(list_pool)
    pool.command("remove")(remove_pool)
    return pool


def load_pool(
    file: Annotated[Path, typer.Argument(help="CSV with the columns code, amount, currency and, perhaps, expires.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Add the codes of a file; what is there already stays, a line that is refused changes nothing."""
    from referrals.commands import pool
    from referrals.commands.opening import FAILED, ending_in_words, opened

    with ending_in_words(), opened(config) as programme:
        if not pool.load(programme, file):
            raise SystemExit(FAILED)


def list_pool(config: ConfigPath = CONFIG, as_json: AsJson = False) -> None:
    """Show how many codes of each amount are left; never a code."""
    from referrals.commands import pool
    from referrals.commands.opening import ending_in_words, opened

    with ending_in_words(), opened(config) as programme:
        pool.show(programme, as_json=as_json)


def remove_pool(
    file: Annotated[Path | None, typer.Argument(help="CSV with a column code.")] = None,
    config: ConfigPath = CONFIG,
    everything: Annotated[bool, typer.Option("--all", help="All that nobody has.")] = False,
) -> None:
    """Take codes out that nobody has."""
    from referrals.commands import pool
    from referrals.commands.opening import ending_in_words, opened

    with ending_in_words(), opened(config) as programme:
        pool.remove(programme, file, everything=everything)
