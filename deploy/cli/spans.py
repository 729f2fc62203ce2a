"""Spans of time and moments as people type them: 90s, 30m, 24h, 7d; 2026-12-31 or 2026-12-31T23:59:59Z."""

import re
from datetime import UTC, datetime, timedelta

import click

_SPAN = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Span(click.ParamType):
    """A length of time."""

    name = "SPAN"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it, or say how it is written."""
        if isinstance(value, timedelta):
            return value
        found = _SPAN.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no span; write 90s, 30m, 24h or 7d", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


class Moment(click.ParamType):
    """A time, in UTC where nothing else is said, or a span from now on."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it, or say how it is written."""
        if isinstance(value, datetime):
            return value
        if _SPAN.fullmatch(str(value)):
            return datetime.now(UTC) + Span().convert(value, param, ctx)
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time; write 2026-12-31, 2026-12-31T23:59:59Z, or 7d for in a week", param, ctx)
        return at if at.tzinfo else at.replace(tzinfo=UTC)


class Past(Moment):
    """A time, in UTC where nothing else is said, or a span before now."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it, or say how it is written."""
        if _SPAN.fullmatch(str(value)):
            return datetime.now(UTC) - Span().convert(value, param, ctx)
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is no time; write 2026-12-31, 2026-12-31T23:59:59Z, or 24h for a day ago", param, ctx)
