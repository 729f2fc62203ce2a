"""Amounts and percentages in the sentences that explain a price: exact, and alike in every language."""

from decimal import Decimal

from services.chassis.formats import digits
from services.pricing import domain

MOST_NAMED = 3
"""Items that one sentence names."""


def money_text(minor_units: int, currency: str) -> str:
    """Write an amount with the decimals of its currency, for instance "1,234.50 EUR", "3,990 JPY", "0.005 KWD"."""
    return f"{number_text(minor_units, currency)} {currency}"


def number_text(minor_units: int, currency: str) -> str:
    """Write an amount without its currency."""
    return f"{Decimal(minor_units).scaleb(-digits(currency)):,f}"


def percent_text(basis_points: int) -> str:
    """Write hundredths of a percent as percent, for instance "12.5 %"."""
    return f"{_plain(Decimal(basis_points).scaleb(-2))} %"


def rounded(priced: domain.Priced) -> bool:
    """Tell whether a price had a fraction of a minor unit before it was rounded."""
    numerator, denominator = priced.exact
    return numerator % denominator != 0


def exact_text(priced: domain.Priced, currency: str) -> str:
    """Write a price as it was before it was rounded; no denominator has other factors than 2 and 5."""
    numerator, denominator = priced.exact
    return _plain((Decimal(numerator) / denominator).scaleb(-digits(currency)))


def _plain(number: Decimal) -> str:
    return f"{number.normalize():,f}"
