"""Writes docs/configuration.md from the settings classes of the services.

.venv/bin/python tools/configuration.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from html import escape
from importlib import import_module
from inspect import get_annotations
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from services.chassis import settings as chassis
from services.chassis.environment import PREFIX, Environment
from services.chassis.tls_settings import CallingSettings, KafkaSettings
from tools.refusals import table

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "configuration.md"
SERVICES = ("team_formation", "pricing", "notification")

BY_COMMANDS = (CallingSettings, KafkaSettings)
"""Classes that the command line reads too."""

COMMANDS = {
    "GROUPBUY_DATA": "Folder of the local stack: data, secrets and logs; the option `--data` goes before it.",
    "GROUPBUY_PLATFORM_KEY": "API key of the platform that a command reads as.",
    "GROUPBUY_DEBUG": "`1` shows where an error of a command arose.",
    "GROUPBUY_DATABASE_URL": "The PostgreSQL server of the installation, as above; where it is not set, that of the"
    " running stack. `groupbuy up` then starts none.",
    "GROUPBUY_TEAM_FORMATION_DATABASE_URL": "The server of team_formation's database, where `groupbuy check` must read"
    " the services' databases on several servers or as several users; the database is added.",
    "GROUPBUY_PRICING_DATABASE_URL": "The same for pricing.",
    "GROUPBUY_NOTIFICATION_DATABASE_URL": "The same for notification.",
    "GROUPBUY_KAFKA": "The Kafka of the installation, as above; `groupbuy up` then starts none.",
    "GROUPBUY_TEAM_FORMATION": "Where team_formation answers; where it is not set, that of the running stack.",
    "GROUPBUY_PRICING": "The same for pricing.",
    "GROUPBUY_NOTIFICATION": "The same for notification.",
    "GROUPBUY_SERVICE_KEY": "The secret of the services' own calls, which commands for operators make too.",
}
TESTS = {
    "GROUPBUY_REQUIRE": "Tools whose absence fails tests instead of skipping them, comma separated (CONTRIBUTING.md).",
    "GROUPBUY_TEST_DATABASE_URL": "A PostgreSQL server for tests; where it is not set they start one.",
    "GROUPBUY_FUZZ_CALLS": "How many calls `make fuzz` makes.",
    "GROUPBUY_FUZZ_SEED": "The seed that it draws them from.",
    "GROUPBUY_FUZZ_ONLY": "The number of the one call that it makes.",
    "GROUPBUY_APT_SOURCES": "File of the sources of Debian packages for the image, where apt names none of its suite.",
    "GROUPBUY_KUSTOMIZE": "The kustomize that renders manifests, where it is not on the PATH.",
    "GROUPBUY_PICTURES": "Folder that tests put what they drew into, to be looked at.",
}

HEAD = """\
# Configuration

Made by `.venv/bin/python tools/configuration.py` from the settings classes: do not edit.

Every setting is an environment variable, read once, when a process starts. A value that cannot be right ends the start
with exit code 2 and one line for each variable at fault. Secrets are never written to logs. What is the same for all
processes of an installation comes first; a process of a service reads these and its service's own, whichever of its
parts (`rpc`, `web`, `consumer`, `timers`, `relay`, pricing's `demand`) it runs.
"""

_FORMS = (
    (chassis.Address, "host:port"),
    (chassis.Addresses, "host:port, comma separated"),
    (chassis.Server, "address of PostgreSQL"),
    (chassis.SigningKeys, "KEY_ID:SEED, comma separated"),
    (chassis.SealingKeys, "KEY_ID:SEED, comma separated"),
)
_UNITS = {
    "_milliseconds": "milliseconds",
    "_per_second": "a second",
    "_per_day": "a day",
    "_per_platform": "a platform",
    "_seconds": "seconds",
    "_hours": "hours",
    "_days": "days",
    "_bytes": "bytes",
}


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def page() -> str:
    """Return the page as it should be."""
    parts = [HEAD]
    for kind, readers in sections().items():
        parts += [f"## {_title(kind)}\n", f"Read by {_readers(kind, readers)}.\n", _settings(kind)]
    parts += ["## The command line\n", _named(COMMANDS), "## Tests and tools\n", _named(TESTS)]
    return "\n".join(parts)


def sections() -> dict[type[Environment], list[str]]:
    """Return every class that declares settings, with the services that read them: what most read comes first."""
    found: dict[type[Environment], list[str]] = {}
    for service in SERVICES:
        for kind in reversed(import_module(f"services.{service}.settings").Settings.mro()):
            if issubclass(kind, Environment) and _own(kind):
                found.setdefault(kind, []).append(service)
    return dict(sorted(found.items(), key=lambda item: (item[0] is not chassis.ChassisSettings, -len(item[1]))))


def variables() -> set[str]:
    """Name every variable on the page."""
    own = {f"{PREFIX}{name.upper()}" for kind in sections() for name in _own(kind)}
    return own | COMMANDS.keys() | TESTS.keys()


def _own(kind: type[Environment]) -> dict[str, FieldInfo]:
    """Return the settings that a class declares itself."""
    return {name: field for name, field in kind.model_fields.items() if name in get_annotations(kind)}


def _title(kind: type[Environment]) -> str:
    """Say what a class's settings are for, by its docstring."""
    return (kind.__doc__ or "").partition("\n")[0].partition(":")[0].partition(";")[0].rstrip(".")


def _readers(kind: type[Environment], services: list[str]) -> str:
    who = "every service" if len(services) == len(SERVICES) else " and ".join(services)
    return f"{who}, and by the command line" if kind in BY_COMMANDS else who


def _settings(kind: type[Environment]) -> str:
    rows = [
        (f"`{PREFIX}{name.upper()}`", escape(field.description or "", quote=False), form(name, field), default(field))
        for name, field in _own(kind).items()
    ]
    return table(("variable", "meaning", "unit or form", "default"), rows)


def _named(known: dict[str, str]) -> str:
    return table(("variable", "meaning"), [(f"`{name}`", meaning) for name, meaning in known.items()])


def form(name: str, field: FieldInfo) -> str:
    """Say how a value is written: its unit with bounds, its words, or its form."""
    parts = list(_parts(field.annotation, field.metadata))
    for known, words in _FORMS:
        if get_args(known)[1] in parts:  # what checks it
            return words
    literal = next((part for part in parts if get_origin(part) is Literal), None)
    if literal is not None:
        return ", ".join(f"`{word}`" for word in get_args(literal))
    if SecretStr in parts:
        return "secret text"
    if bool in parts:
        return "`true`, `false`"
    if int in parts or float in parts:
        return " ".join(filter(None, (_unit(name), _bounds(parts))))
    return "text"


def default(field: FieldInfo) -> str:
    """Say what holds where a variable is not set."""
    if field.is_required():
        return "required"
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    if isinstance(value, bool):
        return f"`{value}`".lower()
    return "none" if value in (None, "") else f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _parts(annotation: Any, metadata: Iterable[Any] = ()) -> Iterator[Any]:
    """Give a type with all that it is made from."""
    yield from (annotation, *metadata)
    if get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from _parts(part)


def _unit(name: str) -> str:
    return next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), "count")


def _bounds(parts: list[Any]) -> str:
    low = next((f"from {part.ge}" for part in parts if isinstance(part, Ge)), "")
    low = low or next((f"above {part.gt}" for part in parts if isinstance(part, Gt)), "")
    high = next((f"to {part.le}" for part in parts if isinstance(part, Le)), "")
    found = " ".join(filter(None, (low, high)))
    return f"({found})" if found else ""


if __name__ == "__main__":
    sys.exit(main())
