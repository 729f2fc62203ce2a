"""Amounts, times and enum values in the text of explanations and stories."""

from decimal import Decimal
from typing import Any

from services.chassis.formats import digits


def amount(money: Any) -> str:
    """Write an amount of money exactly, for instance "34.90 EUR"."""
    return minor(money.minor_units, money.currency)


def minor(minor_units: int, currency: str) -> str:
    """Write minor units of a currency exactly."""
    return f"{Decimal(minor_units).scaleb(-digits(currency)):,f} {currency}"


def at(stamp: Any) -> str:
    """Write a time in UTC, to the second."""
    return f"{stamp.ToDatetime():%Y-%m-%d %H:%M:%S}"


def word(message: Any, field: str) -> str:
    """Write the value of an enum field in small letters, without the name of its enum: "pay on delivery"."""
    enum = message.DESCRIPTOR.fields_by_name[field].enum_type
    name = enum.values_by_number[getattr(message, field)].name
    shared = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return str(name).removeprefix(shared).replace("_", " ").lower()


def fact_name(full_name: str) -> str:
    """Write the name of a fact without its package."""
    return full_name.rpartition(".")[2]


def units(quantity: int) -> str:
    """Write a number of units."""
    return f"{quantity} unit" if abs(quantity) == 1 else f"{quantity} units"
