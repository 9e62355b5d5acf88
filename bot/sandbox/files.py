"""Files that were uploaded: kept under a file_id, pictures measured by their own header."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from bot.sandbox.parameters import Upload
from bot.sandbox.refusals import Json, bad_request

MOST_PHOTO_BYTES = 10 * 1024 * 1024
MOST_BYTES = 50 * 1024 * 1024
LONGEST_SIDES = 10_000
WIDEST = 20
PREVIEW_SIDE = 320
PNG_HEAD = struct.Struct(">8x8xII")
GIF_HEAD = struct.Struct("<6xHH")
JPEG_SIZE = struct.Struct(">HH")
JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers that carry the size


@dataclass(frozen=True)
class StoredFile:
    """One file, as it can be sent again and fetched."""

    file_id: str
    unique_id: str
    path: str
    name: str
    content: bytes
    content_type: str
    size: tuple[int, int] | None  # width and height of a picture

    def photo(self) -> list[Json]:
        """The sizes in which Telegram offers a photo, small ones first."""
        width, height = self.size or (0, 0)
        full = self._size(width, height, suffix="y")
        if max(width, height) <= PREVIEW_SIDE:
            return [full]
        scale = PREVIEW_SIDE / max(width, height)
        return [self._size(round(width * scale) or 1, round(height * scale) or 1, suffix="m"), full]

    def document(self) -> Json:
        """The description of a plain file."""
        return {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_name": self.name,
            "mime_type": self.content_type,
            "file_size": len(self.content),
        }

    def _size(self, width: int, height: int, *, suffix: str) -> Json:
        plain = suffix == "y"
        return {
            "file_id": self.file_id if plain else f"{self.file_id}-{suffix}",
            "file_unique_id": self.unique_id if plain else f"{self.unique_id}{suffix}",
            "width": width,
            "height": height,
            "file_size": len(self.content),
        }


class Files:
    """All files of one bot."""

    def __init__(self) -> None:
        self._by_id: dict[str, StoredFile] = {}

    def store(self, upload: Upload, *, photo: bool) -> StoredFile:
        """Keep an upload; a photo must be a picture.

        Raises:
            Refusal: 400 for an empty or too large file, or no picture.
        """
        if not upload.content:
            raise bad_request("file must be non-empty")
        if len(upload.content) > (MOST_PHOTO_BYTES if photo else MOST_BYTES):
            raise bad_request(f"file of size {len(upload.content)} bytes is too big")
        size = picture_size(upload.content)
        if photo and size is None:
            raise bad_request("IMAGE_PROCESS_FAILED")
        if photo and size and (sum(size) > LONGEST_SIDES or max(size) > WIDEST * min(size)):
            raise bad_request("PHOTO_INVALID_DIMENSIONS")
        number = len(self._by_id) + 1
        kind, folder = ("AgACAgQAAxk", "photos") if photo else ("BQACAgQAAxk", "documents")
        digest = hashlib.sha256(upload.content).hexdigest()
        extension = upload.name.rpartition(".")[2] if "." in upload.name else "bin"
        stored = StoredFile(
            file_id=f"{kind}{number:06d}{digest[:24]}",
            unique_id=f"AQAD{digest[:12]}",
            path=f"{folder}/file_{number}.{extension}",
            name=upload.name,
            content=upload.content,
            content_type=upload.content_type or "application/octet-stream",
            size=size,
        )
        self._by_id[stored.file_id] = stored
        return stored

    def find(self, file_id: str) -> StoredFile:
        """The file with this id, in whatever size it was named.

        Raises:
            Refusal: 400 when there is none.
        """
        found = self._by_id.get(file_id) or self._by_id.get(file_id.rpartition("-")[0])
        if found is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return found

    def at(self, path: str) -> StoredFile | None:
        """The file that getFile gave this path."""
        return next((file for file in self._by_id.values() if file.path == path), None)


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF or JPEG; None for anything else."""
    if content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) >= PNG_HEAD.size:
        width, height = PNG_HEAD.unpack_from(content)
        return width, height
    if content[:6] in {b"GIF87a", b"GIF89a"} and len(content) >= GIF_HEAD.size:
        width, height = GIF_HEAD.unpack_from(content)
        return width, height
    if content[:2] == b"\xff\xd8":
        return _jpeg_size(content)
    return None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    position = 2
    while content[position : position + 1] == b"\xff" and position + 9 < len(content):
        if content[position + 1] in JPEG_FRAMES:
            height, width = JPEG_SIZE.unpack_from(content, position + 5)
            return width, height
        position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return None
