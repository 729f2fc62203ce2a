"""Keeps the rules of the layout, and proves with small wrong trees that each rule would be noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import layout

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ["notification", "pricing", "team_formation"]

# The chassis has no store.py: a module of it speaks SQL if it owns a table or a session, as it says here.
CHASSIS_SQL = {
    "services.chassis.audit": "owns audit_entries",
    "services.chassis.database": "asks a connection whether it answers",
    "services.chassis.erased_rows": "owns erased_members and erasure_key",
    "services.chassis.horizon": "asks which transactions are under way and which position was drawn last",
    "services.chassis.inbox_rows": "owns inbox and parked_messages",
    "services.chassis.key_uses": "owns key_uses",
    "services.chassis.twin_clocks": "reads whose clocks are ahead",
    "services.chassis.twin_rows": "removes what a twin had that was given up",
    "services.chassis.limit_rows": "owns the copy of platform_limits",
    "services.chassis.statistics": "asks PostgreSQL what has grown",
    "services.chassis.migrations": "owns schema_migrations and the lock of migrating",
    "services.chassis.old_rows": "removes rows of any table by their age",
    "services.chassis.outbox": "owns outbox",
    "services.chassis.partitions": "owns the partitions of outbox",
    "services.chassis.platforms": "owns the copy of platforms, platform_keys and suspended_merchants",
    "services.chassis.relay": "owns relay_positions and reads the outbox in order",
    "services.chassis.requests": "owns requests",
    "services.chassis.wakes": "listens to the wake-up calls of the outbox",
}

Rule = Callable[[layout.Modules], Iterator[str]]


def sql_is_in_stores(modules: layout.Modules) -> Iterator[str]:
    """Apply the rule with this repository's list."""
    return layout.sql_is_in_stores(modules, CHASSIS_SQL)


RULES: list[Rule] = [
    layout.domain_is_pure,
    layout.store_knows_no_protobuf,
    sql_is_in_stores,
    layout.services_keep_apart,
    layout.environment_is_read_once,
    layout.imports_do_nothing,
    layout.no_circles,
    layout.docstrings,
]


@pytest.fixture(scope="module")
def repository() -> layout.Modules:
    return layout.read(ROOT, "services", "deploy")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_repository_keeps_the_rule(repository: layout.Modules, rule: Rule) -> None:
    breaches = list(rule(repository))
    assert not breaches, "\n" + "\n".join(breaches)


def test_every_service_has_the_same_files() -> None:
    folders = (path.parent.name for path in (ROOT / "services").glob("*/*"))
    assert sorted({name for name in folders if name not in {"chassis", "__pycache__"}}) == SERVICES
    missing = list(layout.one_shape(ROOT, SERVICES))
    assert not missing, "\n" + "\n".join(missing)


def test_the_list_of_chassis_modules_with_sql_is_not_longer_than_needed(repository: layout.Modules) -> None:
    speaking = {breach.split(":")[0] for breach in layout.sql_is_in_stores(repository, {})}
    assert [name for name in CHASSIS_SQL if str(repository[name].path) not in speaking] == []


# Each wrong tree: the rule that must notice it, the file, its text.
WRONG: list[tuple[Rule, str, str]] = [
    (layout.domain_is_pure, "services/a/domain.py", "import pydantic"),
    (layout.domain_is_pure, "services/a/domain.py", "from services.chassis import errors"),
    (layout.domain_is_pure, "services/a/domain.py", "from .store import find_team"),
    (layout.domain_is_pure, "services/a/domain.py", "import random"),
    (layout.domain_is_pure, "services/a/domain.py", "from os import environ"),
    (layout.domain_is_pure, "services/a/domain.py", "from urllib import request"),
    (layout.domain_is_pure, "services/a/domain.py", "import datetime\nx = datetime.datetime.now()"),
    (layout.domain_is_pure, "services/a/domain.py", "from datetime import datetime as moment\nx = moment.now()"),
    (layout.domain_is_pure, "services/a/domain.py", "import datetime as dt\nask = dt.date.today"),
    (layout.domain_is_pure, "services/a/domain.py", "from uuid import uuid4\ndef f(): return uuid4()"),
    (layout.domain_is_pure, "services/a/domain/seats.py", "def f(): return open('x')"),
    (layout.store_knows_no_protobuf, "services/a/store.py", "from groupbuy.money.v1 import money_pb2"),
    (layout.store_knows_no_protobuf, "services/a/store/teams.py", "import google.protobuf.message"),
    (layout.store_knows_no_protobuf, "services/a/domain.py", "import grpc"),
    (sql_is_in_stores, "services/a/handlers.py", "x = 'SELECT 1'"),
    (sql_is_in_stores, "services/a/rpc.py", "x = '''\n  select team_id\n  from teams where a = b'''"),
    (sql_is_in_stores, "services/a/__main__.py", "def f(t): return f'DELETE FROM {t}'"),
    (sql_is_in_stores, "services/chassis/clock.py", "x = 'insert into clocks values (1)'"),
    (layout.services_keep_apart, "services/a/handlers.py", "from services.b.domain import price"),
    (layout.services_keep_apart, "services/a/handlers.py", "from services import b"),
    (layout.services_keep_apart, "services/a/handlers.py", "from ..b import domain"),
    (layout.services_keep_apart, "services/a/handlers.py", "def f():\n    import deploy.local"),
    (layout.services_keep_apart, "services/chassis/relay.py", "import services.a"),
    (layout.environment_is_read_once, "services/a/handlers.py", "import os\nx = os.environ['A']"),
    (
        layout.environment_is_read_once,
        "services/a/settings.py",
        "from os import getenv as ask\ndef f(): return ask('A')",
    ),
    (layout.environment_is_read_once, "services/chassis/logs.py", "import os as system\nx = system.environ"),
    (layout.imports_do_nothing, "services/a/rpc.py", "import socket\nx = socket.create_connection(('a', 1))"),
    (layout.imports_do_nothing, "deploy/local/x.py", "class A:\n    text = path.read_text()"),
    (layout.imports_do_nothing, "deploy/local/x.py", "def f(x=open('y')): ..."),
    (layout.no_circles, "services/a/handlers.py", "from services.a import rpc"),
    (layout.no_circles, "services/a/handlers.py", "def f():\n    from .rpc import X"),
    (layout.docstrings, "deploy/local/x.py", "x = 1"),
]


@pytest.mark.parametrize(
    ("rule", "file", "text"), WRONG, ids=lambda value: value if isinstance(value, str) else value.__name__
)
def test_a_wrong_file_is_noticed(tmp_path: Path, rule: Rule, file: str, text: str) -> None:
    right_tree(tmp_path)
    assert list(rule(layout.read(tmp_path, "services", "deploy"))) == []
    write(tmp_path, file, text)
    breaches = list(rule(layout.read(tmp_path, "services", "deploy")))
    assert len(breaches) == 1
    assert file in breaches[0] or "circle" in breaches[0]


RIGHT: list[tuple[Rule, str, str]] = [
    (layout.domain_is_pure, "services/a/domain.py", "from datetime import datetime\nfrom urllib.parse import urlsplit"),
    (
        layout.domain_is_pure,
        "services/a/domain/seats.py",
        "from services.a.domain import words\nfrom .words import Seat",
    ),
    (layout.domain_is_pure, "services/a/handlers.py", "import random, pydantic"),
    (sql_is_in_stores, "services/a/store.py", "x = 'SELECT 1'"),
    (sql_is_in_stores, "services/a/store/teams.py", "x = 'SELECT 1'"),
    (sql_is_in_stores, "services/a/rpc.py", '"""SELECT the words with care."""\nx = "update the price"'),
    (sql_is_in_stores, "services/chassis/migrations.py", "x = 'SELECT 1'"),
    (
        layout.services_keep_apart,
        "services/a/rpc.py",
        "import services.chassis.errors\nfrom . import store\nimport groupbuy.a",
    ),
    (layout.environment_is_read_once, "services/a/__main__.py", "import os\nx = os.environ"),
    (layout.environment_is_read_once, "services/chassis/settings.py", "import os\nx = os.environ"),
    (layout.imports_do_nothing, "services/a/rpc.py", "def f():\n    return open('x')\ng = lambda: open('x')"),
    (layout.no_circles, "services/a/store.py", "from services.a import domain\nfrom services.a import rpc"),
]


@pytest.mark.parametrize(
    ("rule", "file", "text"), RIGHT, ids=lambda value: value if isinstance(value, str) else value.__name__
)
def test_a_right_file_is_left_alone(tmp_path: Path, rule: Rule, file: str, text: str) -> None:
    right_tree(tmp_path)
    write(tmp_path, file, text)
    assert list(rule(layout.read(tmp_path, "services", "deploy"))) == []


@pytest.mark.parametrize("missing", ["domain.py", "__main__.py", "migrations/0001_teams.sql"])
def test_a_missing_file_of_a_service_is_noticed(tmp_path: Path, missing: str) -> None:
    right_tree(tmp_path)
    assert list(layout.one_shape(tmp_path, ["a"])) == []
    (tmp_path / "services/a" / missing).unlink()
    assert len(list(layout.one_shape(tmp_path, ["a"]))) == 1


def test_a_file_may_have_become_a_package(tmp_path: Path) -> None:
    right_tree(tmp_path)
    (tmp_path / "services/a/store.py").unlink()
    write(tmp_path, "services/a/store/__init__.py", '"""Store."""')
    assert list(layout.one_shape(tmp_path, ["a"])) == []


def right_tree(root: Path) -> None:
    """Write a service `a` that keeps all rules; its rpc imports its handlers."""
    for name in layout.FILES:
        write(root, f"services/a/{name}.py", f'"""The {name} of a."""')
    write(root, "services/a/rpc.py", '"""The rpc of a."""\nfrom services.a import handlers')
    write(root, "services/a/migrations/0001_teams.sql", "CREATE TABLE teams ();")


def write(root: Path, file: str, text: str) -> None:
    """Write one file, with the folders above it."""
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
