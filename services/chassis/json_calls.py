"""Requests and answers of calls as protobuf-JSON: read strictly, with every field at fault named, and written.

https://protobuf.dev/programming-guides/json/
"""

import json
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from services.chassis.errors import Rejected, invalid
from services.chassis.json_faults import faults_of

DEEPEST = 32
"""How deep messages may lie in each other: our own need fewer than ten."""
NOT_TAKEN = (json_format.ParseError, ValueError, TypeError, OverflowError, AttributeError)
"""What the library raises where a value does not fit its field."""

Kind = TypeVar("Kind", bound=Message)


def read(raw: bytes, kind: type[Kind]) -> Kind:
    """Read a request; Rejected INVALID_ARGUMENT names what is wrong with it."""
    given = _object(raw)
    message = kind()
    try:
        json_format.ParseDict(given, message, max_recursion_depth=DEEPEST)
    except NOT_TAKEN:
        # in words of ours: the library's say one thing, show values, and change with its releases
        faults = faults_of(given, cast("Descriptor", message.DESCRIPTOR))
        raise (
            Rejected("INVALID_ARGUMENT", fields=faults)
            if faults
            else invalid("request", f"its body is no {message.DESCRIPTOR.name} as JSON")
        ) from None
    return message


def written(message: Message) -> bytes:
    """Write a message; what is 0 or empty is left out, as in the bodies of webhooks."""
    said = json_format.MessageToDict(message)
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _object(raw: bytes) -> dict[str, Any]:
    if not raw.strip():
        raise invalid("request", "its body is empty; send {} where it has no fields")
    try:
        given = json.loads(raw.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise invalid("request", "its body is not UTF-8") from None
    except RecursionError:
        raise invalid("request", "its body is too deep") from None
    except json.JSONDecodeError as error:
        raise invalid("request", f"its body is not JSON: {error}") from None
    except ValueError:  # a number of thousands of digits
        raise invalid("request", "its body has a number that is too long") from None
    if not isinstance(given, dict):
        raise invalid("request", "its body must be a JSON object")
    return given


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise invalid(twice or "request", "it is there twice")
    return found


def _no_number(text: str) -> float:
    raise invalid("request", f"its body has {text}, which is no number of JSON")
