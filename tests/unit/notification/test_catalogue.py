"""The catalogue of events is whole, and its bodies are what would be posted."""

import json
import re
from datetime import datetime
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from services.notification.translate import body_of, event_types
from services.notification.translate.platform_events import envelope_type
from tests.support.catalogue import PAGE, bodies


def test_it_names_every_type_once() -> None:
    assert tuple(re.findall(r"^## (.+)$", PAGE.read_text(), re.MULTILINE)) == event_types()


@pytest.mark.parametrize("body", bodies(), ids=lambda body: body["type"])
def test_a_body_is_what_would_be_posted(body: dict[str, Any]) -> None:
    envelope = ParseDict(body["data"], envelope_type(body["type"])())
    written = body_of(body["type"], datetime.fromisoformat(body["timestamp"]), envelope)
    assert json.loads(written) == body


def test_most_types_have_a_body() -> None:
    assert len({body["type"] for body in bodies()}) >= len(event_types()) - 5
