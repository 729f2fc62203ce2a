"""Money, times and counts as people of a language write them, and which of several languages suits them best."""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_timezone_gmt
from babel.lists import format_list
from babel.numbers import NumberPattern, format_decimal, parse_pattern

# ISO 4217 (list one): minor units that are not hundredths. CLDR's digits differ for some (RSD, PKR, ...): those are
# digits of cash, while amounts in minor units follow ISO.
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS = dict.fromkeys(_WHOLE.split(), 0) | dict.fromkeys(_THOUSANDTHS.split(), 3) | {"CLF": 4, "UYW": 4}

# CLDR's currency spacing, which Babel leaves out: a code made of letters stands off from the number.
_CODE_BEFORE_DIGIT = re.compile(r"(?<=[A-Za-z])(?=\d)")


def digits(currency: str) -> int:
    """Tell how many decimal digits the minor unit of an ISO 4217 currency has."""
    return _DIGITS.get(currency, 2)


def money(minor_units: int, currency: str, locale: Locale) -> str:
    """Write an amount exactly: 3990 is €39.90, ¥3,990 or KWD 3.990."""
    value = Decimal(minor_units).scaleb(-digits(currency))
    text = _pattern(locale, digits(currency)).apply(value, locale, currency=currency, currency_digits=False)
    return _CODE_BEFORE_DIGIT.sub("\N{NO-BREAK SPACE}", text)


@lru_cache(maxsize=256)
def _pattern(locale: Locale, places: int) -> NumberPattern:
    pattern = copy(parse_pattern(locale.currency_formats["standard"]))
    pattern.frac_prec = (places, places)
    return pattern


def zone(name: str) -> tzinfo:
    """Find a time zone; UTC where none is named, or this machine's data is older than the zone."""
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, LookupError):
        return UTC


def time(at: datetime, time_zone: str, locale: Locale) -> str:
    """Write a time to the minute in an IANA zone, with the zone's distance from UTC."""
    local = at.astimezone(zone(time_zone))
    distance = get_timezone_gmt(local, width="iso8601", locale=locale)
    offset = "UTC" if distance == "Z" else f"UTC{distance}"
    return f"{format_date(local, 'medium', locale=locale)} {format_time(local, 'short', locale=locale)} ({offset})"


def moment(at: datetime, time_zone: str, locale: Locale, *, seconds: bool = False) -> str:
    """Write a time to the minute or second in an IANA zone, without naming the zone and the year: 29 Nov, 18:00."""
    local = at.astimezone(zone(time_zone))
    clock = format_time(local, "medium" if seconds else "short", locale=locale)
    day = format_skeleton("MMMd", local, locale=locale)
    return str(locale.datetime_formats["medium"]).replace("{1}", day).replace("{0}", clock).replace("'", "")


def number(value: int, locale: Locale) -> str:
    """Write a whole number."""
    return format_decimal(value, locale=locale)


def plural(number: int, forms: Mapping[str, str], locale: Locale) -> str:
    """Choose the form of a number by the plural rules of CLDR, `other` where there is none; # becomes the number."""
    form = forms.get(locale.plural_form(number), forms["other"])
    return form.replace("#", format_decimal(number, locale=locale)) if "#" in form else form


def listed(parts: Sequence[str], locale: Locale) -> str:
    """Write what there is of something, as a reader of a locale lists it: "Slack and Telegram"."""
    return format_list(parts, locale=locale)


def either(parts: Sequence[str], locale: Locale) -> str:
    """Write what there is to choose from: "Slack or Telegram"."""
    return format_list(parts, style="or", locale=locale)


def isolated(text: str, locale: Locale) -> str:
    """Keep a text of any direction apart from one written right to left around it: FSI and PDI of Unicode's UAX #9."""
    if not text or locale.text_direction != "rtl":
        return text
    return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"


@lru_cache(maxsize=1024)
def parse_locale(language: str) -> Locale | None:
    """Read a BCP 47 tag as a locale; None where its language is not known."""
    tag = language.partition("-x-")[0].partition("-u-")[0]
    while tag:
        try:
            return Locale.parse(tag, sep="-")
        except (ValueError, UnknownLocaleError):
            tag = tag.rpartition("-")[0]  # RFC 4647 section 3.4: what is most special falls away first
    return None


def best_match(wanted: str, offered: tuple[str, ...], fallback: str) -> str:
    """Choose the offered tag that suits best: the same, then the same language and script, then the same language."""
    by_key = {tag.lower(): tag for tag in reversed(offered)}
    if wanted.lower() in by_key:
        return by_key[wanted.lower()]
    locale = parse_locale(wanted)
    if locale is None:
        return fallback
    scored = [(_closeness(locale, parse_locale(tag)), -at, tag) for at, tag in enumerate(offered)]
    closeness, _, tag = max(scored, default=(0, 0, fallback))
    return tag if closeness else fallback


def _closeness(wanted: Locale, offered: Locale | None) -> int:
    if offered is None or offered.language != wanted.language:
        return 0
    return 2 if offered.script == wanted.script else 1


def locale_for(wanted: str, text_language: str) -> Locale:
    """Choose how numbers are written: the member's own way where it goes with the language of the text."""
    locale, text_locale = parse_locale(wanted), parse_locale(text_language)
    if locale and text_locale and locale.language == text_locale.language:
        return locale
    return text_locale or Locale("en")
