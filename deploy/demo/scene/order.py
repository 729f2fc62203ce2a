"""The order of names that may begin with a number: 9 before 10, and those without a number by name, last."""

import re


def by_number(name: str) -> tuple[int, str]:
    """Give what names are sorted by."""
    number = re.match(r"\d{1,9}", name)
    return (int(number[0]) if number else 10**9, name)
