"""``/api/v1``: JSON, keys with scopes, problem details, answers that can be asked for twice (rules 40)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from referrals.web.api.bonuses import list_bonuses
from referrals.web.api.calls import Endpoints
from referrals.web.api.contacts import list_contacts
from referrals.web.api.customers import make_connect_link, put_customer, show_customer
from referrals.web.api.figures import show_figures
from referrals.web.api.leaderboard import show_leaderboard
from referrals.web.api.openapi import serve_document
from referrals.web.api.orders import put_order, put_orders, try_order
from referrals.web.api.privacy import erase_customer, export_customer
from referrals.web.api.problems import Problem, problem_response
from referrals.web.api.references import list_references
from referrals.web.api.referrals import list_referrals, refer, show_referral
from referrals.web.api.reviews import decide_review, list_reviews
from referrals.web.api.vouchers import make_voucher, redeem, rollback, validate
from referrals.web.api.webhook_deliveries import list_webhook_deliveries, ping_webhook, redeliver_webhook
from referrals.web.api.webhooks import (
    change_webhook,
    delete_webhook,
    list_webhooks,
    make_webhook,
    rotate_webhook,
    show_webhook,
)
from referrals.web.door import Door

ROOT = "/api/v1"
DOCUMENT = "/openapi.json"  # the one address that needs no key
ROUTES = (
    ("POST", "/customers", "customers:write", put_customer),
    ("GET", "/customers/{number}", "customers:read", show_customer),
    ("DELETE", "/customers/{number}", "privacy:write", erase_customer),
    ("GET", "/customers/{number}/export", "privacy:read", export_customer),
    ("POST", "/customers/{number}/connect-link", "customers:write", make_connect_link),
    ("POST", "/orders", "orders:write", put_order),
    ("POST", "/orders/batch", "orders:write", put_orders),
    ("POST", "/orders/dry-run", "orders:read", try_order),
    ("GET", "/referrals", "referrals:read", list_referrals),
    ("POST", "/referrals", "referrals:write", refer),
    ("GET", "/referrals/{number}", "referrals:read", show_referral),
    ("GET", "/bonuses", "bonuses:read", list_bonuses),
    ("GET", "/reviews", "reviews:read", list_reviews),
    ("POST", "/reviews/{number}/decision", "reviews:write", decide_review),
    ("POST", "/vouchers", "vouchers:write", make_voucher),
    ("POST", "/vouchers/validate", "vouchers:write", validate),
    ("POST", "/vouchers/redeem", "vouchers:write", redeem),
    ("POST", "/vouchers/rollback", "vouchers:write", rollback),
    ("GET", "/webhooks", "webhooks:read", list_webhooks),
    ("POST", "/webhooks", "webhooks:write", make_webhook),
    ("GET", "/webhooks/{number}", "webhooks:read", show_webhook),
    ("PATCH", "/webhooks/{number}", "webhooks:write", change_webhook),
    ("DELETE", "/webhooks/{number}", "webhooks:write", delete_webhook),
    ("POST", "/webhooks/{number}/rotate", "webhooks:write", rotate_webhook),
    ("POST", "/webhooks/{number}/ping", "webhooks:write", ping_webhook),
    ("GET", "/webhooks/{number}/deliveries", "webhooks:read", list_webhook_deliveries),
    ("POST", "/webhooks/{number}/deliveries/{delivery}/redeliver", "webhooks:write", redeliver_webhook),
    ("GET", "/contacts", "contacts:read", list_contacts),
    ("GET", "/references", "references:read", list_references),
    ("GET", "/leaderboard", "leaderboard:read", show_leaderboard),
    ("GET", "/figures", "figures:read", show_figures),
)


def add_api(app: web.Application, door: Door) -> None:
    """The application answers ``/api/v1``, every refusal in it as a problem."""
    endpoints = Endpoints(door)
    methods: dict[str, list[str]] = {}
    for method, path, scope, work in ROUTES:
        app.router.add_route(method, ROOT + path, endpoints.handler(scope, work))
        methods.setdefault(path, []).append(method)
    app.router.add_get(ROOT + DOCUMENT, serve_document(ROOT, ROUTES), allow_head=False)
    methods[DOCUMENT] = ["GET"]
    for path, allowed in methods.items():
        app.router.add_route("*", ROOT + path, _wrong_method(allowed))
    app.router.add_route("*", r"/api{rest:(?:/[\s\S]*)?}", _not_found)


def _wrong_method(allowed: list[str]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def refuse(_request: web.Request) -> web.Response:
        response = problem_response(Problem(405, "method_not_allowed", "This address takes other methods."))
        response.headers["Allow"] = ", ".join(allowed)
        return response

    return refuse


async def _not_found(_request: web.Request) -> web.Response:
    return problem_response(Problem(404, "not_found", "The API has no such address."))
