"""A CSV file as records: looked over once before anything is applied, then read from any row on.

A fault within one line refuses its row. Where a quote leaves open where the next row begins, the file ends: lines
inside a customer's note must never be read as rows.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

BLOCK = 1 << 20
LARGEST_ROW = 1 << 16  # bytes; thirty cells of the longest text that is kept fit many times
DELIMITERS = ";,\t"
BOM = codecs.BOM_UTF8
csv.field_size_limit(2 * LARGEST_ROW)  # ours comes first


class BrokenFile(Exception):
    """The file cannot be read on; the sentence says where and why, in words for the shop's owner."""


class Record(NamedTuple):
    """One row, or why it is none; ``line`` is its first one, counted from 1."""

    line: int
    cells: list[str]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """What is known of the file before it is read."""

    digest: str  # SHA-256, hex
    size: int  # bytes
    names: list[str]  # of the columns, as they are compared
    delimiter: str
    begin: int  # position of the first row
    line: int  # lines before it


def look_over(file: BinaryIO, known: Sequence[str]) -> Overview:
    """The file is UTF-8 throughout and begins with names of columns. Raises: BrokenFile."""
    digest, size = _digest(file)
    file.seek(0)
    first = file.readline(LARGEST_ROW)
    begin = len(BOM) if first.startswith(BOM) else 0
    names, delimiter = _header(first[begin:].decode(), known)
    return Overview(digest, size, names, delimiter, begin=len(first), line=1)


class Records:
    """The rows of a file from a position on; ``position`` and ``line`` are always where the next one begins."""

    def __init__(self, file: BinaryIO, *, delimiter: str, width: int, position: int, line: int) -> None:
        """``width``: how many cells a row has; ``position`` in bytes and ``line`` in lines are what lies before."""
        file.seek(position)
        self.position, self.line = position, line
        self._file, self._width = file, width
        self._begun = 0  # the position at which the row in hand began
        self._holds_nul = False
        self._rows = csv.reader(_Lines(self), delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[Record]:
        """Every row that holds anything. Raises: BrokenFile."""
        while True:
            first, self._begun, self._holds_nul = self.line + 1, self.position, False
            try:
                cells = next(self._rows)
            except StopIteration:
                return
            except csv.Error:
                if self.line > first:
                    raise BrokenFile(f"line {first}: a quote is opened there and not closed as it should be") from None
                yield Record(first, [], "quotes that do not fit, or a line break that is none")
                continue
            except _TooLong:
                yield Record(first, [], f"longer than {LARGEST_ROW // 1024} KiB")
                continue
            if self._holds_nul:
                yield Record(first, [], "a NUL character")
            elif len(cells) == self._width:
                yield Record(first, cells)
            elif cells:
                yield Record(first, [], f"{len(cells)} cells, and the header has {self._width}")

    def take_line(self) -> str:
        """The next line of the file."""
        raw = self._file.readline(LARGEST_ROW + 1)
        if not raw:
            raise StopIteration
        begins = self.position == self._begun
        self.position += len(raw)
        self.line += 1
        if b"\0" in raw:
            self._holds_nul = True
        if self.position - self._begun > LARGEST_ROW:
            if not begins:
                raise BrokenFile(f"line {self.line}: a quoted cell above it does not end within 64 KiB")
            self._skip_line(raw)
            raise _TooLong
        return raw.decode()

    def _skip_line(self, raw: bytes) -> None:
        while raw and not raw.endswith(b"\n"):
            raw = self._file.readline(BLOCK)
            self.position += len(raw)


class _TooLong(Exception):
    """One line that is no row."""


class _Lines:
    """What the reader of CSV takes its lines from; unlike a generator it goes on after an error."""

    def __init__(self, records: Records) -> None:
        self._take = records.take_line

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        return self._take()


def _digest(file: BinaryIO) -> tuple[str, int]:
    """The file's digest and size. Raises: BrokenFile, where it is no UTF-8."""
    digest, decoder, size, lines = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")(), 0, 0
    file.seek(0)
    while block := file.read(BLOCK):
        if not size and block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise BrokenFile("the file is UTF-16; save it as CSV UTF-8")
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            raise BrokenFile(_not_utf8(lines, block, error)) from None
        digest.update(block)
        size += len(block)
        lines += block.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise BrokenFile(f"line {lines + 1}: the file ends within a character: cut off, or not UTF-8") from None
    return digest.hexdigest(), size


def _not_utf8(lines: int, block: bytes, error: UnicodeDecodeError) -> str:
    before = block[: error.start]  # of the few bytes that were left of the block before, none is a line break
    return f"line {lines + before.count(10) + 1}: the file is not UTF-8 (Windows-1252?); save it as CSV UTF-8"


def _header(line: str, known: Sequence[str]) -> tuple[list[str], str]:
    """The names in the header, and what stands between them: whatever makes the most of them known."""
    found = {delimiter: _names(line, delimiter) for delimiter in DELIMITERS}
    delimiter = max(found, key=lambda each: len(set(found[each]).intersection(known)))
    names = found[delimiter]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise BrokenFile(f"line 1: the column {twice[0][:40]} stands there twice")
    return names, delimiter


def _names(line: str, delimiter: str) -> list[str]:
    try:
        row = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
    return [name.strip().lower().replace(" ", "_") for name in row]
