"""How the pages look: the stylesheet in the programme's colour, the logo, the icon; served with strict headers."""

from __future__ import annotations

import asyncio
import hashlib
from functools import lru_cache
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from referrals.web.door import DOOR, Door

STATIC = Path(__file__).parent / "static"
STYLE_PATH, LOGO_PATH, ICON_PATH = "/static/style.css", "/static/logo", "/static/icon.svg"
DEFAULT_COLOUR = "#0a7d5a"
DARK, LIGHT = "#14201b", "#ffffff"
MIDDLE_LUMINANCE = 0.4  # above it dark letters are read better

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Server": "ambassade",
}
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"  # a picture: it runs nothing
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="16" fill="{colour}"/>'
    '<text x="32" y="44" font-family="sans-serif" font-size="36" font-weight="700" text-anchor="middle" '
    'fill="{letters}">{initial}</text></svg>'
)


def style_address(door: Door) -> str:
    """Where the stylesheet is; the address changes with its content."""
    return f"{STYLE_PATH}?{_style(_colour(door))[1]}"


def logo_address(door: Door) -> str | None:
    """Where the logo is, if there is one."""
    logo = door.programme.config.programme.logo
    return logo if logo is None or is_address(logo) else LOGO_PATH


def image_sources(door: Door) -> str:
    """Whose pictures the pages show besides their own, as the policy wants it."""
    logo = door.programme.config.programme.logo
    parts = urlsplit(logo) if logo and is_address(logo) else None
    return f" {parts.scheme}://{parts.netloc}" if parts else ""


def is_address(text: str) -> bool:
    """Is this an address on the web?"""
    return text.startswith(("https://", "http://"))


async def serve_style(request: web.Request) -> web.Response:
    """The stylesheet, to be kept for ever."""
    headers = {**SECURITY_HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
    body = _style(_colour(request.app[DOOR]))[0]
    return web.Response(body=body, content_type="text/css", charset="utf-8", headers=headers)


async def serve_logo(request: web.Request) -> web.StreamResponse:
    """The logo, where it is a file beside the configuration."""
    logo = request.app[DOOR].programme.config.programme.logo
    headers = picture_headers()
    if logo is None or is_address(logo) or not await asyncio.to_thread(Path(logo).is_file):
        return web.Response(status=404, headers=headers | {"Cache-Control": "no-store"})
    return web.FileResponse(logo, headers=headers)


async def serve_icon(request: web.Request) -> web.Response:
    """The programme's initial in its colour, for the browser's tab."""
    door = request.app[DOOR]
    initial = escape(door.programme.config.programme.name[0].upper())
    colour = _colour(door)
    body = ICON.format(colour=colour, letters=_letters(colour), initial=initial)
    return web.Response(text=body, content_type="image/svg+xml", headers=picture_headers())


def picture_headers() -> dict[str, str]:
    """The headers of a picture."""
    return {**SECURITY_HEADERS, "Content-Security-Policy": PICTURE_POLICY, "Cache-Control": "public, max-age=3600"}


def _colour(door: Door) -> str:
    return door.programme.config.programme.colour or DEFAULT_COLOUR


@lru_cache(maxsize=4)
def _style(colour: str) -> tuple[bytes, str]:
    """The stylesheet in this colour, and a name for this version of it."""
    sheet = (STATIC / "style.css").read_text(encoding="utf-8")
    body = f":root{{--brand:{colour};--on-brand:{_letters(colour)}}}\n{sheet}".encode()
    return body, hashlib.sha256(body).hexdigest()[:12]


def _letters(colour: str) -> str:
    return DARK if _luminance(colour) > MIDDLE_LUMINANCE else LIGHT


def _luminance(colour: str) -> float:
    """How light a colour is, from 0 to 1. Source: WCAG 2.2, relative luminance."""
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)  # noqa: PLR2004 - WCAG's own
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
