"""Compiles the ladder of a request, or refuses it with every problem at once."""

from collections.abc import Iterable
from typing import NoReturn

from groupbuy.pricing.v1 import ladder_pb2

from services.chassis.errors import FieldViolation, Rejected
from services.pricing import domain, translate


def compiled(
    currency: str,
    list_prices: Iterable[ladder_pb2.ListPrice],
    asked: ladder_pb2.Ladder,
    version: int,
    references: Iterable[ladder_pb2.ReferencePrice] = (),
) -> domain.PriceTable:
    """Make the price table; Rejected LADDER_INVALID with one violation for each field that is wrong."""
    ladder, problems = translate.read_ladder(asked)
    if not translate.known_currency(currency):
        problems = (domain.Problem("currency", f"{currency or 'empty'} is no ISO 4217 code"), *problems)
    prices, shown = translate.read_list_prices(list_prices), translate.read_references(references)
    table = domain.compile_ladder(currency, prices, ladder, version, shown)
    if isinstance(table, tuple):
        problems += table
    if problems or isinstance(table, tuple):
        _refuse(problems)
    return table


def _refuse(problems: tuple[domain.Problem, ...]) -> NoReturn:
    fields = {problem.field: problem.description for problem in reversed(problems)}
    raise Rejected("LADDER_INVALID", fields=tuple(FieldViolation(*item) for item in reversed(fields.items())))
