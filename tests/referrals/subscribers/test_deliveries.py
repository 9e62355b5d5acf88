"""Deliveries on their way: leased, tried again after the schedule, given up, sent anew; fairly, and at least once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from referrals import errors
from referrals.subscribers.deliveries import LANES, anything_due, release_deliveries
from referrals.subscribers.endpoints import (
    MOST,
    change_endpoint,
    delete_endpoint,
    endpoint_view,
    list_endpoints,
    make_endpoint,
    ping,
    rotate_secret,
    secret_of,
)
from referrals.subscribers.events import Happening, tell_subscribers
from referrals.subscribers.listing import list_deliveries, redeliver
from referrals.subscribers.privacy import drop_endpoints, drop_events
from referrals.subscribers.schedule import TRIES, Attempt
from storage.auditlog import AuditEvent
from storage.bulk import insert_rows
from storage.database import Database
from storage.machine import machine_now
from storage.mailbox import Chat, Outbox
from storage.subscribers import WebhookDelivery, WebhookEndpoint, WebhookEvent
from tests.builders import NOON, Shop
from tests.referrals.subscribers.subscriber import (
    BROKEN,
    OFFLINE,
    OK,
    URL,
    claim,
    deliveries,
    pass_time,
    settle,
    subscribe,
)

OLGA = 99


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database, telegram__owner_ids=[OLGA])


def happen(shop: Shop, *causes: str) -> None:
    """So many things happened, one after the other."""
    for cause in causes:
        told = [Happening("customer.erased", cause, {"customer": 7}, 7)]
        shop.database.run(tell_subscribers, told, now=shop.now)


def endpoint(shop: Shop, endpoint_id: int) -> dict[str, Any]:
    return next(row for row in shop.rows(WebhookEndpoint) if row["id"] == endpoint_id)


def fail(shop: Shop, what: Attempt = BROKEN, *, times: int = 1) -> None:
    """The delivery that is due fails, and its time comes again."""
    for _ in range(times):
        (sending,) = claim(shop)
        assert settle(shop, sending, what)
        row = deliveries(shop)[0]
        if row["next_at"] is not None:
            pass_time(shop, row["next_at"] - row["first_at"] - shop_age(shop))


def shop_age(shop: Shop) -> timedelta:
    """How long ago the first attempt was, on the database's clock."""
    return shop.database.look(_age)


def _age(session: Session) -> timedelta:
    row = session.get_one(WebhookDelivery, 1)
    assert row.first_at is not None
    return machine_now(session) - row.first_at


def test_what_is_on_its_way_is_nobody_elses_until_its_lease_ends(shop: Shop) -> None:
    subscribe(shop)
    happen(shop, "a")
    assert shop.database.look(anything_due)
    (first,) = claim(shop)
    assert claim(shop) == []
    assert not shop.database.look(anything_due)

    pass_time(shop, timedelta(seconds=61))  # whoever sent it was killed
    (second,) = claim(shop)
    assert (second.attempt, second.message_id) == (2, first.message_id)
    assert not settle(shop, first, BROKEN)  # too late: another one has it
    assert settle(shop, first, OK)  # but what arrived has arrived
    assert not settle(shop, second, BROKEN)
    assert deliveries(shop)[0]["status"] == "delivered"


def test_a_worker_that_stops_gives_back_what_it_has_not_sent(shop: Shop) -> None:
    subscribe(shop)
    happen(shop, "a")
    shop.database.run(release_deliveries, claim(shop))
    assert [each.attempt for each in claim(shop)] == [1]


def test_it_is_tried_ten_times_in_a_day_and_then_it_has_failed(shop: Shop) -> None:
    subscribe(shop)
    happen(shop, "a")
    fail(shop, times=len(TRIES))
    row = deliveries(shop)[0]
    assert (row["status"], row["attempts"], row["last_status"]) == ("failed", 10, 500)
    assert [each["attempt"] for each in row["log"]] == list(range(1, 11))
    assert [each.get("answer") for each in row["log"]] == [None] * 9 + ["down"]  # the last one's only
    assert claim(shop) == []
    assert endpoint(shop, 1)["disabled_at"] is None


def test_a_success_ends_it_and_the_endpoint_works(shop: Shop) -> None:
    subscribe(shop)
    happen(shop, "a")
    fail(shop, OFFLINE, times=2)
    assert endpoint(shop, 1)["failing_since"] is not None
    (sending,) = claim(shop)
    settle(shop, sending, OK)
    row = deliveries(shop)[0]
    assert (row["status"], row["last_error"], row["next_at"]) == ("delivered", None, None)
    assert endpoint(shop, 1)["failing_since"] is None


def test_a_slow_endpoint_keeps_nobody_waiting_and_a_failing_one_has_one_lane(shop: Shop) -> None:
    slow, quick = subscribe(shop), subscribe(shop)
    happen(shop, *"abcdefgh")
    first = claim(shop)
    assert sorted(each.endpoint_id for each in first) == [slow] * LANES + [quick] * LANES
    assert claim(shop) == []  # also another worker: lanes are counted in the database
    for sending in first:
        settle(shop, sending, OK if sending.endpoint_id == quick else OFFLINE)
    assert [each.endpoint_id for each in claim(shop)] == [slow] + [quick] * LANES


def test_what_an_endpoint_asks_for_holds_for_all_that_goes_there(shop: Shop) -> None:
    subscribe(shop)
    happen(shop, "a", "b")
    first, second = claim(shop)
    settle(shop, first, Attempt(429, 5, retry_after="600"))
    settle(shop, second, OK)
    happen(shop, "c")
    assert claim(shop) == []
    pass_time(shop, timedelta(seconds=601))
    assert len(claim(shop)) == 2


def owner(shop: Shop) -> None:
    """Olga has a chat with the bot."""
    shop.database.run(insert_rows, Chat, [{"chat_id": OLGA, "created_at": NOON}])


def test_410_switches_it_off_and_the_owner_hears_its_host_only(shop: Shop) -> None:
    owner(shop)
    subscribe(shop, url="https://hooks.example/secret-path")
    happen(shop, "a", "b")
    first, _ = claim(shop)
    settle(shop, first, Attempt(410, 5))
    assert [row["status"] for row in deliveries(shop)] == ["gone", "gone"]
    assert endpoint(shop, 1)["disabled_because"] == "gone"
    (said,) = shop.rows(Outbox)
    assert (said["chat_id"], said["kind"]) == (OLGA, "webhook_off")
    assert said["data"] == {"webhook": 1, "host": "hooks.example", "why": "gone"}
    happen(shop, "c")
    assert len(deliveries(shop)) == 2


def test_five_days_without_a_success_switch_it_off_and_a_blip_after_them_does_not(shop: Shop) -> None:
    owner(shop)
    subscribe(shop)
    happen(shop, "a")
    fail(shop)
    pass_time(shop, timedelta(days=5))
    shop.database.run(redeliver, 1, 1, programme=shop.programme)
    fail(shop, times=4)
    assert endpoint(shop, 1)["disabled_at"] is None
    (sending,) = claim(shop)
    settle(shop, sending, BROKEN)
    assert endpoint(shop, 1)["disabled_because"] == "failing"
    assert [row["kind"] for row in shop.rows(Outbox)] == ["webhook_off"]


def test_one_that_is_switched_on_again_begins_anew(shop: Shop) -> None:
    subscribe(shop)
    happen(shop, "a")
    use: dict[str, Any] = {"actor": "key:kassa", "programme": shop.programme, "now": shop.now}
    off = shop.database.run(change_endpoint, 1, enabled=False, **use)
    assert (off.disabled_because, deliveries(shop)[0]["status"]) == ("by_hand", "gone")
    with pytest.raises(errors.WebhookOff):
        shop.database.run(redeliver, 1, 1, programme=shop.programme)
    with pytest.raises(errors.WebhookOff):
        shop.database.run(ping, 1, programme=shop.programme, now=shop.now)
    on = shop.database.run(change_endpoint, 1, enabled=True, events=["bonus.held"], url=URL + "/2", **use)
    assert (on.disabled_at, on.events, on.url) == (None, ("bonus.held",), URL + "/2")
    shop.database.run(ping, 1, programme=shop.programme, now=shop.now)
    assert [each.type for each in claim(shop)] == ["test.ping"]


def test_sent_anew_is_the_same_message_with_the_whole_schedule_before_it(shop: Shop) -> None:
    subscribe(shop)
    happen(shop, "a")
    (first,) = claim(shop)
    settle(shop, first, OK)
    shown = shop.database.run(redeliver, 1, first.delivery_id, programme=shop.programme)
    assert (shown["status"], shown["attempts"], len(shown["log"])) == ("pending", 0, 1)
    (again,) = claim(shop)
    assert (again.message_id, again.attempt) == (first.message_id, 1)
    with pytest.raises(errors.UnknownDelivery):
        shop.database.run(redeliver, 1, 404, programme=shop.programme)
    listed = shop.database.look(list_deliveries, 1, status="pending", limit=9, before_id=None, programme=shop.programme)
    assert [each["event"] for each in listed] == [first.message_id]


def test_during_a_rotation_both_secrets_sign_and_a_day_later_the_new_one_alone(shop: Shop) -> None:
    _, secret = shop.database.run(
        make_endpoint, url=URL, events=(), actor="key:kassa", programme=shop.programme, now=shop.now
    )
    _, fresh, _ = shop.database.run(rotate_secret, 1, actor="key:kassa", programme=shop.programme, now=shop.now)
    happen(shop, "a", "b")
    assert claim(shop)[0].secrets == (fresh, secret)
    pass_time(shop, timedelta(hours=24, seconds=61))
    assert claim(shop)[0].secrets == (fresh,)


def test_no_secret_is_in_the_tables_or_the_audit_log(shop: Shop) -> None:
    _, secret = shop.database.run(
        make_endpoint, url=URL, events=(), actor="key:kassa", programme=shop.programme, now=shop.now
    )
    kept = str([shop.rows(table) for table in (WebhookEndpoint, AuditEvent)])
    assert secret.removeprefix("whsec_") not in kept
    assert secret == secret_of(shop.programme, endpoint(shop, 1)["salt"])
    assert [row["action"] for row in shop.rows(AuditEvent)] == ["webhook:create"]


def test_what_is_deleted_is_told_nothing_and_goes_once_its_deliveries_do(shop: Shop) -> None:
    subscribe(shop)
    happen(shop, "a")
    shop.database.run(delete_endpoint, 1, actor="key:kassa", now=shop.now)
    happen(shop, "b")
    assert (claim(shop), len(deliveries(shop)), shop.database.look(list_endpoints)) == ([], 1, [])
    with pytest.raises(errors.UnknownWebhook):
        shop.database.look(endpoint_view, 1)
    month: dict[str, Any] = {"programme": shop.programme, "now": shop.now + timedelta(days=31)}
    assert shop.database.run(drop_endpoints, **month) is None
    assert (shop.database.run(drop_events, **month), shop.database.run(drop_endpoints, **month)) == (1, 1)
    assert (shop.rows(WebhookEndpoint), shop.rows(WebhookEvent)) == ([], [])


def test_events_are_kept_as_long_as_raw_deliveries_but_for_what_is_still_tried(shop: Shop) -> None:
    subscribe(shop)
    happen(shop, "a", "b")
    settle(shop, claim(shop)[0], OK)
    month: dict[str, Any] = {"programme": shop.programme, "now": shop.now + timedelta(days=31)}
    assert shop.database.run(drop_events, programme=shop.programme, now=shop.now + timedelta(days=29)) is None
    assert (shop.database.run(drop_events, **month), shop.database.run(drop_events, **month)) == (1, None)
    assert [row["cause"] for row in shop.rows(WebhookEvent)] == ["b"]


def test_there_are_twenty_endpoints_at_most(shop: Shop) -> None:
    for _ in range(MOST):
        subscribe(shop)
    with pytest.raises(errors.TooManyWebhooks):
        subscribe(shop)
