"""What SECURITY.md names is there: files, settings, targets of make; so that it cannot praise what is gone."""

import re
from pathlib import Path

from services.chassis.environment import PREFIX
from services.notification.settings import Settings as OfNotification
from services.pricing.settings import Settings as OfPricing
from services.team_formation.settings import Settings as OfTeamFormation

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
QUOTED = set(re.findall(r"`([^`]+)`", TEXT))


def test_every_file_that_it_names_exists() -> None:
    named = {word for word in QUOTED if re.fullmatch(r"[\w./-]+\.(py|md|toml|lock|sql)", word)}
    assert len(named) >= 40
    assert [word for word in sorted(named) if not (ROOT / word).is_file()] == []


def test_every_setting_that_it_names_exists() -> None:
    named = {word for word in QUOTED if word.startswith(PREFIX)}
    kinds = (OfTeamFormation, OfPricing, OfNotification)
    there = {f"{PREFIX}{field.upper()}" for kind in kinds for field in kind.model_fields}
    assert len(named) >= 6
    assert named - there == set()


def test_every_command_that_it_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {word.removeprefix("make ") for word in QUOTED if word.startswith("make ")}
    assert named
    assert named - targets == set()


def test_every_word_in_code_is_one_of_those() -> None:
    known = re.compile(r"[\w./-]+\.(py|md|toml|lock|sql)|GROUPBUY_\w+|make [a-z]+|groupbuy( [a-z]+)?|Internal")
    assert [word for word in sorted(QUOTED) if not known.fullmatch(word)] == []
