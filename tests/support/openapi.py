"""The OpenAPI documents of the services, and whether a body is what they say."""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from jsonschema import Draft202012Validator

SCHEMA = json.loads(Path(__file__).with_name("openapi-3.1.json").read_text(encoding="utf-8"))
"""Of OpenAPI 3.1 documents, as https://spec.openapis.org/oas/3.1/schema/2022-10-07 has it; Apache-2.0."""


@cache
def document(service: str) -> dict[str, Any]:
    """Read the document of a service by its full name."""
    *package, _ = service.split(".")
    text = files(package[0]).joinpath(*package[1:], "openapi.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


@cache
def _validator(service: str, name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document(service)["components"]}
    return Draft202012Validator(schema)


def problems(method: MethodDescriptor, http_status: int, body: bytes) -> list[str]:
    """Say where the body of an answer is not what the document says of this call and HTTP status."""
    service = method.containing_service.full_name
    responses = document(service)["paths"][f"/{service}/{method.name}"]["post"]["responses"]
    response = responses.get(str(http_status))
    if response is None:
        return [f"{method.name} says nothing of HTTP status {http_status}"]
    said, name = json.loads(body), response["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    found = [
        f"{method.name}: {error.json_path} {error.message}" for error in _validator(service, name).iter_errors(said)
    ]
    reason = next((item.get("reason") for item in said.get("details", ()) if isinstance(item, dict)), None)
    if http_status != 200 and str(reason) not in response["description"]:
        found.append(f"{method.name}: {http_status} does not name {reason}")
    return found


def problems_of_request(method: MethodDescriptor, body: bytes) -> list[str]:
    """Say where a request is not what the document says."""
    errors = _validator(method.containing_service.full_name, method.input_type.full_name).iter_errors(json.loads(body))
    return [f"{method.name}: {error.json_path} {error.message}" for error in errors]
