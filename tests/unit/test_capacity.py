"""The model of capacity: it reckons with what there is, its arithmetic, and that docs/scaling.md shows its output."""

import json
import re
import shlex
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from deploy.capacity.__main__ import main
from deploy.capacity.figures import Figures, read
from deploy.capacity.model import FEWEST, SERVICES, Wanted, WantedError, plan
from deploy.capacity.report import size
from services.chassis.outbox import SHARDS
from services.chassis.retention import rules
from services.chassis.settings import ChassisSettings

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "scaling.md"
EXAMPLE = re.compile(r"^    \$ (make capacity.*)\n((?:^(?:    .*)?\n)+?)(?=^\S|\Z)", re.MULTILINE)


@pytest.fixture(scope="module")
def figures() -> Figures:
    return read()


def test_every_measured_figure_names_the_command_and_the_commit(figures: Figures) -> None:
    measured = [name for name, source in figures.sources.items() if source.command]
    assert {"rates", "cpu", "sizes"} == set(measured)
    assert all(re.search(r"\b[0-9a-f]{7}\b", figures.sources[name].commit) for name in measured)
    assert all(source.note for source in figures.sources.values())
    figure = [*figures.rates.values(), *figures.cpu.values(), *figures.topics.values(), figures.log, figures.row]
    assert min([*figure, *(table.bytes for table in figures.tables.values())]) > 0


def test_what_is_kept_for_a_time_is_what_retention_says(figures: Figures) -> None:
    assert figures.tables
    for name, table in figures.tables.items():
        service, _, own = name.partition(".")
        there = rules(service)
        rule = there["deliveries"] if own == "attempts" else there[own]
        assert table.days == rule.days, name


def test_settings_are_those_of_the_code(figures: Figures) -> None:
    settings, topics = figures.settings, tomllib.loads((ROOT / "proto" / "topics.toml").read_text(encoding="utf-8"))
    assert settings["partitions"] == topics["defaults"]["partitions"]
    assert settings["topic_days"] == topics["defaults"]["retention_days"] == rules("pricing")["outbox"].days
    assert settings["relay_shards"] == SHARDS
    assert settings["database_pool"] == ChassisSettings.model_fields["database_pool"].default
    for topic in figures.topics:
        readers = topics["topics"][topic]["consumers"]
        assert settings.get(f"readers_of_{topic.split('.')[1]}", 0) == len(readers), topic


def test_twice_the_load_takes_twice_the_bytes_and_no_fewer_processes(figures: Figures) -> None:
    once, twice = (plan(Wanted(joins), figures) for joins in (2_000, 4_000))
    assert twice.kafka_in == pytest.approx(2 * once.kafka_in)
    assert twice.kafka_kept == pytest.approx(2 * once.kafka_kept)
    assert twice.outbox == pytest.approx(2 * once.outbox)
    assert sum(twice.growth.values()) == pytest.approx(2 * sum(once.growth.values()))
    more = {part.name: part.replicas for part in twice.parts}
    assert all(more[part.name] >= part.replicas for part in once.parts)
    assert more["team_formation rpc"] == pytest.approx(2 * once.parts[0].replicas, abs=1)
    assert once.known == twice.known


def test_a_small_load_has_two_of_each_part_and_relays_are_no_more_than_shards(figures: Figures) -> None:
    small, large = plan(Wanted(1), figures), plan(Wanted(1_000_000), figures)
    assert {part.replicas for part in small.parts if part.name != "pricing demand"} == {FEWEST}
    assert next(part.replicas for part in large.parts if part.name.endswith("relay")) == SHARDS
    assert small.partitions == figures.settings["partitions"]
    assert large.partitions == max(part.replicas for part in large.parts if part.name.endswith("consumer"))


def test_a_hotter_campaign_ends_sooner_and_nothing_else_changes(figures: Figures) -> None:
    cool, hot = (plan(Wanted(500, hot=share), figures) for share in (0.1, 0.9))
    ends = [next(limit for limit in each.limits if "busiest campaign" in limit.what) for each in (cool, hot)]
    assert ends[0].joins_per_s == pytest.approx(9 * ends[1].joins_per_s)
    assert replace(cool, limits=()) == replace(hot, limits=())


def test_limits_are_told_nearest_first_and_a_wish_beyond_one_is_not_enough(figures: Figures) -> None:
    made = plan(Wanted(100), figures)
    ends = [limit.joins_per_s for limit in made.limits]
    assert ends == sorted(ends)
    assert main(["--joins-per-s", str(ends[0] * 0.99)]) == 0
    assert main(["--joins-per-s", str(ends[0] * 10)]) == 3


def test_connections_leave_room_for_an_update_and_a_pooler_is_asked_for_in_time(figures: Figures) -> None:
    made = plan(Wanted(1), figures)
    each = figures.settings["database_pool"] + figures.settings["direct_connections"]
    with_database = [part for part in made.parts if part.name != "pricing demand"]
    processes = {service: [part for part in with_database if part.name.startswith(service)] for service in SERVICES}
    assert made.connections == {
        service: sum(part.replicas + 1 for part in parts) * each for service, parts in processes.items()
    }
    most = max(made.connections.values()) + figures.settings["reserved_connections"]
    assert not plan(Wanted(1, max_connections=most), figures).pooler
    assert plan(Wanted(1, max_connections=most - 1), figures).pooler


def test_the_parts_are_those_that_the_manifests_have(figures: Figures) -> None:
    there = {
        document["metadata"]["name"]
        for path in (ROOT / "deploy" / "kubernetes" / "base").rglob("deployments.yaml")
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    }
    assert {re.sub(r"[ _]", "-", part.name) for part in plan(Wanted(1), figures).parts} == there


def test_fewer_messages_take_fewer_senders_and_none_takes_the_fewest(figures: Figures) -> None:
    all_of_them, none = (plan(Wanted(2_000, messages=kinds), figures) for kinds in (Wanted(1).messages, ()))
    senders = [next(p.replicas for p in each.parts if p.name == "notification timers") for each in (all_of_them, none)]
    assert senders[0] > senders[1] == FEWEST
    assert none.messages_per_s == 0


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"joins_per_s": 0}, "joins_per_s"),
        ({"joins_per_s": float("nan")}, "joins_per_s"),
        ({"hot": 0}, "hot"),
        ({"hot": 1.01}, "hot"),
        ({"day": -1}, "day"),
        ({"members": -1}, "members"),
        ({"cores": 0}, "cores"),
        ({"messages": ("JOINED", "NOTHING")}, "NOTHING"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_by_name(figures: Figures, changes: dict[str, object], word: str) -> None:
    with pytest.raises(WantedError, match=word):
        plan(replace(Wanted(1), **changes), figures)  # type: ignore[arg-type]


def test_a_refused_wish_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--joins-per-s", "10", "--hot", "2"]) == 2
    assert capsys.readouterr().err == "capacity: hot is 2: it is a share, above 0 and at most 1\n"


def test_the_same_is_there_as_data(capsys: pytest.CaptureFixture[str], figures: Figures) -> None:
    assert main(["--joins-per-s", "50", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["wanted"]["joins_per_s"] == 50
    assert said["plan"]["kafka_in"] == plan(Wanted(50), figures).kafka_in


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (999.6, "1 KB"), (1_234_000, "1.23 MB"), (1e18, "1e+03 PB")],
)
def test_bytes_have_three_digits_and_a_unit(count: float, text: str) -> None:
    assert size(count) == text


def test_the_page_shows_what_the_tool_says(capsys: pytest.CaptureFixture[str]) -> None:
    examples = EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
    assert len(examples) >= 2
    for command, shown in examples:
        main(options(command))
        said = capsys.readouterr().out
        assert [line[4:].rstrip() for line in shown.rstrip("\n").split("\n")] == said.rstrip("\n").split("\n"), command


def options(command: str) -> list[str]:
    """Translate the variables of a `make capacity` to the tool's options, as the Makefile does."""
    given = dict(word.split("=", 1) for word in shlex.split(command)[2:])
    more = shlex.split(given.pop("ARGS", ""))
    return [word for name, value in given.items() for word in (f"--{name.lower().replace('_', '-')}", value)] + more
