"""docs/limits.md against the code: every limit with its default and service, every reason, every metric."""

import re
from pathlib import Path

from groupbuy.team_formation.v1 import events_pb2

from deploy.cli.platform_limits import LIMITS
from services.chassis import coalesce, limits, metrics, platforms, queueing, reasons
from services.chassis.buckets import BURST_SECONDS
from services.chassis.settings import ChassisSettings
from services.notification.settings import Settings as Notification
from services.pricing.settings import Settings as Pricing
from services.team_formation.settings import Settings as TeamFormation

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "limits.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| (\d+) \| (\w+) \|", PAGE, flags=re.MULTILINE)
SERVICES: dict[str, type[ChassisSettings]] = {
    "team_formation": TeamFormation,
    "pricing": Pricing,
    "notification": Notification,
}


def defaults(settings: type[ChassisSettings]) -> dict[str, int]:
    fields = settings.model_fields.items()
    return {name.removeprefix("limit_"): field.default for name, field in fields if name.startswith("limit_")}


def test_every_limit_of_every_service_is_there_with_its_default() -> None:
    told = {name: int(value) for name, value, _ in ROWS}
    for service, settings in SERVICES.items():
        own = {name: told[name] for name, _, where in ROWS if where in {"each", service}}
        assert defaults(settings) == own, service


def test_every_limit_can_be_set_by_an_operator_and_no_other() -> None:
    names = [name for name, _, _ in ROWS]
    assert sorted(names) == sorted(events_pb2.PlatformLimits.DESCRIPTOR.fields_by_name)
    assert sorted(LIMITS) == sorted(names)


def test_numbers_of_the_page_are_those_of_the_code() -> None:
    assert BURST_SECONDS == 2
    assert "two seconds' worth" in PAGE
    assert f"at most {coalesce.SHARE} commands of each" in PAGE
    assert f"the whole batch, {coalesce.LIMIT} commands" in PAGE
    assert queueing.QUEUE_SECONDS == 10
    assert "waited for ten seconds" in PAGE
    assert limits.KEY == "key_"
    assert f"at most {platforms.GUESSES_A_SECOND} times a second" in PAGE
    assert f"`{platforms.GUESSES}`" in PAGE


def test_reasons_and_metrics_of_the_page_are_there() -> None:
    known = reasons.reasons()
    for name, code in re.findall(r"^\| `([A-Z_]+)` \| `([A-Z_]+)` \|", PAGE, flags=re.MULTILINE):
        assert known[name].code.name == code
    told = set(re.findall(r"`(groupbuy_\w+?)(?:_total)?(?:\{(?:\w+)\})?`", PAGE))
    ours = (metrics.LIMITED, metrics.OPEN_STREAMS, metrics.SHED)
    assert told == {next(iter(item.describe())).name for item in ours}
