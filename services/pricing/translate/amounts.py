"""Amounts and percentages in the sentences that explain a price: exact, and alike in every language."""

from decimal import Decimal

from services.pricing import domain

# ISO 4217 (list one): minor units that are not hundredths. CLDR, which Babel asks, counts the digits of cash instead:
# none for RSD or IQD, so that 39.90 would become 3,990.
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS = dict.fromkeys(_WHOLE.split(), 0) | dict.fromkeys(_THOUSANDTHS.split(), 3) | {"CLF": 4, "UYW": 4}

MOST_NAMED = 3
"""Items that one sentence names."""


def money_text(minor_units: int, currency: str) -> str:
    """Write an amount with the decimals of its currency, for instance "1,234.50 EUR", "3,990 JPY", "0.005 KWD"."""
    return f"{number_text(minor_units, currency)} {currency}"


def number_text(minor_units: int, currency: str) -> str:
    """Write an amount without its currency."""
    return f"{Decimal(minor_units).scaleb(-_decimals(currency)):,f}"


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
    return _plain((Decimal(numerator) / denominator).scaleb(-_decimals(currency)))


def _plain(number: Decimal) -> str:
    return f"{number.normalize():,f}"


def _decimals(currency: str) -> int:
    return _DECIMALS.get(currency, 2)
