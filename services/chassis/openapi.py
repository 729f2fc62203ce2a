"""The OpenAPI document of a process: what is generated for each of its public services, put together."""

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any


def document_of(services: Sequence[str]) -> bytes:
    """Put the documents of services together, by their full names; the first gives title and description."""
    whole, *others = [_generated(service) for service in services]
    for other in others:
        whole["paths"] |= other["paths"]
        whole["components"]["schemas"] |= other["components"]["schemas"]
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def _generated(service: str) -> Any:
    """Read the document that lies beside a service's generated code."""
    *package, _ = service.split(".")
    return json.loads(files(package[0]).joinpath(*package[1:], "openapi.json").read_text(encoding="utf-8"))
