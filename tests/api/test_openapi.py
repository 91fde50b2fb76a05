"""The service against its own OpenAPI document, by schemathesis."""

from __future__ import annotations

import warnings
from contextlib import closing
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sightd.app import create_app
from sightd.config.settings import Settings
from sightd.ending import Ending
from sightd.host import Host, Notifier

from ..fuzz.corpus import brief
from ..server import Server

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def document() -> dict[str, Any]:
    """The document of an application as the server makes it; fastapi's way to it warns of its own doings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with closing(Notifier(None)) as notifier:
            return create_app(Settings(), Host(Settings, notifier, Ending(0))).openapi()


DOCUMENT = document()
OPERATIONS = {
    o.label: o for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations() if (o := found.ok())
}
WRONG = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]


def modes(operation: Any) -> list[schemathesis.GenerationMode]:
    """Requests that fit the document, and ones that do not where there is anything to get wrong."""
    return WRONG if operation.body else WRONG[:1]


# schemathesis' own parametrize uses parts of pytest that version 9.2 no longer has.
@pytest.mark.parametrize("label", OPERATIONS)
@settings(max_examples=10, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_response_is_documented(server: Server, label: str, data: st.DataObject) -> None:
    """Whatever is sent, the status, the content type and the body of the answer are in the document, and it is no
    server error."""
    operation = OPERATIONS[label]
    case = data.draw(operation.as_strategy(data.draw(st.sampled_from(modes(operation)))))
    if isinstance(case.body, dict):
        case.body = brief(case.body, operation.path)
    case.call_and_validate(base_url=server.url, checks=CHECKS, timeout=60)


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("GET", "/v1/chat/completions", "POST"), ("POST", "/livez", "GET")]
)
def test_other_methods(server: Server, method: str, path: str, allowed: str) -> None:
    """A method that an endpoint does not take is answered by 405 with those it takes."""
    refused = server.client.request(method, path)
    assert refused.status_code == 405
    assert refused.headers["allow"] == allowed


def test_errors_are_in_the_document(server: Server) -> None:
    """The server gives the document that is tested here, with every endpoint's errors in its family's shape and streams
    as streams."""
    assert server.client.get("/openapi.json").json() == DOCUMENT
    shapes = {"/v1/messages": "AnthropicError", "/": "NativeError"}
    shapes |= dict.fromkeys(("/v1/image/recognize", "/v1/video/recognize"), "PictureError")
    for path, methods in DOCUMENT["paths"].items():
        documented = methods["post"]["responses"] if "post" in methods else {}
        for status in ("400", "401", "413", "422", "429", "503", "504") if documented else ():
            shape = documented[status]["content"]["application/json"]["schema"]["$ref"]
            assert shape.endswith(shapes.get(path.removesuffix("/count_tokens"), "OpenAIError")), path
    streamed = DOCUMENT["paths"]["/v1/chat/completions"]["post"]["responses"]["200"]["content"]
    assert "text/event-stream" in streamed
