"""Which events an endpoint wants, when a post is tried again, and when it is over."""

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.notification.domain import Again, Over, Posted, PostState, follows, matching, patterns_problem, rest_after
from services.notification.domain.posting import LONGEST_REST, WAITS
from services.notification.signatures import new_secret, signed_headers
from services.notification.translate import event_types

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
DOWN = Posted(500)


def after(posted: Posted, attempts: int = 1, *, success: datetime | None = None, jitter: float = 0.0) -> Again | Over:
    return follows(posted, attempts, NOW - timedelta(days=3), success, NOW, jitter)


def test_what_was_taken_is_over() -> None:
    assert after(Posted(204), 3) == Over(PostState.TAKEN)


def test_ten_attempts_take_three_days() -> None:
    waits = [after(DOWN, number) for number in range(1, 10)]
    assert [step.due_at - NOW for step in waits if isinstance(step, Again)] == list(WAITS)
    assert timedelta(days=3) <= sum(WAITS, timedelta()) <= timedelta(days=3.5)


def test_jitter_only_lengthens() -> None:
    step = after(DOWN, 4, jitter=1.0)
    assert step == Again(NOW + timedelta(hours=2) * 1.2)


@pytest.mark.parametrize("posted", [Posted(0, problem="cut"), Posted(301), Posted(404), Posted(429), Posted(503)])
def test_everything_but_success_is_tried_again(posted: Posted) -> None:
    assert isinstance(after(posted), Again)


def test_retry_after_is_waited_for() -> None:
    assert after(Posted(429, retry_after=timedelta(minutes=7))) == Again(NOW + timedelta(minutes=7))


def test_an_endpoint_that_took_nothing_for_three_days_is_disabled() -> None:
    step = after(DOWN, 10)
    assert step == Over(PostState.FAILED, "nothing was taken for 3.0 days; the last time: HTTP 500")
    assert after(DOWN, 10, success=NOW - timedelta(days=4)) == step


def test_an_endpoint_that_took_others_goes_on() -> None:
    assert after(DOWN, 10, success=NOW - timedelta(days=1)) == Over(PostState.FAILED)


def test_gone_means_gone() -> None:
    step = after(Posted(410))
    assert isinstance(step, Over)
    assert "410" in step.disable


def test_a_busy_endpoint_rests_but_not_for_ever() -> None:
    assert rest_after(Posted(503, retry_after=timedelta(minutes=1)), NOW) == NOW + timedelta(minutes=1)
    assert rest_after(Posted(429, retry_after=timedelta(days=1)), NOW) == NOW + LONGEST_REST
    assert rest_after(Posted(500, retry_after=timedelta(minutes=1)), NOW) is None
    assert rest_after(Posted(429), NOW) is None


def test_types_are_the_facts_of_the_topics() -> None:
    types = event_types()
    assert len(types) == len(set(types))
    assert {"campaign.campaign_created", "team.seat_confirmed", "price.price_changed"} <= set(types)
    assert {"settlement.settlement_line_recorded", "delivery.webhook_endpoint_disabled"} <= set(types)


def test_patterns_mean_types() -> None:
    types = event_types()
    assert matching(["*"], types) == list(types)
    assert matching(["delivery.*", "team.team_formed"], types) == [
        "team.team_formed",
        "delivery.delivery_ended",
        "delivery.webhook_endpoint_disabled",
    ]


@pytest.mark.parametrize("bad", ["", "team", "team.nothing", "[t]eam.*", "team.?eat_held", "tally.*", "a" * 300, "\0"])
def test_a_pattern_that_means_nothing_is_refused(bad: str) -> None:
    problem = patterns_problem(["team.*", bad], event_types())
    assert problem is not None
    assert "team.*" in problem


def test_signature_is_the_specifications_own_example() -> None:
    """The example of https://github.com/standard-webhooks/standard-webhooks (libraries' tests)."""
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_reference_library_verifies_it() -> None:
    secret, body = new_secret(), '{"type": "team.team_opened", "data": "芒果"}'.encode()
    headers = signed_headers("id", datetime.now(UTC), body, [new_secret(), secret])
    assert Webhook(secret).verify(body, headers)["data"] == "芒果"
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)


def test_two_secrets_sign_both() -> None:
    secrets = [new_secret(), new_secret()]
    both = signed_headers("id", NOW, b"{}", secrets)["webhook-signature"].split(" ")
    each = [signed_headers("id", NOW, b"{}", [one])["webhook-signature"] for one in secrets]
    assert both == each
    assert len(set(both)) == 2
