"""Money as people write it in a scene and read it on a screen; inside it is always whole minor units."""

from decimal import Decimal

# ISO 4217: currencies whose minor unit is not the hundredth.
_WHOLE = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905 - a list of words
_THOUSANDTHS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905


def digits(currency: str) -> int:
    """Tell how many decimals the minor unit of a currency has."""
    if currency in _WHOLE:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def to_minor(amount: Decimal, currency: str) -> int:
    """Turn 24.90 EUR into 2490; ValueError where the currency has no such small unit."""
    scaled = amount.scaleb(digits(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{currency} has {digits(currency)} decimals")
    return int(scaled)


def plain(minor_units: int, currency: str) -> str:
    """Write 2490 as 24.90."""
    return f"{Decimal(minor_units).scaleb(-digits(currency)):.{digits(currency)}f}"


def money(minor_units: int, currency: str) -> str:
    """Write 2490 as 24.90 EUR."""
    return f"{plain(minor_units, currency)} {currency}"
