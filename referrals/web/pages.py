"""Pages: one look, the programme's name and colour, strict headers, every word from the catalogues."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from referrals.web.door import DOOR, RETRY_AFTER_SECONDS, Door
from storage.database import OutcomeUnknown, Overloaded

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HERE = Path(__file__).parent
STYLE_PATH = "/static/style.css"
DEFAULT_COLOUR = "#0a7d5a"
LOCALES = ("nl", "en")
MAX_LANGUAGES = 10
DARK, LIGHT = "#14201b", "#ffffff"
MIDDLE_LUMINANCE = 0.4  # above it dark letters are read better

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Server": "ambassade",
}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'{images}; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, auto_reload=False,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip


def page(handler: Handler) -> Handler:
    """The handler as a page: whatever goes wrong in it, the visitor reads a sentence."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (Overloaded, OutcomeUnknown):
            return notice_page(request, "busy", status=503, retry_after=RETRY_AFTER_SECONDS)
        except Exception:
            log.exception("web.page_failed", path=request.rel_url.path)
            return notice_page(request, "failed", status=500)

    return guarded


def render(request: web.Request, template: str, *, status: int = 200, **data: Any) -> web.Response:
    """The template in the visitor's language."""
    door = request.app[DOOR]
    settings = door.programme.config.programme
    locale = locale_of(request, settings.locale)

    def say(key: str, **values: Any) -> str:
        return door.say(f"page.{key}", locale, **values)

    look = {
        "say": say,
        "locale": locale,
        "other": LOCALES[1 - LOCALES.index(locale)],
        "brand": settings.name,
        "path": request.rel_url.raw_path,
        "address": f"{settings.base_url}{request.rel_url.raw_path}",
        "style": f"{STYLE_PATH}?{style(door)[1]}",
        "logo": _logo(door),
        "terms_url": settings.terms_url,
        "contact": settings.contact,
        "contact_link": _contact_link(settings.contact),
    }
    text = _templates.get_template(template).render(look | data)
    headers = {
        **SECURITY_HEADERS,
        "Content-Security-Policy": POLICY.format(images=_images(settings.logo)),
        "Content-Language": locale,
        "Vary": "Accept-Language",
        "Cache-Control": "no-store" if status != 200 else "private, max-age=60",  # noqa: PLR2004 - a page that is right
    }
    return web.Response(status=status, text=text, content_type="text/html", headers=headers)


def notice_page(request: web.Request, kind: str, *, status: int, retry_after: float = 0, **data: Any) -> web.Response:
    """A short page that says one thing (``page.<kind>.title`` and ``.text``) and leads to the shop."""
    shops = request.app[DOOR].programme.config.shops
    response = render(
        request, "notice.html", status=status, kind=kind, shop_url=bare_address(shops[0].landing_url), **data
    )
    if retry_after:
        response.headers["Retry-After"] = str(max(1, round(retry_after)))
    return response


def locale_of(request: web.Request, default: str) -> str:
    """``?lang=`` if it is one of ours, else the first of the browser's languages that is, else the programme's."""
    chosen = request.query.get("lang")
    return chosen if chosen in LOCALES else _accepted(request.headers.get("Accept-Language", "")) or default


def bare_address(landing_url: str) -> str:
    """The shop without code: where somebody goes whom nobody invited."""
    parts = urlsplit(landing_url)
    return f"{parts.scheme}://{parts.netloc}/"


def style(door: Door) -> tuple[bytes, str]:
    """The stylesheet in the programme's colour, and a name for this version of it."""
    return _style(door.programme.config.programme.colour or DEFAULT_COLOUR)


async def serve_style(request: web.Request) -> web.Response:
    """The stylesheet; its address changes with its content, so it is kept for ever."""
    headers = {**SECURITY_HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
    return web.Response(body=style(request.app[DOOR])[0], content_type="text/css", charset="utf-8", headers=headers)


async def serve_logo(request: web.Request) -> web.StreamResponse:
    """The logo, where it is a file beside the configuration."""
    logo = request.app[DOOR].programme.config.programme.logo
    if logo is None or _is_address(logo) or not await asyncio.to_thread(Path(logo).is_file):
        return notice_page(request, "not_found", status=404)
    headers = {
        **SECURITY_HEADERS,
        "Content-Security-Policy": POLICY.format(images=""),
        "Cache-Control": "public, max-age=3600",
    }
    return web.FileResponse(logo, headers=headers)


@lru_cache(maxsize=256)
def _accepted(header: str) -> str | None:
    ranked = []
    for place, entry in enumerate(header.split(",")[:MAX_LANGUAGES]):
        tag, _, quality = entry.partition(";")
        language = tag.strip().partition("-")[0].lower()
        if language in LOCALES and (weight := _weight(quality)) > 0:
            ranked.append((-weight, place, language))
    return min(ranked)[2] if ranked else None


def _weight(quality: str) -> float:
    name, _, value = quality.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 1.0


@lru_cache(maxsize=4)
def _style(colour: str) -> tuple[bytes, str]:
    letters = DARK if _luminance(colour) > MIDDLE_LUMINANCE else LIGHT
    sheet = (HERE / "static" / "style.css").read_text(encoding="utf-8")
    body = f":root{{--brand:{colour};--on-brand:{letters}}}\n{sheet}".encode()
    return body, hashlib.sha256(body).hexdigest()[:12]


def _luminance(colour: str) -> float:
    """How light a colour is, from 0 to 1. Source: WCAG 2.2, relative luminance."""
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)  # noqa: PLR2004 - WCAG's own
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _logo(door: Door) -> str | None:
    logo = door.programme.config.programme.logo
    return logo if logo is None or _is_address(logo) else "/static/logo"


def _images(logo: str | None) -> str:
    parts = urlsplit(logo) if logo and _is_address(logo) else None
    return f" {parts.scheme}://{parts.netloc}" if parts else ""


def _is_address(logo: str) -> bool:
    return logo.startswith(("https://", "http://"))


def _contact_link(contact: str | None) -> str | None:
    if contact is None or _is_address(contact):
        return contact
    return f"mailto:{contact}" if "@" in contact else None
