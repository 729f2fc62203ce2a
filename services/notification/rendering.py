"""Puts messages into words: templates from files, by language and kind, in a sandbox; money and time by locale.

A template's first line is the subject, the rest after an empty line the body. Variables: the fields of the message's
facts, and title, seller, checkout_url, minimum, payment_mode, ends_at. Filters: `money` (minor units of the team's
currency), `amount` (of one unit, shown times the seat's quantity), `time` (in the member's zone), `plural` (forms by
CLDR's categories, # for the number). Where a language is written right to left, what may run the other way is isolated.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from babel import Locale
from jinja2 import StrictUndefined, Template, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.chassis import formats
from services.notification.domain import Facts, Kind, Opened

_FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """A message in words. The subject is one line."""

    language: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class _Source:
    """One template: subject and body."""

    subject: Template
    body: Template


@lru_cache(maxsize=4096)
def render(kind: Kind, facts: Facts, opened: Opened, language: str, time_zone: str) -> Words:
    """Write a message in the best language there is; an empty language or time zone means the campaign's."""
    wanted = language or opened.texts[0].language
    text_language = formats.best_match(wanted, tuple(_templates()), _FALLBACK)
    locale = formats.locale_for(wanted, text_language)
    source = _templates()[text_language][kind]
    variables = {item.name: _fact(getattr(facts, item.name), locale) for item in fields(facts)}
    variables |= {
        "title": formats.isolated(_title(opened, wanted), locale),
        "seller": formats.isolated(opened.seller, locale),
        "checkout_url": opened.checkout_url,
        "minimum": opened.minimum,
        "payment_mode": opened.payment_mode,
        "ends_at": opened.ends_at,
        "currency": opened.currency,
        "time_zone": time_zone or opened.time_zone,
        "locale": locale,
    }
    text = source.body.render(variables).strip() + "\n"
    return Words(text_language, _one_line(source.subject.render(variables)), text)


def _fact(value: object, locale: Locale) -> object:
    return formats.isolated(value, locale) if type(value) is str else value


@pass_context
def _money(context: Context, minor_units: int) -> str:
    return formats.isolated(_written(context, minor_units), context["locale"])


@pass_context
def _amount(context: Context, unit: int) -> str:
    quantity = context["quantity"]
    total = _written(context, unit * quantity)
    text = total if quantity == 1 else f"{total} ({quantity} × {_written(context, unit)})"  # noqa: RUF001 - the sign
    return formats.isolated(text, context["locale"])


def _written(context: Context, minor_units: int) -> str:
    return formats.money(minor_units, context["currency"], context["locale"])


@pass_context
def _time(context: Context, at: datetime) -> str:
    return formats.isolated(formats.time(at, context["time_zone"], context["locale"]), context["locale"])


@pass_context
def _plural(context: Context, number: int, **forms: str) -> str:
    return formats.plural(number, forms, context["locale"])


def _title(opened: Opened, language: str) -> str:
    titles = {text.language: text.title for text in reversed(opened.texts)}
    return titles[formats.best_match(language, tuple(titles), opened.texts[0].language)]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def languages() -> list[str]:
    """List the languages that messages are written in, BCP 47."""
    return sorted(_templates())


@cache
def _templates() -> dict[str, dict[Kind, _Source]]:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.filters.update(money=_money, amount=_amount, time=_time, plural=_plural)
    folder = files("services.notification") / "templates"
    return {
        item.name: {kind: _source(environment, item / f"{kind.lower()}.txt") for kind in Kind}
        for item in folder.iterdir()
        if item.is_dir() and not item.name.startswith("_")
    }


def _source(environment: ImmutableSandboxedEnvironment, path: Traversable) -> _Source:
    subject, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    return _Source(environment.from_string(subject), environment.from_string(body))
