"""Says what a load takes: `make capacity JOINS_PER_S=500`, or `python -m deploy.capacity --help`."""

import argparse
import json
import sys
from dataclasses import fields

from deploy.capacity.figures import read
from deploy.capacity.model import Wanted, WantedError, plan
from deploy.capacity.report import document, lines


def main(arguments: list[str]) -> int:
    """Exit code 0 with a plan, 2 for a wish that cannot be, 3 where the load is beyond a limit of the plan."""
    options = vars(_parser().parse_args(arguments))
    as_json, figures = options.pop("json"), read()
    given = {name: value for name, value in options.items() if value is not None}
    if "messages" in given:
        given["messages"] = tuple(kind for kind in given["messages"].split(",") if kind)
    wanted = Wanted(**given)
    try:
        made = plan(wanted, figures)
    except WantedError as error:
        print(f"capacity: {error}", file=sys.stderr)
        return 2
    if as_json:
        print(json.dumps(document(wanted, made), indent=2))
    else:
        print("\n".join(lines(wanted, made, figures)))
    return 3 if made.limits[0].joins_per_s < wanted.joins_per_s else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.capacity", description=__doc__)
    helps = {
        "joins_per_s": "joins a second at the busiest time",
        "members": "members that notification knows",
        "hot": "share of joins that the busiest campaign takes, 0 to 1",
        "messages": "kinds of messages that members are told, comma separated; may be empty",
        "pages": "invite pages opened for each join",
        "day": "joins of a day, as a share of the busiest rate all day, 0 to 1",
        "cores": "cores of the PostgreSQL server of one service",
        "max_connections": "PostgreSQL's max_connections on it",
        "copies": "copies of each Kafka partition",
    }
    for field in fields(Wanted):
        kind = {"messages": str, "members": int, "cores": int, "max_connections": int, "copies": int}
        default = "" if field.name == "joins_per_s" else f" (default {_shown(field.default)})"
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=kind.get(field.name, float),
            required=field.name == "joins_per_s",
            help=helps[field.name] + default.replace("%", "%%"),
        )
    parser.add_argument("--json", action="store_true", help="the same as data")
    return parser


def _shown(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
