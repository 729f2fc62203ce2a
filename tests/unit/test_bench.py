"""What could be wrong in the benchmark without anybody noticing: medians, ratios, percentiles, requests, the report."""

import io
import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from google.protobuf.message import Message
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from rich.console import Console

from services.chassis import ids
from services.team_formation import translate
from services.team_formation.hooks.call import Call, Verified
from services.team_formation.hooks.slack import SlackSecrets, verify
from tests.bench import campaign, cpu, http2, memory, pgbench, report, rounds, seed, sending, template, watching
from tests.bench.caller import Outcome
from tests.bench.errors import BenchError
from tests.bench.http_requests import slack_posts
from tests.bench.parts.demand import lags
from tests.bench.parts.fanout import members
from tests.bench.parts.webhook import a_call
from tests.bench.sink import Requests

TEAMS = [ids.opaque(translate.TEAM, ids.new_id(), ids.new_id()) for _ in range(3)]


def results(**figures: list[float]) -> rounds.Results:
    made = rounds.Results()
    for name, values in figures.items():
        for value in values:
            made.add(name, value, "a second")
    return made


def test_a_ratio_is_the_median_of_the_ratios_within_rounds_not_the_ratio_of_medians() -> None:
    # the machine was ten times slower in the second round: within it nothing changed
    measured = results(join=[80.0, 8.0, 90.0], echo=[100.0, 10.0, 100.0])
    measured.ratio("join_to_echo", "join", "echo")
    assert measured.ratios["join_to_echo"].rounds == [0.8, 0.8, 0.9]
    assert measured.ratios["join_to_echo"].median == 0.8


def test_a_ratio_of_figures_with_other_rounds_is_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        results(join=[1.0], echo=[1.0, 2.0]).ratio("join_to_echo", "join", "echo")


def test_a_figure_keeps_its_unit() -> None:
    with pytest.raises(ValueError, match="a second, not in ms"):
        results(join=[1.0]).add("join", 2.0, "ms")


async def test_every_variant_is_measured_in_every_round_and_the_order_turns() -> None:
    order: list[tuple[int, str]] = []

    def variant(name: str) -> rounds.Variant:
        async def measure(number: int) -> float:
            order.append((number, name))
            return float(number)

        return measure

    measured = await rounds.interleaved(3, {name: variant(name) for name in "abc"})
    assert "".join(name for _, name in order) == "abccbaabc"
    assert [number for number, _ in order] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert measured == [dict.fromkeys("abc", float(number)) for number in range(3)]


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 50), (0.501, 51), (0.99, 99), (0.999, 100), (1.0, 100)])
def test_percentile(share: float, value: int) -> None:
    assert rounds.percentile([float(number) for number in reversed(range(1, 101))], share) == value


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        rounds.percentile([], 0.5)


def test_requests_differ_in_their_numbers_alone_and_take_the_teams_in_turn() -> None:
    requests = list(itertools.islice(template.numbered(campaign.joins(TEAMS)), 4))
    read = [pb.JoinTeamRequest.FromString(raw) for raw in requests]
    assert [request.team_id for request in read] == [*TEAMS, TEAMS[0]]
    assert len({request.request_id for request in read}) == 4
    assert len({request.member_id for request in read}) == 4
    assert template.MARK not in str(read)
    assert all(request.SerializeToString() == raw for request, raw in zip(read, requests, strict=True))


def test_two_sets_of_joins_share_no_request_and_no_member() -> None:
    first, second = (pb.JoinTeamRequest.FromString(next(template.numbered(campaign.joins(TEAMS)))) for _ in range(2))
    assert first.request_id != second.request_id
    assert first.member_id != second.member_id


def test_a_bundle_is_the_message_of_many_joins() -> None:
    joins = template.numbered(campaign.joins(TEAMS))
    read = pb.JoinTeamsRequest.FromString(next(template.bundled(joins, 500)))
    assert len({join.request_id for join in read.joins}) == 500


def test_a_template_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="no ####"):
        template.template(pb.JoinTeamRequest(request_id="always the same"))


@pytest.mark.parametrize("size", [0, 127, 128, 300, 20_000])
def test_lengths_are_written_as_protobuf_does(size: int) -> None:
    label = "x" * size
    message: Message = pb.ResolveInviteRequest(code=label)
    assert message.SerializeToString() == (b"\x0a" + template.varint(size) + label.encode() if size else b"")


def test_a_campaign_has_every_limit_its_type_knows() -> None:
    made = campaign.a_campaign()
    assert made.items[0].stock == 10**9
    assert made.rules.max_units_per_member == 5
    assert campaign.limited(made.rules, no_such_limit=5) == made.rules


def test_what_the_report_writes(tmp_path: Path) -> None:
    measured = results(join=[80.0, 90.0, 70.0], echo=[100.0, 100.0, 100.0])
    measured.ratio("join_unary_to_echo", "join", "echo")
    path = tmp_path / "build" / "bench.json"
    report.write(path, measured, {"commit": "abc", "machine": {"processors": 2}, "versions": {"python": "3.11"}})
    written = json.loads(path.read_text())
    assert written["commit"] == "abc"
    assert written["figures"]["join"] == {"unit": "a second", "rounds": [80.0, 90.0, 70.0], "median": 80.0}
    assert written["ratios"] == {"join_unary_to_echo": 0.8}
    assert written["ratio_rounds"] == {"join_unary_to_echo": [0.8, 0.9, 0.7]}


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("join_unary_to_echo", 0.8, "reached"),
        ("join_unary_to_echo", 0.79, "missed"),
        ("join_p99_to_allowance", 1.0, "reached"),
        ("join_p99_to_allowance", 1.1, "missed"),
    ],
)
def test_the_table_says_what_was_reached(name: str, value: float, word: str) -> None:
    measured = rounds.Results(ratios={name: rounds.Figure("", [value])})
    output = io.StringIO()
    report.show(Console(file=output, width=160), measured)
    [line] = [line for line in output.getvalue().splitlines() if name in line]
    assert str(report.TARGETS[name]) in line
    assert ("reached" in line, "missed" in line) == (word == "reached", word == "missed")


def test_the_rate_of_pgbench_is_read() -> None:
    assert (
        pgbench.rate_of("number of failed transactions: 0 (0.000%)\ntps = 2345.678901 (without ...)\n") == 2345.678901
    )


@pytest.mark.parametrize("output", ["", "number of failed transactions: 3 (1.0%)\ntps = 1.0 (without ...)\n"])
def test_a_pgbench_that_failed_is_no_rate(output: str) -> None:
    with pytest.raises(BenchError, match="did not measure"):
        pgbench.rate_of(output)


def test_headers_that_are_written_out_are_read() -> None:
    block = b"\x3f\x01" + b"\x88" + b"\x00\x0bgrpc-status\x019" + b"\x0f\x10\x05ident" + b"\x40\x0cgrpc-message\x02no"
    assert http2.decoded(block) == {"grpc-status": "9", "": "ident", "grpc-message": "no"}


def test_long_texts_of_headers_are_written_and_read() -> None:
    text = "x" * 300
    assert http2.decoded(b"\x00" + http2._text("name") + http2._text(text)) == {"name": text}


def test_copies_have_ids_that_follow_their_model() -> None:
    model = UUID("018f0000-1111-7222-8333-444455556666")
    assert seed.copied(model, 255) == UUID("018f0000-1111-7222-8333-0000000000ff")


def test_values_of_a_copy() -> None:
    kept = {"campaign_id"}
    assert seed._value("campaign_id", "uuid", kept).as_string() == 's."campaign_id"'
    assert "overlay" in seed._value("team_id", "uuid", kept).as_string()
    assert "|| '-' || n" in seed._value("opener_member_id", "text", kept).as_string()
    assert "interval" in seed._value("due_at", "timestamp with time zone", kept).as_string()
    assert seed._value("state", "text", kept).as_string() == 's."state"'


def test_cpu_elsewhere_is_what_no_program_spent() -> None:
    outcome = Outcome(10, 2.0, {"machine": 4.0, "service": 1.0, "client": 0.5}, {}, {})
    assert outcome.elsewhere == 2.5
    assert outcome.rate == 5.0


def test_cpu_between_readings() -> None:
    assert cpu.spent({"a": 1.0, "b": 2.0}, {"a": 1.5, "b": 4.0}) == {"a": 0.5, "b": 2.0}


def test_delays_of_readers() -> None:
    [name] = TEAMS[:1]
    audience = watching.Audience({name: watching._Team([1, 1])})
    team = audience.teams[name]
    team.acknowledged, team.last = {2: 10.0, 3: 11.0}, 3
    audience.arrivals = [(name, 2, 9.9), (name, 2, 10.5), (name, 3, 11.2), (name, 3, 11.25)]
    team.slowest = {2: 10.5, 3: 11.25}
    assert audience.delays() == pytest.approx([0.0, 0.5, 0.2, 0.25])
    assert audience.last_delay() == 0.25


def test_a_reader_is_behind_until_it_has_the_last_state() -> None:
    [name] = TEAMS[:1]
    audience = watching.Audience({name: watching._Team([2, 3])})
    audience.teams[name].last = 3
    assert audience.behind()
    audience.teams[name].versions[0] = 3
    assert not audience.behind()


def test_streams_that_we_end_ourselves_are_no_failure() -> None:
    audience = watching.Audience({})
    audience.fail("")
    audience.closed = True
    audience.fail("")
    assert sum(audience.failures.values()) == 1


def test_holds_of_a_copy_can_be_due_at_once() -> None:
    assert campaign.HOLD == campaign.a_campaign().rules.hold_lifetime.ToTimedelta() > timedelta(hours=1)


def test_a_tally_lags_until_the_first_look_that_saw_it_or_a_later_one() -> None:
    looks = [(10.0, 3), (10.1, 3), (10.2, 5), (10.3, 6)]
    found = lags(looks, {4: 10.0, 5: 10.15, 6: 10.31})
    assert found == pytest.approx([0.2, 0.05, 0.0])


@pytest.mark.parametrize("cut", [1, 7, 40, 1000])
def test_the_sink_cuts_what_comes_into_requests_wherever_it_is_cut(cut: int) -> None:
    posts = [
        f"POST /messages HTTP/1.1\r\nHost: x\r\nidempotency-Key: {key}\r\nContent-Length: {size}\r\n\r\n{'a' * size}"
        for key, size in (("one", 3), ("two", 0), ("three", 90))
    ]
    data = "".join([*posts, "GET / HTTP/1.1\r\n\r\nPOST / HT"]).encode()
    requests = Requests()
    found = [key for start in range(0, len(data), cut) for key in requests.feed(data[start : start + cut])]
    assert found == ["one", "two", "three", ""]


def test_a_steady_rate_leaves_out_how_work_begins_and_ends() -> None:
    steady = [10 + number / 100 for number in range(80)]
    assert sending.steady_rate([0.0, *[9.0] * 9, *reversed(steady), *[500.0] * 10]) == pytest.approx(100)


@pytest.mark.parametrize("times", [[], [1.0] * 9, [1.0] * 50])
def test_a_rate_of_too_little_is_none(times: list[float]) -> None:
    with pytest.raises(BenchError, match="measure longer"):
        sending.steady_rate(times)


def test_the_peak_of_memory_is_read() -> None:
    assert memory.read_peak("VmPeak:\t  900 kB\nVmHWM:\t  107520 kB\nVmRSS:\t 1 kB\n") == 105
    with pytest.raises(ValueError, match="VmHWM"):
        memory.read_peak("VmPeak:\t  900 kB\n")


def test_those_who_will_join_are_known_before() -> None:
    [made] = campaign.joins(TEAMS[:1])
    requests = template.numbered([made])
    joining = [pb.JoinTeamRequest.FromString(next(requests)).member_id for _ in range(3)]
    assert members(made, 3) == joining


def test_each_call_of_slack_is_signed_and_another_one() -> None:
    secret = "0123456789abcdef"
    posts = slack_posts(
        template.numbered([a_call("https://shop.example/i/AAAAAAAAAAAA")]), "127.0.0.1:1", "/hooks/slack/one", secret
    )
    found = [_verified(next(posts), secret) for _ in range(3)]
    assert len({event_id for event_id in found if event_id}) == 3
    assert not _verified(next(posts), "fedcba9876543210")


def _verified(request: bytes, secret: str) -> str:
    """Check a request; gives the event's id, or "" where it is refused."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    named = dict(line.split(b": ", 1) for line in lines)
    assert (first, int(named[b"content-length"])) == (b"POST /hooks/slack/one HTTP/1.1", len(body))
    outcome = verify(Call.of("POST", named.items(), b"", body, datetime.now(UTC)), SlackSecrets((secret,)))
    return outcome.events[0].event_id if isinstance(outcome, Verified) else ""
