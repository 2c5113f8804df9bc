from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from openapi_spec_validator import OpenAPIV31SpecValidator

from matcher.access import PERMISSIONS
from tests.api.service import Caller, RunningService

Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture(scope="module")
def document(service: RunningService) -> dict[str, Any]:
    answer: dict[str, Any] = service.nobody.get("/openapi.json").json()
    return answer


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_each_operation_is_documented_under_the_name_that_permissions_use(
    document: dict[str, Any],
) -> None:
    named = {operation["operationId"] for _, _, operation in _operations(document)}
    assert len(named - set(PERMISSIONS)) == 1  # fetching a calendar, which needs no key
    assert set(PERMISSIONS) <= named


def test_each_operation_tells_what_it_does_and_each_way_it_fails(document: dict[str, Any]) -> None:
    for method, path, operation in _operations(document):
        assert operation["summary"], path
        failures = {status for status in operation["responses"] if status >= "4"}
        assert {"429", "500", "503"} <= failures
        if path.startswith("/v1/"):
            assert {"401", "403"} <= failures
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= failures
        if method in {"put", "patch"}:
            assert {"412", "428"} <= failures
        for status in failures - {"410"}:
            content = operation["responses"][status]["content"]
            assert list(content) == ["application/problem+json"], (path, status)


def test_each_post_takes_an_idempotency_key(document: dict[str, Any]) -> None:
    for method, path, operation in _operations(document):
        parameters = operation.get("parameters", ())
        headers = {each["name"] for each in parameters if each["in"] == "header"}
        assert ("Idempotency-Key" in headers) == (method == "post"), path
        assert ("If-Match" in headers) == (method in {"put", "patch"}), path


def test_each_body_has_an_example_or_no_field(document: dict[str, Any]) -> None:
    for method, path, operation in _operations(document):
        if _takes_json(operation):
            schema = _schema_of_body(document, operation)
            assert "example" in schema or not schema.get("properties"), (method, path)


def test_the_documentation_page_needs_nothing_from_elsewhere(service: RunningService) -> None:
    page = service.nobody.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert address.startswith("/docs/"), address
        asset = requests.get(service.url + address, timeout=30)
        assert asset.status_code == 200, address
    assert "http" not in page.text
    assert service.nobody.get("/docs/assets/../../../etc/passwd").status_code == 404


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def _takes_json(operation: dict[str, Any]) -> bool:
    return "application/json" in operation.get("requestBody", {}).get("content", {})


def test_a_sheet_is_taken_as_csv_and_as_an_excel_book_and_as_nothing_else(
    document: dict[str, Any],
) -> None:
    taking = {
        path: set(operation["requestBody"]["content"])
        for _, path, operation in _operations(document)
        if "requestBody" in operation and not _takes_json(operation)
    }
    types = {"text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
    assert taking == {"/v1/applications/imports": types, "/v1/experts/imports": types}


def _schema_of_body(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    schema: dict[str, Any] = document["components"]["schemas"][reference.rpartition("/")[2]]
    return schema


def test_each_example_of_a_body_is_one_that_the_service_takes(
    document: dict[str, Any], admin: Caller
) -> None:
    for method, path, operation in _operations(document):
        if not _takes_json(operation):
            continue
        example = _schema_of_body(document, operation).get("example", {})
        here = re.sub(r"{\w+}", "nothing-there", path.replace("{number}", "1000000"))
        answer = admin.ask(method.upper(), here, example, If_Match='"x"')
        # It is well-formed; whether what it names is there is another matter.
        assert answer.status_code in {201, 202, 404}, (method, path, answer.text)
