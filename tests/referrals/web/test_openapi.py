"""The API's document says what the code does: every address, every answer, every field, every refusal."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from referrals import errors
from referrals.errors import ProgrammeError
from referrals.keys import SCOPES
from referrals.recruiting.shops import standard
from referrals.rewarding.release import due_bonuses, release_bonuses
from referrals.rewarding.vouchers import issue_voucher
from referrals.web.api import ROOT, ROUTES
from referrals.web.api import __file__ as package
from referrals.web.api.openapi import make_document
from referrals.web.api.spec import SPECS
from storage.bulk import insert_rows
from storage.references import Reference
from tests.referrals.web.conftest import Web
from tests.referrals.web.test_api import ANNA, ORDER, Api, make_key, referred
from tests.referrals.web.test_contacts import NOW, row, write
from tests.referrals.web.test_reviews import held_for_review

Json = dict[str, Any]
DOCUMENT = make_document(ROOT, ROUTES)


@pytest.fixture
async def api(web: Web) -> Api:
    """A key that may do everything."""
    return Api(web, make_key(web))


def operations() -> Iterator[tuple[str, str, Json]]:
    """Method, path and what the document says of it."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def schema_of(path: str, method: str, status: int) -> Json:
    """What the body of this answer looks like."""
    answer = DOCUMENT["paths"][path][method.lower()]["responses"][str(status)]
    schema: Json = answer["content"]["application/json"]["schema"]
    return schema


def codes_of(answer: Json) -> list[str]:
    """The codes that this refusal may carry."""
    codes: list[str] = answer["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["code"]["enum"]
    return codes


def undocumented(schema: Json, value: Any, at: str = "") -> list[str]:
    """Where the value holds a field that the schema does not name."""
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return min((undocumented(one, value, at) for one in schema["anyOf"]), key=len)
    if isinstance(value, list):
        return [each for item in value for each in undocumented(schema.get("items", {}), item, f"{at}[]")]
    if not isinstance(value, dict) or schema.get("additionalProperties") is True:
        return []
    known, rest = schema.get("properties", {}), schema.get("additionalProperties")
    found = []
    for name, part in value.items():
        inner = known.get(name, rest)
        found += [f"{at}.{name}"] if inner is None else undocumented(inner, part, f"{at}.{name}")
    return found


class Asked(dict[str, Any]):
    """Data that remembers which of its fields were asked for."""

    def __init__(self, data: Json) -> None:
        super().__init__(data)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


def test_the_document_is_valid_openapi() -> None:
    from schemathesis.openapi import from_dict  # noqa: PLC0415 - a second that not every worker should pay for

    from_dict(DOCUMENT).validate()

    broken = copy.deepcopy(DOCUMENT)
    del broken["info"]["version"]
    with pytest.raises(ValueError, match="version"):
        from_dict(broken).validate()


async def test_it_is_served_to_whoever_asks(web: Web) -> None:
    answer = await web.get("/api/v1/openapi.json")
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert await answer.json() == DOCUMENT
    assert (await web.post("/api/v1/openapi.json", b"")).headers["Allow"] == "GET"


def test_every_route_is_in_it_with_its_scope() -> None:
    said = {(method, path): operation["security"] for method, path, operation in operations()}

    assert said == {(method, path): [{"key": [scope]}] for method, path, scope, _ in ROUTES}
    assert {scope for _, _, scope, _ in ROUTES} == set(SCOPES)


def test_every_refusal_of_the_code_is_in_it_and_no_other() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in Path(package).parent.glob("*.py"))
    raised = set(re.findall(r'(?:Problem\(\s*\d+, |code=)"(\w+)"', source))
    core = {each.code for each in vars(errors).values() if isinstance(each, type) and issubclass(each, ProgrammeError)}
    answers = [each["responses"] for *_, each in operations()]
    said = {code for every in answers for status in every if status >= "4" for code in codes_of(every[status])}

    assert raised - said == {"method_not_allowed", "internal_error"}  # of no operation; not to be relied upon
    assert said - raised - core == {"body_broken", "body_too_large", "body_too_slow"}  # refused while it is read


def test_an_order_and_an_account_are_documented_field_by_field() -> None:
    order, account = Asked(ORDER | {"customer": None}), Asked(ANNA)
    buyer = Asked({"id": "77"})
    standard.order_state("atelier", order)
    standard.customer_state("winkel", account)
    standard._buyer(buyer)
    schemas = DOCUMENT["components"]["schemas"]

    assert schemas["Order"]["properties"].keys() == order.names | {"shop"}
    assert schemas["Account"]["properties"].keys() == account.names | {"shop", "ambassador"}
    assert schemas["Buyer"]["properties"].keys() == buyer.names


def with_credit(api: Api, customer_id: int) -> str:
    """The wait of the customer's bonus is over, and a part of it is a voucher; its code."""
    database, programme, now = api.web.database, api.web.programme, api.web.clock.programme() + timedelta(days=60)
    due = database.look(due_bonuses, programme=programme, now=now, limit=9)
    assert database.run(release_bonuses, due, programme=programme, now=now) == 1
    made = database.run(issue_voucher, customer_id, amount_minor=100, currency="EUR", programme=programme, now=now)
    return str(made.code)


async def pinged(api: Api) -> tuple[str, str]:
    """The numbers of a webhook, and of a delivery to it."""
    made = await (await api.post("/webhooks", {"url": "https://hooks.example/"}, once="made")).json()
    number = str(made["webhook"])
    await api.post(f"/webhooks/{number}/ping", once="ping")
    (sent,) = (await (await api.get(f"/webhooks/{number}/deliveries")).json())["items"]
    return number, str(sent["delivery"])


async def test_every_answer_has_the_documented_shape_and_no_other_field(api: Api) -> None:
    anna, bram = await referred(api)
    (pair,) = (await (await api.get("/referrals")).json())["items"]
    anna_id = api.web.programme.identifier("customer", anna) or 0
    write(api, row(anna_id, "t3:order:1"))
    voucher = with_credit(api, anna_id)
    hook, delivery = await pinged(api)
    review = await held_for_review(api, "1003", friend="9003")
    reference = {"customer_id": anna_id, "status": "declined", "created_at": NOW, "updated_at": NOW}
    api.web.database.run(insert_rows, Reference, [reference])
    cases: list[tuple[str, str, str, Any]] = [
        ("GET", "/customers/{number}", anna, None),
        ("POST", "/customers/{number}/connect-link", anna, None),
        ("POST", "/customers", "", ANNA | {"id": "9", "email": "chris@example.com"}),
        ("POST", "/customers", "", {"shop": "winkel", "id": "10", "deleted": True}),
        ("POST", "/orders", "", ORDER),
        ("POST", "/orders/dry-run", "", ORDER | {"id": "1002"}),
        ("POST", "/orders/batch", "", {"orders": [ORDER, {}]}),
        ("GET", "/referrals", "", None),
        ("GET", "/referrals/{number}", pair["referral"], None),
        ("POST", "/referrals", "", {"ambassador": anna, "friend": bram, "why": "zei het"}),
        ("GET", "/bonuses", "", None),
        ("GET", "/reviews", "", None),
        ("POST", "/reviews/{number}/decision", review, {"decision": "approve"}),
        ("GET", "/contacts", "", None),
        ("GET", "/references", "", None),
        ("GET", "/leaderboard", "", None),
        ("GET", "/figures", "", None),
        ("POST", "/vouchers", "", {"customer": anna, "amount_minor": 100, "currency": "EUR"}),
        ("POST", "/vouchers/validate", "", {"code": "NIET-ECHT"}),
        ("POST", "/vouchers/validate", "", {"code": voucher}),
        ("POST", "/vouchers/redeem", "", {"code": voucher, "shop": "winkel", "order": "1002"}),
        ("POST", "/vouchers/rollback", "", {"code": voucher, "shop": "winkel", "order": "1002"}),
        ("POST", "/webhooks", "", {"url": "https://hooks.example/told", "events": ["bonus.held"]}),
        ("GET", "/webhooks", "", None),
        ("GET", "/webhooks/{number}", hook, None),
        ("PATCH", "/webhooks/{number}", hook, {"events": []}),
        ("POST", "/webhooks/{number}/ping", hook, None),
        ("POST", "/webhooks/{number}/rotate", hook, None),
        ("GET", "/webhooks/{number}/deliveries", hook, None),
        ("POST", "/webhooks/{number}/deliveries/{delivery}/redeliver", hook, None),
        ("DELETE", "/webhooks/{number}", hook, None),
        ("GET", "/customers/{number}/export", anna, None),
        ("DELETE", "/customers/{number}", anna, None),
    ]
    works = {(method, path): work for method, path, _, work in ROUTES}
    assert {case[:2] for case in cases} == works.keys()
    for number, (method, path, name, body) in enumerate(cases):
        address = path.replace("{number}", name).replace("{delivery}", delivery)
        answer = await api.ask(method, address, body, once=str(number))
        shape = SPECS[works[method, path]].answers[answer.status]
        TypeAdapter(shape).validate_json(await answer.read())
        assert undocumented(schema_of(path, method, answer.status), await answer.json(), path) == []
