"""docs/configuration.md is what the settings classes say, and no variable of the code is missing on it."""

import re

import pytest

from services.chassis.settings import ChassisSettings
from tools.configuration import PAGE, ROOT, default, form, page, sections, variables

_VARIABLE = re.compile(r"GROUPBUY_[A-Z][A-Z_]*[A-Z]\b")
_PLACES = ("deploy", "services", "tools", ".ci", "tests/conftest.py", "tests/support", "tests/integration/test_fuzz.py")


def test_the_page_is_what_the_classes_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run .venv/bin/python tools/configuration.py"


def test_every_variable_that_the_code_names_is_on_the_page() -> None:
    texts = {
        path: path.read_text()
        for place in _PLACES
        for path in ([ROOT / place] if (ROOT / place).is_file() else (ROOT / place).rglob("*"))
        if path.is_file() and path.suffix in {".py", ".yaml", ".toml", ""} and "node_modules" not in path.parts
    }
    named = {name: path for path, text in texts.items() for name in _VARIABLE.findall(text)}
    examples = {"GROUPBUY_X", "GROUPBUY_TLS"}  # of a test, and a prefix that a sentence names
    missing = {name: str(path) for name, path in named.items() if name not in variables() | examples}
    assert missing == {}, "give it a field with a description, or a line in tools/configuration.py"


def test_every_setting_has_a_meaning_and_a_form() -> None:
    for kind in sections():
        for name, field in kind.model_fields.items():
            assert (field.description or "").endswith("."), name
            assert form(name, field), name


@pytest.mark.parametrize(
    ("name", "says", "without"),
    [
        ("drain_seconds", "seconds (from 0 to 300)", "`10`"),
        ("database_pool", "count (from 2 to 200)", "`8`"),
        ("database_prepare", "`true`, `false`", "`true`"),
        ("database_url", "address of PostgreSQL", "required"),
        ("http_listen", "host:port", "none"),
        ("service_key", "secret text", "none"),
        ("log_format", "`json`, `text`", "`json`"),
        ("limit_requests_per_second", "a second (from 1)", "`10000`"),
    ],
)
def test_units_bounds_and_defaults(name: str, says: str, without: str) -> None:
    field = ChassisSettings.model_fields[name]
    assert (form(name, field), default(field)) == (says, without)
