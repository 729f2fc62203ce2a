"""The OpenAPI documents are documents, have every call, and say of each what it can answer."""

import json
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2
from jsonschema import Draft202012Validator

from services.chassis.json_status import http_status_of
from services.chassis.reasons import reasons
from tests.support.openapi import SCHEMA, document
from tests.support.two_doors import public_methods
from tools.openapi import BAD_REQUESTS, HTTP_OF_CODE
from tools.refusals import rpcs
from tools.rpc_reasons import all_reasons

SERVICES = sorted({method.containing_service.full_name for method in public_methods()})


@pytest.mark.parametrize("service", SERVICES)
def test_it_is_an_openapi_document(service: str) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    errors = [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(document(service))
    ]
    assert not errors


def test_a_wrong_document_would_be_noticed() -> None:
    wrong = json.loads(json.dumps(document(SERVICES[0])))
    next(iter(wrong["paths"].values()))["post"]["responses"] = []
    assert list(Draft202012Validator(SCHEMA).iter_errors(wrong))


@pytest.mark.parametrize("service", SERVICES)
def test_every_schema_is_one_and_every_reference_leads_somewhere(service: str) -> None:
    found = document(service)
    schemas = found["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    referred = set(references(found))
    assert referred == {f"#/components/schemas/{name}" for name in schemas}, "one too many or too few"


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [item for value in part.values() for item in references(value)]
    return [item for value in part for item in references(value)] if isinstance(part, list) else []


def test_every_unary_call_is_in_it_and_no_other() -> None:
    unary = {
        f"/{item.containing_service.full_name}/{item.name}" for item in public_methods() if not item.server_streaming
    }
    assert {path for service in SERVICES for path in document(service)["paths"]} == unary


def test_every_message_field_and_value_has_its_meaning() -> None:
    bare = []
    for service in SERVICES:
        for name, schema in document(service)["components"]["schemas"].items():
            if name.startswith("groupbuy."):
                bare += [
                    f"{name}.{field}"
                    for field, said in schema.get("properties", {}).items()
                    if not said.get("description")
                ]
    assert not bare


@pytest.mark.parametrize("rpc", [rpc for rpc in rpcs() if rpc.service in SERVICES], ids=lambda rpc: rpc.name)
def test_every_reason_of_a_call_is_under_its_http_status(rpc: Any) -> None:
    post = document(rpc.service)["paths"].get(f"/{rpc.service}/{rpc.name}", {}).get("post")
    if post is None:
        return  # a stream
    for name in [*all_reasons(rpc, rpcs()), "KEY_UNKNOWN", "UNAVAILABLE", "CALL_UNKNOWN"]:
        http_status = str(HTTP_OF_CODE[reasons()[name].code.name])
        assert name in post["responses"][http_status]["description"]
    assert {str(http_status) for http_status in BAD_REQUESTS} <= set(post["responses"])
    assert post["summary"]


def test_codes_have_the_http_status_that_the_door_gives_them() -> None:
    for code in grpc.StatusCode:
        name = "CANCELLED" if code is grpc.StatusCode.CANCELLED else code.name
        expected = HTTP_OF_CODE.get(name)
        if expected:
            assert http_status_of(status_pb2.Status(code=code.value[0])) == expected
    assert {reason.code.name for reason in reasons().values()} <= set(HTTP_OF_CODE)


def test_a_key_is_asked_for() -> None:
    for service in SERVICES:
        found = document(service)
        [requirement] = found["security"]
        scheme = found["components"]["securitySchemes"][next(iter(requirement))]
        assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
