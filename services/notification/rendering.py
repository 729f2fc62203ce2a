"""Puts messages into words: templates by language and kind, in a sandbox; money and time by locale.

A built-in template's first line is the subject, the rest after an empty line the body. Variables: the fields of the
message's facts, and title, seller, checkout_url, minimum, payment_mode, ends_at, currency. Filters: `money` (minor
units of the team's currency), `amount` (of one unit, shown times the seat's quantity), `time` (in the member's zone),
`plural` (forms by CLDR's categories, # for the number). Where a language is written right to left, what may run the
other way is isolated. A platform's own template keeps to `grammar`; should one fail all the same, the built-in words
are used.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import NoneType
from typing import Any, get_args, get_type_hints

from babel import Locale
from jinja2 import StrictUndefined, Template, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.chassis import formats, logs
from services.notification import metrics
from services.notification.domain import (
    EXAMPLE_TEAM,
    EXAMPLES,
    Action,
    Facts,
    Kind,
    Opened,
    PaymentMode,
    TeamState,
    action_of,
    link_of,
    parents,
    with_link,
)
from services.notification.domain import (
    Template as Own,
)
from services.notification.grammar import MOST_BODY, MOST_SUBJECT, TemplateProblem, Types, check

LONGEST_SUBJECT = 300
LONGEST_BODY = 4000
"""Characters of a message written with a platform's template. Messengers take about this much, Telegram 4096."""

_FALLBACK = "en"
_NAMES = {int: "number", bool: "flag", str: "text", datetime: "time", PaymentMode: "text", TeamState: "text"}
_LINKS = {"link", "stop"}
"""Facts that are URLs of ours."""
_OF_TEAM = ("seller", "checkout_url", "minimum", "payment_mode", "ends_at", "currency")

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class Words:
    """A message in words. The subject is one line."""

    language: str
    subject: str
    body: str
    channel: str = ""
    """That the platform's template is for; empty where it is for all, and where it is built in."""
    version: int = 0
    """Of the platform's template; 0 where it is built in."""
    link: str = ""
    """Where the button leads; empty where there is nothing to do."""
    link_label: str = ""


class _Unusable(Exception):
    """What a platform's template made cannot be sent."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One template: subject and body."""

    subject: Template
    body: Template


@lru_cache(maxsize=4096)
def render(kind: Kind, facts: Facts, opened: Opened, language: str, time_zone: str, own: Own | None = None) -> Words:
    """Write a message: with the platform's template where one is given, or in the best built-in language there is.

    An empty language or time zone means the campaign's.
    """
    if own is not None:
        try:
            return write(own, facts, opened, language, time_zone)
        except Exception as error:  # noqa: BLE001 - a platform's template holds no message up
            metrics.TEMPLATES_FAILED.inc()
            log.warning("a template failed", kind=kind, version=own.version, why=type(error).__name__)
    wanted = language or opened.texts[0].language
    text_language = built_in_language(wanted)
    source = _templates()[text_language][kind]
    variables = _variables(facts, opened, wanted, text_language, time_zone)
    text = source.body.render(variables).strip() + "\n"
    words = Words(text_language, _one_line(source.subject.render(variables)), text)
    return _with_action(words, kind, facts, opened)


def write(own: Own, facts: Facts, opened: Opened, language: str, time_zone: str) -> Words:
    """Write a message with a platform's template; TemplateProblem or another exception where that cannot be."""
    variables = _variables(facts, opened, language or opened.texts[0].language, own.language, time_zone)
    source = _own_source(own.kind, own.subject, own.body)
    subject = _one_line(_bounded(source.subject, variables, LONGEST_SUBJECT))
    body = _bounded(source.body, variables, LONGEST_BODY).strip()
    if not subject or not body:
        raise _Unusable("it is empty")
    words = Words(own.language, subject, body + "\n", own.channel, own.version)
    return _with_action(words, own.kind, facts, opened)


def _with_action(words: Words, kind: Kind, facts: Facts, opened: Opened) -> Words:
    """Add the button where there is something to do, with the link as the text's last line."""
    action = action_of(kind, facts, opened)
    if action is None:
        return words
    label, link = label_of(action, words.language), link_of(facts, opened)
    return replace(words, body=with_link(words.body, label, link), link=link, link_label=label)


def label_of(action: Action, language: str) -> str:
    """Say what a button says in a message of a language."""
    return _labels(built_in_language(language))[action]


@cache
def _labels(language: str) -> dict[Action, str]:
    text = (files("services.notification") / "templates" / language / "labels.toml").read_text(encoding="utf-8")
    return {Action(name): str(label) for name, label in tomllib.loads(text).items()}


def _bounded(template: Template, variables: Mapping[str, Any], most: int) -> str:
    """Render piece by piece, and no further than allowed."""
    pieces: list[str] = []
    length = 0
    for piece in template.generate(variables):
        length += len(piece)
        if length > most:
            raise _Unusable(f"it has more than {most} characters")
        pieces.append(piece)
    return "".join(pieces)


def check_own(own: Own) -> None:
    """Refuse a template that cannot be used, after trying it with every example; TemplateProblem says where and why."""
    _own_source(own.kind, own.subject, own.body)
    for facts in EXAMPLES[own.kind]:
        for mode in PaymentMode:
            try:
                write(own, facts, replace(EXAMPLE_TEAM, payment_mode=mode), own.language, "")
            except _Unusable as problem:
                raise TemplateProblem(1, f"with example facts: {problem}") from None


def _own_source(kind: Kind, subject: str, body: str) -> _Source:
    found = _read(kind, subject, body)
    if isinstance(found, TemplateProblem):
        raise TemplateProblem(found.position, found.problem)
    return found


@lru_cache(maxsize=512)
def _read(kind: Kind, subject: str, body: str) -> _Source | TemplateProblem:
    """Read a source once, and remember a problem too: a stored template may have one for many messages."""
    types = variables_of(kind)
    try:
        return _Source(_checked("subject", subject, types, MOST_SUBJECT), _checked("body", body, types, MOST_BODY))
    except TemplateProblem as problem:
        return problem.with_traceback(None)


def _checked(part: str, source: str, types: Types, most: int) -> Template:
    try:
        check(_environment(), source, types, most)
    except TemplateProblem as wrong:
        raise TemplateProblem(wrong.position, f"in the {part}, {wrong.problem}") from None
    return _environment().from_string(source)


@cache
def variables_of(kind: Kind) -> dict[str, str]:
    """Name the variables that a platform's template for a kind may use, each with its type."""
    hints = get_type_hints(type(EXAMPLES[kind][0])).items()
    team = get_type_hints(Opened)
    found = {name: _type_name(hint) for name, hint in (*hints, *((name, team[name]) for name in _OF_TEAM))}
    return {name: known for name, known in found.items() if known} | {"title": "text"}


def _type_name(hint: Any) -> str:
    """Name a type as templates know it: with ? where it may be missing, empty where they cannot show it."""
    given = get_args(hint)
    if NoneType not in given:
        return _NAMES.get(hint, "")
    inner = [item for item in given if item is not NoneType]
    return f"{_NAMES[inner[0]]}?" if len(inner) == 1 and inner[0] in _NAMES else ""


@lru_cache(maxsize=1024)
def wanted_languages(language: str) -> tuple[str, ...]:
    """List the languages in which a platform's own template is looked for, the best first.

    The language itself and its parents, with the script that goes without saying (zh-CN is written zh-Hans); then the
    one in which the built-in words would be.
    """
    found = parents(language)
    locale = formats.parse_locale(language)
    if locale is not None and locale.script:
        found.insert(max(len(found) - 1, 0), f"{locale.language}-{locale.script}")
    return tuple(dict.fromkeys([*found, *parents(built_in_language(language))]))


def built_in_language(wanted: str) -> str:
    """Choose the language of built-in words."""
    return formats.best_match(wanted, tuple(_templates()), _FALLBACK)


def _variables(facts: Facts, opened: Opened, wanted: str, text_language: str, time_zone: str) -> dict[str, Any]:
    locale = formats.locale_for(wanted, text_language)
    found = {item.name: _fact(item.name, getattr(facts, item.name), locale) for item in fields(facts)}
    return found | {
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


def _fact(name: str, value: object, locale: Locale) -> object:
    """Give a fact to a template: text isolated, but for links, which end where they end."""
    return formats.isolated(value, locale) if type(value) is str and name not in _LINKS else value


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
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.globals.clear()
    environment.filters = {"money": _money, "amount": _amount, "time": _time, "plural": _plural}
    return environment


@cache
def _templates() -> dict[str, dict[Kind, _Source]]:
    folder = files("services.notification") / "templates"
    return {
        item.name: {kind: _source(item / f"{kind.lower()}.txt") for kind in EXAMPLES}
        for item in folder.iterdir()
        if item.is_dir() and not item.name.startswith("_")
    }


def _source(path: Traversable) -> _Source:
    subject, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    return _Source(_environment().from_string(subject), _environment().from_string(body))
