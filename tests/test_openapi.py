"""The OpenAPI document that the collector serves is valid, and the collector answers as it says: Schemathesis asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi import checks as conformance

from tests.events import event
from tests.running import CollectorProcess, Sender, add_source

EXAMPLES = 40
_CHECKS = [
    schemathesis.checks.not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_schema_conformance,
]
_CALM = {"PARCOURS_STITCHING__INTERVAL_SECONDS": "0", "PARCOURS_SHUTDOWN_SECONDS": "0"}


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CollectorProcess, Sender]]:
    data: Path = tmp_path_factory.mktemp("collector")
    source = add_source(data, "shop-web", "shop")
    with CollectorProcess(data, "http://nobody:nothing@127.0.0.1:9", environment=_CALM) as running:
        yield running, source


@pytest.fixture(scope="module")
def api(sender: tuple[CollectorProcess, Sender]) -> BaseSchema:
    document = requests.get(f"{sender[0].endpoint}/openapi.json", timeout=20).json()
    validate(document)
    return schemathesis.openapi.from_dict(document)


def test_every_door_answers_as_the_document_says(api: BaseSchema, sender: tuple[CollectorProcess, Sender]) -> None:
    running, source = sender
    asked: set[str] = set()
    for found in api.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def ask(case: schemathesis.Case) -> None:
            response = case.call(base_url=running.endpoint, headers={"Authorization": f"Bearer {source.write_key}"})
            # No 5xx, a status, a media type and a body that the document names.
            case.validate_response(response, checks=_CHECKS)
            asked.add(case.path)

        ask()
    assert asked == {"/v1/touchpoints", "/v1/dead-letters", "/v1/source", "/livez", "/readyz"}


def test_a_usual_touchpoint_is_one_by_the_document(api: BaseSchema, sender: tuple[CollectorProcess, Sender]) -> None:
    running, source = sender
    operation = api["/v1/touchpoints"]["POST"]
    case = operation.Case(body=[event()], media_type="application/json")
    response = case.call(base_url=running.endpoint, headers={"Authorization": f"Bearer {source.write_key}"})
    assert response.json() == {"accepted": 1, "duplicate": 0, "rejected": []}
    case.validate_response(response)
