"""Arrays in binary: what PostgreSQL reads is what was given, with nulls, nothing, and the extremes of each type."""

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis import arrays
from services.chassis.arrays import Array
from tests.support.database import DatabaseServer

Make = Callable[[Sequence[Any]], Array]

TIMES = st.datetimes(timezones=st.just(UTC)) | st.sampled_from(
    [
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, 59, 999_999, UTC),
        datetime(2026, 1, 1, 9, 30, tzinfo=timezone(timedelta(hours=8))),
    ]
)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
LONG = st.integers(4_000, 5_000)
KINDS: list[tuple[Make, str, st.SearchStrategy[Any]]] = [
    (arrays.uuids, "uuid[]", st.uuids() | st.sampled_from([UUID(int=0), UUID(int=2**128 - 1)])),
    (arrays.texts, "text[]", TEXTS | LONG.map(lambda size: "\N{ROCKET}" * size)),
    (arrays.byteas, "bytea[]", st.binary() | LONG.map(bytes)),
    (arrays.bigints, "bigint[]", st.integers(-(2**63), 2**63 - 1)),
    (arrays.smallints, "smallint[]", st.integers(-(2**15), 2**15 - 1)),
    (arrays.booleans, "boolean[]", st.booleans()),
    (arrays.times, "timestamp with time zone[]", TIMES),
]
NAMES = [name for _, name, _ in KINDS]


@pytest.fixture(scope="module")
def connection(database_server: DatabaseServer) -> Iterator[psycopg.Connection]:
    """A connection that prepares what it executes again, with times in UTC."""
    with psycopg.connect(database_server.url, autocommit=True, prepare_threshold=1) as opened:
        opened.execute("SET timezone = 'UTC'")
        yield opened


@pytest.mark.parametrize(("make", "name", "values"), KINDS, ids=NAMES)
def test_what_is_sent_is_what_is_read(
    connection: psycopg.Connection, make: Make, name: str, values: st.SearchStrategy[Any]
) -> None:
    @settings(max_examples=100, deadline=None)
    @given(st.lists(values) | st.lists(values | st.none()))
    def round_trip(column: list[Any]) -> None:
        row = connection.execute(
            f"SELECT pg_typeof(%(ours)s)::text, array(SELECT unnest(%(ours)s)), %(ours)s = %(theirs)s::{name}",
            {"ours": make(column), "theirs": column},
            binary=True,
        ).fetchone()
        assert row == (name, column, True)

    round_trip()


@pytest.mark.parametrize(("make", "name"), [(make, name) for make, name, _ in KINDS], ids=NAMES)
@pytest.mark.parametrize("column", [[], [None], [None, None]], ids=["empty", "null", "nulls"])
def test_a_cast_and_its_absence_are_the_same(
    connection: psycopg.Connection, make: Make, name: str, column: list[None]
) -> None:
    for cast in ("", f"::{name}"):
        rows = connection.execute(f"SELECT * FROM unnest(%s{cast})", (make(column),)).fetchall()  # noqa: S608 - constants
        assert rows == [(None,)] * len(column)


def test_one_statement_is_prepared_for_arrays_of_every_content(connection: psycopg.Connection) -> None:
    for column in ([], [1], [None], [1, None], [1, 2, 3]):
        connection.execute("SELECT 1 WHERE 1 = ANY(%s)", (arrays.bigints(column),))
    query = "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE statement LIKE 'SELECT 1 WHERE 1 = ANY%'"
    assert connection.execute(query).fetchall() == [(["bigint[]"],)]


@pytest.mark.parametrize(
    ("make", "value", "error"),
    [
        (arrays.bigints, 2**63, struct.error),
        (arrays.smallints, -(2**15) - 1, struct.error),
        (arrays.times, datetime(2026, 1, 1), TypeError),  # noqa: DTZ001 - without a zone is what is refused
        (arrays.texts, "\ud800", UnicodeEncodeError),
    ],
    ids=["bigint", "smallint", "time", "text"],
)
@pytest.mark.parametrize("others", [[], [None]], ids=["alone", "beside null"])
def test_what_does_not_fit_is_refused(make: Make, value: object, error: type[Exception], others: list[None]) -> None:
    with pytest.raises(error):
        make([*others, value])


@pytest.mark.parametrize("column", [["[1, 2]", None, '{"name": "\u5c71"}', "null"], [None], []])
def test_json_is_sent_as_text_and_read_as_what_it_says(
    connection: psycopg.Connection, column: list[str | None]
) -> None:
    rows = connection.execute("SELECT k, pg_typeof(k)::text FROM unnest(%s) AS k", (arrays.jsonbs(column),)).fetchall()
    assert rows == [(None if text is None else json.loads(text), "jsonb") for text in column]


def test_rows_become_an_array_for_each_column(connection: psycopg.Connection) -> None:
    rows = [("a", 1), ("b", 2)]
    sent = arrays.packed((arrays.texts, arrays.bigints), rows)
    assert connection.execute("SELECT * FROM unnest(%s, %s)", sent).fetchall() == rows
    with pytest.raises(ValueError, match="zip"):
        arrays.packed((arrays.texts,), rows)
