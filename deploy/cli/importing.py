"""groupbuy import: bring running teams over from another system, from a file with a line for each team."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from google.protobuf.json_format import ParseDict, ParseError
from groupbuy.team_formation.v1 import importing_pb2 as pb

from deploy.cli.calling import calling
from deploy.cli.stack import data_option
from deploy.local.errors import LocalError

SECONDS = 60.0
MOST_TEAMS, MOST_SEATS = 50, 1_000
"""What ImportTeams takes in a call."""


@click.command()
@click.argument("teams", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@data_option
def import_teams(teams: Path, data: Path, *, dry_run: bool) -> None:
    """Bring the teams over that TEAMS describes, a .jsonl file with a line for each (docs/import.md).

    Every line is checked first, and nothing is imported if one is bad. The same file again changes nothing. Talks to
    GROUPBUY_TEAM_FORMATION with GROUPBUY_PLATFORM_KEY, or to the stack that runs on the data directory.
    """
    read = read_lines(teams)
    with calling("team_formation", data) as (stub, metadata):
        checked = _asked(stub, metadata, read, check_only=True)
        if _say_refused(checked) or dry_run:
            click.echo(_summary(checked, "would be imported" if dry_run else "would have been imported, none was"))
            sys.exit(1 if _refused(checked) else 0)
        done = _asked(stub, metadata, read, check_only=False)
    _say_refused(done)
    click.echo(_summary(done, "imported"))
    sys.exit(1 if _refused(done) else 0)


def read_lines(path: Path) -> dict[int, pb.ImportTeam]:
    """Read the teams of a file by the numbers of their lines; LocalError names every line that cannot be read."""
    found: dict[int, pb.ImportTeam] = {}
    problems: list[str] = []
    known: dict[tuple[str, str], int] = {}
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise LocalError(f"{path} is not UTF-8.", "Write it in UTF-8; nothing was imported.") from None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            team = ParseDict(_object(line), pb.ImportTeam())
        except (ParseError, ValueError, RecursionError) as problem:
            problems.append(f"line {number}: {problem}")
            continue
        name = (team.campaign_id, team.external_ref)
        if (first := known.setdefault(name, number)) != number:
            problems.append(
                f"line {number}: external_ref {team.external_ref} is that of line {first}; give it one of its own"
            )
        found[number] = team
    if not found and not problems:
        raise LocalError(f"{path} has no teams.", "Write a line of JSON for each (docs/import.md).")
    if problems:
        raise LocalError("\n".join(problems), "Mend these lines (docs/import.md has the format); nothing was imported.")
    return found


def _object(line: str) -> dict[str, Any]:
    given = json.loads(line)
    if not isinstance(given, dict):
        raise ValueError("must be a JSON object: one team")  # noqa: TRY004 - it is a line's fault, not a program's
    return given


def _asked(
    stub: Any, metadata: Any, teams: Mapping[int, pb.ImportTeam], *, check_only: bool
) -> dict[int, pb.ImportResult]:
    """Ask for all teams, some at a time; what became of each line."""
    results: dict[int, pb.ImportResult] = {}
    for numbers in _batches(teams):
        request = pb.ImportTeamsRequest(teams=[teams[number] for number in numbers], check_only=check_only)
        answer = stub.ImportTeams(request, metadata=metadata, timeout=SECONDS)
        results |= dict(zip(numbers, answer.results, strict=True))
    return results


def _batches(teams: Mapping[int, pb.ImportTeam]) -> Iterator[list[int]]:
    """Part lines into calls; a team that alone is too large is a call of its own, and refused."""
    batch: list[int] = []
    seats = 0
    for number, team in teams.items():
        if batch and (len(batch) == MOST_TEAMS or seats + len(team.seats) > MOST_SEATS):
            yield batch
            batch, seats = [], 0
        batch.append(number)
        seats += len(team.seats)
    if batch:
        yield batch


def _refused(results: Mapping[int, pb.ImportResult]) -> dict[int, pb.ImportRefused]:
    return {number: item.refused for number, item in results.items() if item.HasField("refused")}


def _say_refused(results: Mapping[int, pb.ImportResult]) -> bool:
    """Say what is wrong with each line, and where; tells whether anything is."""
    refused = _refused(results)
    for number, why in refused.items():
        for field, remedy in sorted(why.fields.items()) or [("team", why.message)]:
            click.echo(f"line {number}: {field} {remedy}", err=True)
    return bool(refused)


def _summary(results: Mapping[int, pb.ImportResult], what: str) -> str:
    there = [item.imported for item in results.values() if item.HasField("imported")]
    new = [team for team in there if not team.there_before]
    less = sum(team.promised_less for team in new)
    brought = f"{_many(len(new), 'team')} with {_many(sum(team.seats for team in new), 'seat')} {what}"
    rest = f"{len(there) - len(new)} there before, {len(_refused(results))} refused"
    return f"{brought}; {_many(less, 'promise')} lower than the price; {rest}"


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
