"""docs/privacy.md says of every table and topic what the data says, and names only what is there."""

import re
from collections.abc import Iterator
from pathlib import Path

from groupbuy.team_formation.v1 import privacy_pb2, team_formation_service_pb2

from services.chassis import erased
from services.chassis.erased_rows import PASSES
from services.chassis.reasons import reasons
from services.chassis.retention import Rule, rules
from services.chassis.topics import topics

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "privacy.md").read_text()
SERVICES = ("team_formation", "pricing", "notification")


def row_of(rule: Rule) -> str:
    """Write a table's row as the page has it."""
    return f"| `{rule.table}` | {rule.holds} | {rule.kept} | {rule.why} |"


def expected() -> Iterator[tuple[str, list[str]]]:
    """Give the heading and rows of each of the page's tables of tables."""
    of_all = set(rules("pricing")) & set(rules("notification")) & set(rules("team_formation"))
    of_all -= {"seats", "teams", "campaigns"}  # of the same name, each of its own
    yield "every service", [row_of(rule) for name, rule in sorted(rules("pricing").items()) if name in of_all]
    for service in SERVICES:
        own = [row_of(rule) for name, rule in sorted(rules(service).items()) if name not in of_all]
        yield service, own


def test_the_page_has_every_table_as_the_data_says_it() -> None:
    for heading, rows in expected():
        section = PAGE.partition(f"### Tables of {heading}\n")[2].partition("\n#")[0]
        found = [line for line in section.splitlines() if line.startswith("| `")]
        assert found == rows, f"write the rows of {heading} anew:\n" + "\n".join(rows)


def test_the_page_has_every_topic_with_its_age() -> None:
    section = PAGE.partition("### Topics\n")[2].partition("\n#")[0]
    found = [line for line in section.splitlines() if line.startswith("| `")]
    ages = {"delete": "{} days", "compact": "the last of each key"}
    rows = [f"| `{one.name}` | {ages[one.retention].format(one.retention_days)} |" for one in topics().values()]
    assert found == rows, "\n".join(rows)


def test_what_the_page_names_is_there() -> None:
    rpcs = {
        method.name
        for method in team_formation_service_pb2.DESCRIPTOR.services_by_name["TeamFormation"].methods
        if method.input_type.file.name == privacy_pb2.DESCRIPTOR.name
    }
    assert {rpc for rpc in rpcs if f"## {rpc}" in PAGE or f"**{rpc}**" in PAGE or f": {rpc}" in PAGE} == rpcs
    for name in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE):
        assert name in reasons() or name.startswith("GROUPBUY_"), name
    for path in re.findall(r"`((?:services|deploy|proto|tests)/[\w/.]+)`", PAGE):
        assert (ROOT / path).exists(), path
    days = max(topic.retention_days for topic in topics().values()) + erased._SLACK.days
    assert f"{days} days with the topics of proto/topics.toml" in PAGE
    assert PASSES == 2
