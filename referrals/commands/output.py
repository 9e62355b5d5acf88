"""How commands print: tables for people, JSON for machines, a bar on a terminal while something takes long."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 160  # columns, where there is no terminal to ask


def print_json(data: Any) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")


def print_line(text: str) -> None:
    """One line of text."""
    sys.stdout.write(f"{printable(text)}\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str | None = None) -> None:
    """A table; numbers to the right, and nothing in a cell can command the terminal."""
    console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH, no_color=True)
    table = Table(title=title, title_justify="left")
    for place, name in enumerate(columns):
        numbers = bool(rows) and all(isinstance(row[place], (int, type(None))) for row in rows)
        table.add_column(Text(name), justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*[Text("" if cell is None else printable(str(cell))) for cell in row])
    console.print(table)


def printable(text: str) -> str:
    """The text without control characters: a name could hold a terminal's commands."""
    return "".join(symbol for symbol in text if symbol.isprintable() or symbol == "\n")


@contextmanager
def progress(label: str, *, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Call what you get with how much has been done; on a terminal a bar shows it, on standard error."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.advance(task, done)
