"""What holds for every operation of the OpenAPI document: its problems, its headers, its key."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.info import Info
from flask_openapi3.models.security_scheme import SecurityScheme
from flask_openapi3.models.tag import Tag

from api.problems import PROBLEM_JSON, WORDINGS

KEY: Final = "key"

INFO: Final = Info(
    title="Expert dispatch",
    version="1",
    description="Applications, engagements, plans and calendars of Tokyo's dispatch of experts to "
    "industry organizations (業界団体への専門家派遣). Every operation needs a key, which "
    "`matcher keys create --role staff` makes. Errors are problem+json, in the language that "
    "Accept-Language asks for.",
)

SECURITY_SCHEMES: Final[dict[str, Any]] = {
    KEY: SecurityScheme(type="http", scheme="bearer", description="`matcher_<id>_<secret>`")
}

_METHODS: Final = ("get", "post", "put", "patch", "delete")

_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A text of the caller's own, such as a UUID: a repetition under the same key "
    "within 24 hours is answered as before, and done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of the state that was read: a change to any other is refused.",
    "schema": {"type": "string"},
}


def noun(name: str, description: str) -> APIBlueprint:
    """Make the blueprint of one noun; permissions name its operations: `experts.list`."""
    return APIBlueprint(
        name,
        __name__,
        url_prefix=f"/v1/{name}",
        abp_tags=[Tag(name=name, description=description)],
        abp_security=[{KEY: []}],
        operation_id_callback=_operation_id,
    )


def complete(document: dict[str, Any]) -> None:
    """Add what each operation shares with its like."""
    for path, operation, method in _operations(document):
        if method == "post":
            operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
        if method in ("put", "patch"):
            operation.setdefault("parameters", []).append(_IF_MATCH)
        operation["responses"] |= {
            str(status.value): _problem(status) for status in _statuses(path, operation, method)
        }
        operation["responses"] = dict(sorted(operation["responses"].items()))


def _operation_id(*, bp_name: str, name: str, path: str, method: str) -> str:  # noqa: ARG001
    """The name under which the permissions know an operation."""
    return f"{bp_name}.{name}"


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, item[method], method


def _statuses(path: str, operation: dict[str, Any], method: str) -> Iterator[HTTPStatus]:
    yield HTTPStatus.TOO_MANY_REQUESTS
    yield HTTPStatus.INTERNAL_SERVER_ERROR
    yield HTTPStatus.SERVICE_UNAVAILABLE
    yield HTTPStatus.UNPROCESSABLE_ENTITY
    if operation.get("security"):
        yield HTTPStatus.UNAUTHORIZED
        yield HTTPStatus.FORBIDDEN
    said = operation["responses"]  # by the operation itself
    if "{" in path or method == "post" or "404" in said:
        yield HTTPStatus.NOT_FOUND
    if "requestBody" in operation:
        yield HTTPStatus.BAD_REQUEST
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    if method in ("post", "put", "patch") or "409" in said:
        yield HTTPStatus.CONFLICT
    if method in ("put", "patch"):
        yield HTTPStatus.PRECONDITION_FAILED
        yield HTTPStatus.PRECONDITION_REQUIRED


def _problem(status: HTTPStatus) -> dict[str, Any]:
    return {
        "description": WORDINGS[status].title.en,
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
