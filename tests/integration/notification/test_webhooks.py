"""A platform's endpoints: signed, at least once with the same id, in order if asked, and never for ever."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from groupbuy.notification.v1 import platform_webhooks_pb2 as pb

from services.chassis.coalesce import Coalescer
from services.chassis.sealing import Sealer
from services.notification import store
from services.notification.channels.http import Http
from services.notification.domain.posting import WAITS
from services.notification.flights import Pace
from services.notification.handlers import PlatformEvents
from services.notification.poster import Desk, Made, Poster, PostRecorder
from services.notification.testing.http_sink import Answer, HttpSink, Request, http_sink
from services.notification.webhook_secrets import WebhookSecrets
from tests.integration.notification.test_accounts import OTHER_KEYS
from tests.support.notification_rpc import OTHER, SHOP, Api, an_api
from tests.support.notifying import SEAL_KEYS, SEALER, Notifying, a_sandbox
from tests.support.teams import TeamLife
from tests.support.until import until


@pytest.fixture
async def api(notification: Notifying) -> AsyncIterator[Api]:
    """A server that lets webhooks go to this machine."""
    async with an_api(notification, private=True) as opened:
        yield opened


@asynccontextmanager
async def a_poster(notification: Notifying, *, pace: Pace | None = None, private: bool = True) -> AsyncIterator[Poster]:
    """Run a recorder, and give a poster that a test drives."""
    database, clock = notification.database, notification.clock
    http = Http(seconds=5, connections=20, allow_private=private)
    posts: Coalescer[Made, None] = Coalescer("posts", PostRecorder(database, clock, lambda: 0.0).record)
    recording = asyncio.create_task(posts.run())
    desk = Desk(http, clock, WebhookSecrets(SEALER), a_sandbox({}, clock))
    poster = Poster(database, clock, desk, posts.submit, pace or Pace())
    try:
        yield poster
    finally:
        await poster.stop()
        recording.cancel()
        await asyncio.wait([recording])
        await http.close()


async def turn(poster: Poster) -> None:
    """Post what is due until nothing is, as `run` does."""
    while await poster.run_once():
        await poster.idle()


class Shop:
    """A platform's own server: what it was posted, and what it answers."""

    def __init__(self, sink: HttpSink) -> None:
        self.sink = sink
        self.url = f"{sink.url}/events"

    @property
    def types(self) -> list[str]:
        return [item.json()["type"] for item in self.sink.asked]

    @property
    def ids(self) -> list[str]:
        return [item.headers["webhook-id"] for item in self.sink.asked]


@asynccontextmanager
async def a_shop(*answers: Answer) -> AsyncIterator[Shop]:
    """Run a platform's server; when the answers are used up, it takes what comes."""
    left = list(answers)
    async with http_sink(lambda _: left.pop(0) if left else Answer(204)) as sink:
        yield Shop(sink)


async def put(api: Api, url: str, *types: str, request_id: str = "put", **fields: Any) -> pb.PutWebhookEndpointResponse:
    endpoint = pb.WebhookEndpoint(url=url, types=types or ["*"], **fields)
    answer = await api.call(
        "PutWebhookEndpoint", pb.PutWebhookEndpointRequest(request_id=request_id, endpoint=endpoint)
    )
    assert isinstance(answer, pb.PutWebhookEndpointResponse)
    return answer


async def listed(api: Api, platform: UUID = SHOP) -> list[pb.WebhookEndpoint]:
    return list((await api.call("ListWebhookEndpoints", pb.ListWebhookEndpointsRequest(), platform)).endpoints)


async def attempts(api: Api, **fields: Any) -> list[pb.WebhookAttempt]:
    return list((await api.call("ListWebhookAttempts", pb.ListWebhookAttemptsRequest(**fields))).attempts)


async def a_team(notification: Notifying, *members: str, platform: UUID = SHOP) -> TeamLife:
    """Mei opens a team, and others join."""
    life = TeamLife(platform=platform, maximum=500)
    life.open("mei")
    for member in members:
        life.join(member)
    await notification.apply(*life.records)
    return life


def is_signed(request: Request, secret: str) -> bool:
    """Verify as the specification says, in a receiver's own words."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return wanted in request.headers["webhook-signature"].split(" ")


async def test_an_event_is_posted_once_signed_with_its_own_id(notification: Notifying, api: Api) -> None:
    async with a_shop() as shop, a_poster(notification) as poster:
        answer = await put(api, shop.url, "team.*")
        life = await a_team(notification, "tom")
        await turn(poster)
        await turn(poster)
    assert shop.types == ["team.team_opened", "team.seat_held", "team.seat_held", "team.seat_confirmed"]
    assert len(set(shop.ids)) == 4
    for asked, event in zip(shop.sink.asked, life.records, strict=True):
        assert is_signed(asked, answer.secret)
        assert asked.headers["webhook-id"] == event.header("ce_id")
        assert asked.json()["data"]["teamId"] == life.team_id
    body = shop.sink.asked[0].json()
    assert set(body) == {"type", "timestamp", "data"}
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    [endpoint] = await listed(api)
    assert (endpoint.waiting, endpoint.HasField("last_success_at")) == (0, True)


async def test_only_what_is_wanted_and_only_of_the_own_platform(notification: Notifying, api: Api) -> None:
    async with a_shop() as shop, a_poster(notification) as poster:
        await put(api, shop.url, "team.team_opened", "delivery.*")
        await a_team(notification, "tom", platform=OTHER)
        await a_team(notification)
        await turn(poster)
    assert sorted(shop.types) == ["delivery.delivery_ended", "team.team_opened"]
    assert await notification.rows("SELECT DISTINCT platform_id FROM platform_events") == [(SHOP,)]


async def test_nothing_is_kept_for_a_platform_that_does_not_read(notification: Notifying, api: Api) -> None:
    await a_team(notification, "tom")
    assert await notification.rows("SELECT count(*) FROM platform_events") == [(0,)]
    assert await listed(api) == []


async def test_an_event_that_comes_again_is_posted_once(notification: Notifying, api: Api) -> None:
    async with a_shop() as shop, a_poster(notification) as poster:
        await put(api, shop.url, "team.*")
        life = await a_team(notification)
        await notification.apply(*life.records)
        await turn(poster)
    assert shop.types == ["team.team_opened", "team.seat_held"]


async def test_what_fails_is_tried_again_at_its_time_with_the_same_id(notification: Notifying, api: Api) -> None:
    async with (
        a_shop(Answer(500, body=b"sorry" * 200), Answer(trouble="cut")) as shop,
        a_poster(notification) as poster,
    ):
        await put(api, shop.url, "team.team_opened")
        await a_team(notification)
        await turn(poster)
        assert len(shop.ids) == 1
        notification.clock.move(WAITS[0])
        await turn(poster)
        notification.clock.move(WAITS[1] - timedelta(seconds=1))
        await turn(poster)
        assert len(shop.ids) == 2
        notification.clock.move(timedelta(seconds=1))
        await turn(poster)
    assert (len(shop.ids), len(set(shop.ids))) == (3, 1)
    log = await attempts(api)
    assert [(one.number, one.status, one.taken) for one in log] == [(3, 204, True), (2, 0, False), (1, 500, False)]
    assert (len(log[2].answer), bool(log[1].problem), {one.type for one in log}) == (500, True, {"team.team_opened"})
    assert await attempts(api, failed_only=True) == log[1:]
    assert await attempts(api, webhook_id=shop.ids[0]) == log


async def test_an_endpoint_that_takes_nothing_is_disabled_and_the_others_are_told(
    notification: Notifying, api: Api
) -> None:
    async with a_shop(*[Answer(500)] * 10) as dead, a_shop() as shop, a_poster(notification) as poster:
        first = await put(api, dead.url, "team.team_opened")
        await put(api, shop.url, "delivery.webhook_endpoint_disabled", request_id="other")
        await a_team(notification)
        for wait in (timedelta(), *WAITS):
            notification.clock.move(wait)
            await turn(poster)
        assert len(dead.ids) == 10
        [told] = [item.json()["data"]["webhookEndpointDisabled"] for item in shop.sink.asked]
        assert told == {"endpointId": first.endpoint.endpoint_id, "reason": told["reason"]}
        assert dead.url not in str(shop.sink.asked)
        endpoint = (await listed(api))[0]
        assert (endpoint.disabled, "HTTP 500" in endpoint.disabled_why) == (True, True)
        await a_team(notification)
        await turn(poster)
        assert len(dead.ids) == 10
        # the platform mends it: it goes on with what comes, and asks for what it missed
        await put(api, dead.url, "team.team_opened", request_id="again", endpoint_id=endpoint.endpoint_id)
        await turn(poster)
        assert len(dead.ids) == 10
        again = pb.RedriveWebhooksRequest(request_id="redrive", endpoint_id=endpoint.endpoint_id)
        assert (await api.call("RedriveWebhooks", again)).count == 2
        assert (await api.call("RedriveWebhooks", again)).count == 2
        await turn(poster)
    assert len(dead.ids) == 12
    assert await notification.rows("SELECT count(*) FROM webhook_posts WHERE state = 'PENDING'") == [(0,)]


async def test_gone_disables_at_once(notification: Notifying, api: Api) -> None:
    async with a_shop(Answer(410)) as shop, a_poster(notification) as poster:
        await put(api, shop.url, "team.*")
        await a_team(notification, "tom")
        await turn(poster)
    assert "410" in (await listed(api))[0].disabled_why


async def test_in_order_the_next_waits_for_the_one_before_in_its_team_alone(notification: Notifying, api: Api) -> None:
    async with a_shop(Answer(500)) as shop, a_poster(notification) as poster:
        await put(api, shop.url, "team.*", in_order=True)
        first = await a_team(notification, "tom")
        await poster.run_once()
        await poster.idle()
        other = await a_team(notification, "ana")
        await turn(poster)
        teams = [item.json()["data"]["teamId"] for item in shop.sink.asked]
        assert teams == [first.team_id] + [other.team_id] * 4
        notification.clock.move(WAITS[0])
        await turn(poster)
    mine = [
        int(item.json()["data"]["sequence"])
        for item in shop.sink.asked
        if item.json()["data"]["teamId"] == first.team_id
    ]
    assert mine == [1, 1, 2, 3, 4]


async def test_a_slow_endpoint_leaves_room_for_the_others(notification: Notifying, api: Api) -> None:
    few = Pace(total=8, per_lane=3, seconds=5)
    async with (
        a_shop(*[Answer(trouble="slow")] * 50) as slow,
        a_shop() as quick,
        a_poster(notification, pace=few) as poster,
    ):
        await put(api, slow.url, "team.*")
        await put(api, quick.url, "team.*", request_id="quick")
        await a_team(notification, *[f"m{n}" for n in range(4)])
        running = asyncio.create_task(poster.run())
        await until(lambda: len(quick.ids) == 10)
        assert len(slow.ids) == 3
        slow.sink.release()
        await poster.stop()
        await running


async def test_a_busy_endpoint_rests_as_long_as_it_asks(notification: Notifying, api: Api) -> None:
    busy = Answer(503, headers={"Retry-After": "120"})
    async with a_shop(busy) as shop, a_poster(notification, pace=Pace(per_lane=1)) as poster:
        await put(api, shop.url, "team.*")
        await a_team(notification)
        await turn(poster)
        assert len(shop.ids) == 1
        notification.clock.move(timedelta(seconds=121))
        await turn(poster)
    assert sorted(shop.types) == ["team.seat_held", "team.team_opened", "team.team_opened"]


async def test_a_poster_that_dies_before_the_record_has_it_posted_again(notification: Notifying, api: Api) -> None:
    async with a_shop() as shop:
        await put(api, shop.url, "team.team_opened")
        await a_team(notification)
        async with a_poster(notification) as dying:
            dying._record = _never
            await dying.run_once()
            await until(lambda: bool(shop.ids))
            for task in list(dying._flights._under_way):
                task.cancel()
        async with a_poster(notification) as poster:
            await turn(poster)
            assert len(shop.ids) == 1  # its claim still holds
            notification.clock.move(Pace().lease)
            await turn(poster)
    assert (len(shop.ids), len(set(shop.ids))) == (2, 1)
    assert await notification.rows("SELECT state, attempts FROM webhook_posts") == [("TAKEN", 1)]


async def _never(_made: Made) -> None:
    await asyncio.Event().wait()


async def test_both_secrets_are_good_for_a_time(notification: Notifying, api: Api) -> None:
    async with a_shop() as shop, a_poster(notification) as poster:
        answer = await put(api, shop.url, "team.team_opened")
        rotate = pb.RotateWebhookSecretRequest(
            request_id="rotate", endpoint_id=answer.endpoint.endpoint_id, old_valid_seconds=60
        )
        fresh = (await api.call("RotateWebhookSecret", rotate)).secret
        assert (await api.call("RotateWebhookSecret", rotate)).secret == fresh != answer.secret
        for seconds in (0, 61):
            notification.clock.move(timedelta(seconds=seconds))
            await a_team(notification)
            await turn(poster)
    valid = [[is_signed(item, secret) for secret in (answer.secret, fresh)] for item in shop.sink.asked]
    assert valid == [[True, True], [False, True]]


async def test_a_test_event_says_what_the_endpoint_answers(notification: Notifying, api: Api) -> None:
    async with a_shop(Answer(403, body=b"who are you?")) as shop:
        answer = await put(api, shop.url, "team.*", disabled=True)
        request = pb.SendTestEventRequest(endpoint_id=answer.endpoint.endpoint_id)
        attempt = (await api.call("SendTestEvent", request)).attempt
        assert (attempt.status, attempt.answer, attempt.taken) == (403, "who are you?", False)
        assert (await api.call("SendTestEvent", request)).attempt.taken
    assert shop.types == ["webhook.test"] * 2
    assert all(is_signed(item, answer.secret) for item in shop.sink.asked)
    assert [one.type for one in await attempts(api)] == ["webhook.test"] * 2


async def test_redrive_by_time_and_type(notification: Notifying, api: Api) -> None:
    async with a_shop() as shop, a_poster(notification) as poster:
        answer = await put(api, shop.url, "team.*")
        life = await a_team(notification, "tom")
        await turn(poster)
        shop.sink.asked.clear()
        again = pb.RedriveWebhooksRequest(
            request_id="r1", endpoint_id=answer.endpoint.endpoint_id, types=["team.seat_*"], taken_too=True
        )
        again.since.FromDatetime(life.now - timedelta(days=1))
        assert (await api.call("RedriveWebhooks", again)).count == 3
        await turn(poster)
        assert sorted(shop.types) == ["team.seat_confirmed", "team.seat_held", "team.seat_held"]
        again.since.FromDatetime(datetime(2020, 1, 1, tzinfo=UTC))
        again.until.FromDatetime(datetime(2020, 1, 2, tzinfo=UTC))
        again.request_id = "r2"
        assert (await api.call("RedriveWebhooks", again)).count == 0


async def test_an_endpoint_inside_the_network_is_refused(notification: Notifying) -> None:
    async with an_api(notification) as api:
        request = pb.PutWebhookEndpointRequest(
            request_id="p", endpoint=pb.WebhookEndpoint(url="http://169.254.169.254/latest", types=["*"])
        )
        reason, fields = await api.refused("PutWebhookEndpoint", request)
    assert reason == "INVALID_ARGUMENT"
    assert "private" in fields["endpoint.url"]


async def test_a_name_that_resolves_to_the_inside_is_not_asked(notification: Notifying, api: Api) -> None:
    async with a_shop() as shop, a_poster(notification, private=False) as poster:
        await put(api, shop.url.replace("127.0.0.1", "localhost"), "team.team_opened")
        await a_team(notification)
        await turn(poster)
    assert shop.ids == []
    assert "private" in (await attempts(api))[0].problem


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"url": "ftp://example.com"}, "endpoint.url"),
        ({"url": "https://user:secret@example.com"}, "endpoint.url"),
        ({"types": []}, "endpoint.types"),
        ({"types": ["team.nothing"]}, "endpoint.types"),
        ({"types": ["*"] * 51}, "endpoint.types"),
        ({"description": "a\nb"}, "endpoint.description"),
        ({"description": "x" * 201}, "endpoint.description"),
    ],
)
async def test_a_bad_endpoint_is_refused(api: Api, fields: dict[str, Any], wrong: str) -> None:
    endpoint = pb.WebhookEndpoint(**{"url": "https://example.com/in", "types": ["*"], **fields})
    request = pb.PutWebhookEndpointRequest(request_id="p", endpoint=endpoint)
    reason, found = await api.refused("PutWebhookEndpoint", request)
    assert (reason, list(found)) == ("INVALID_ARGUMENT", [wrong])
    assert await listed(api) == []


async def test_another_platforms_endpoint_is_unknown(api: Api) -> None:
    endpoint_id = (await put(api, "https://example.com/in")).endpoint.endpoint_id
    for method, request in (
        ("SendTestEvent", pb.SendTestEventRequest(endpoint_id=endpoint_id)),
        ("DeleteWebhookEndpoint", pb.DeleteWebhookEndpointRequest(request_id="d", endpoint_id=endpoint_id)),
        ("RotateWebhookSecret", pb.RotateWebhookSecretRequest(request_id="d", endpoint_id=endpoint_id)),
        ("RedriveWebhooks", pb.RedriveWebhooksRequest(request_id="d", endpoint_id=endpoint_id)),
    ):
        assert (await api.refused(method, request, OTHER))[0] == "WEBHOOK_ENDPOINT_UNKNOWN"
    assert (await listed(api, OTHER), len(await listed(api))) == ([], 1)


async def test_a_deleted_endpoint_takes_its_posts_with_it(notification: Notifying, api: Api) -> None:
    async with a_shop() as shop, a_poster(notification) as poster:
        endpoint_id = (await put(api, shop.url)).endpoint.endpoint_id
        await a_team(notification)
        request = pb.DeleteWebhookEndpointRequest(request_id="d", endpoint_id=endpoint_id)
        await api.call("DeleteWebhookEndpoint", request)
        await api.call("DeleteWebhookEndpoint", request)
        await turn(poster)
    assert (shop.ids, await listed(api)) == ([], [])


async def test_no_secret_is_stored_open(notification: Notifying, api: Api) -> None:
    answer = await put(api, "https://example.com/in")
    assert (await put(api, "https://example.com/in")).secret == answer.secret
    endpoints = await notification.rows("SELECT t::text, encode(secrets, 'escape') FROM webhook_endpoints AS t")
    stored = await notification.rows("SELECT t::text, encode(answer, 'escape') FROM requests AS t")
    dumped = str([*endpoints, *stored])
    raw = base64.b64decode(answer.secret.removeprefix("whsec_"))
    for form in (answer.secret, answer.secret.removeprefix("whsec_"), raw.hex(), answer.secret.encode().hex()):
        assert form not in dumped


async def test_secrets_are_sealed_anew_when_keys_rotate(notification: Notifying, api: Api) -> None:
    answer = await put(api, "https://example.com/in")
    keys = WebhookSecrets(Sealer.read(f"{OTHER_KEYS},{SEAL_KEYS}"))
    assert await keys.seal_anew(notification.database) == 1
    assert await keys.seal_anew(notification.database) == 0
    only = WebhookSecrets(Sealer.read(OTHER_KEYS))
    async with notification.database.work() as work:
        [row, *_] = [row for row, _ in await store.list_endpoints(work.connection, SHOP)]
    assert only.secret(row) == answer.secret


async def test_what_is_old_is_forgotten(notification: Notifying, api: Api) -> None:
    kept = PlatformEvents(notification.database, notification.clock)
    async with a_shop() as shop, a_poster(notification) as poster:
        await put(api, shop.url)
        await a_team(notification)
        await turn(poster)
    assert await kept.drop_old() == 0
    notification.clock.move(timedelta(days=7, seconds=1))
    assert await kept.drop_old() > 0
    tables = "(SELECT count(*) FROM {})"
    query = ", ".join(tables.format(name) for name in ("platform_events", "webhook_posts", "webhook_attempts"))
    assert await notification.rows(f"SELECT {query}") == [(0, 0, 0)]


async def test_dead_endpoints_leave_the_others_their_turn(notification: Notifying, api: Api) -> None:
    """However many there are, and however much waits for them."""
    few = Pace(total=4, per_lane=4, seconds=5)
    async with (
        a_shop(*[Answer(trouble="slow")] * 99) as dead,
        a_shop() as shop,
        a_poster(notification, pace=few) as poster,
    ):
        for number in range(6):
            await put(api, f"{dead.url}/{number}", "team.*", request_id=f"dead{number}")
        await put(api, shop.url, "team.team_opened", request_id="good")
        await notification.do("UPDATE webhook_endpoints SET failing = true WHERE url LIKE %s", f"{dead.url}%")
        await a_team(notification, "tom", "ana")
        running = asyncio.create_task(poster.run())
        await until(lambda: len(dead.ids) >= 3)
        dead.sink.release()
        await until(lambda: len(shop.ids) == 1)
        await poster.stop()
        await running


async def test_a_url_is_registered_once(api: Api) -> None:
    first = await put(api, "https://example.com/in")
    endpoint = pb.WebhookEndpoint(url="https://example.com/in", types=["*"])
    request = pb.PutWebhookEndpointRequest(request_id="again", endpoint=endpoint)
    reason, fields = await api.refused("PutWebhookEndpoint", request)
    assert (reason, list(fields)) == ("INVALID_ARGUMENT", ["endpoint.url"])
    assert first.endpoint.endpoint_id in fields["endpoint.url"]


async def test_what_waits_is_posted_at_once_when_the_platform_has_mended_it(notification: Notifying, api: Api) -> None:
    async with a_shop(*[Answer(500)] * 4) as shop, a_poster(notification) as poster:
        answer = await put(api, shop.url, "team.team_opened")
        await a_team(notification)
        for wait in (timedelta(), *WAITS[:3]):
            notification.clock.move(wait)
            await turn(poster)
        assert len(shop.ids) == 4
        await put(api, shop.url, "team.team_opened", request_id="mended", endpoint_id=answer.endpoint.endpoint_id)
        await turn(poster)
    assert len(shop.ids) == 5
    assert await notification.rows("SELECT state, attempts FROM webhook_posts") == [("TAKEN", 1)]


async def test_redrive_hurries_what_waits(notification: Notifying, api: Api) -> None:
    async with a_shop(Answer(500), Answer(500)) as shop, a_poster(notification) as poster:
        answer = await put(api, shop.url, "team.team_opened")
        await a_team(notification)
        await turn(poster)
        notification.clock.move(WAITS[0])
        await turn(poster)
        again = pb.RedriveWebhooksRequest(request_id="r", endpoint_id=answer.endpoint.endpoint_id)
        assert (await api.call("RedriveWebhooks", again)).count == 1
        await turn(poster)
    assert len(shop.ids) == 3


async def test_an_old_attempt_does_not_disable_a_changed_endpoint(notification: Notifying, api: Api) -> None:
    async with a_shop(Answer(410)) as old, a_shop() as new, a_poster(notification) as poster:
        answer = await put(api, old.url, "team.team_opened")
        await a_team(notification)
        recording = asyncio.Event()
        record = poster._record

        async def later(made: Made) -> None:
            await recording.wait()
            await record(made)

        poster._record = later
        await poster.run_once()
        await until(lambda: bool(old.ids))
        notification.clock.move(timedelta(seconds=1))
        await put(api, new.url, "team.team_opened", request_id="moved", endpoint_id=answer.endpoint.endpoint_id)
        recording.set()
        await poster.idle()
    [endpoint] = await listed(api)
    assert not endpoint.disabled


async def test_a_second_rotation_keeps_what_was_promised_of_the_first(notification: Notifying, api: Api) -> None:
    async with a_shop() as shop, a_poster(notification) as poster:
        answer = await put(api, shop.url, "team.team_opened")
        fresh = ""
        for number in range(2):
            rotate = pb.RotateWebhookSecretRequest(
                request_id=f"r{number}", endpoint_id=answer.endpoint.endpoint_id, old_valid_seconds=600
            )
            fresh = (await api.call("RotateWebhookSecret", rotate)).secret
        await a_team(notification)
        await turn(poster)
    assert [is_signed(shop.sink.asked[0], secret) for secret in (answer.secret, fresh)] == [True, True]


async def test_without_a_word_the_old_secret_is_good_for_a_day(notification: Notifying, api: Api) -> None:
    answer = await put(api, "https://example.com/in")
    rotate = pb.RotateWebhookSecretRequest(request_id="r", endpoint_id=answer.endpoint.endpoint_id)
    await api.call("RotateWebhookSecret", rotate)
    [endpoint] = await listed(api)
    assert endpoint.old_secret_until.ToDatetime(UTC) == notification.clock.now() + timedelta(days=1)


async def test_patterns_mean_what_a_later_release_brings(notification: Notifying, api: Api) -> None:
    await put(api, "https://example.com/in", "team.*")
    await notification.do("UPDATE webhook_endpoints SET types = %s", ["team.team_opened", "team.of_another_release"])
    kept = PlatformEvents(notification.database, notification.clock)
    assert await kept.read_patterns_again() == 1
    assert await kept.read_patterns_again() == 0
    [(types,)] = await notification.rows("SELECT types FROM webhook_endpoints")
    assert {"team.seat_confirmed", "team.of_another_release"} < set(types)


async def test_many_patterns_are_refused_by_every_call(api: Api) -> None:
    endpoint_id = (await put(api, "https://example.com/in")).endpoint.endpoint_id
    many = ["team.*"] * 51
    request = pb.RedriveWebhooksRequest(request_id="r", endpoint_id=endpoint_id, types=many)
    assert list((await api.refused("RedriveWebhooks", request))[1]) == ["types"]


async def test_a_retry_after_of_years_is_a_day(notification: Notifying, api: Api) -> None:
    far = Answer(500, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 -2359"})
    async with a_shop(far, Answer(500, headers={"Retry-After": "100000000"})) as shop, a_poster(notification) as poster:
        await put(api, shop.url, "team.team_opened")
        await a_team(notification)
        for _ in range(3):
            await turn(poster)
            notification.clock.move(timedelta(days=1, seconds=1))
    assert len(shop.ids) == 3
