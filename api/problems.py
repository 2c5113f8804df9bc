"""Every error as `application/problem+json` (RFC 9457), in Japanese or English.

Beside RFC 9457's own members a problem has `code`, one word for programs, and `errors`: which
field, what is wrong with it, what would help.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, NoReturn

import structlog
from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from api.logs import loggable_path
from matcher.errors import (
    Conflict,
    Forbidden,
    Invalid,
    MatcherError,
    Misconfigured,
    NotFound,
    NotServable,
    PlanOutdated,
    RowsRefused,
    Unauthenticated,
)
from matcher.validation import FieldProblem, Language, explain

PROBLEM_JSON: Final = "application/problem+json"

STATUS_OF: Final[Mapping[type[MatcherError], HTTPStatus]] = {
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    RowsRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    Misconfigured: HTTPStatus.INTERNAL_SERVER_ERROR,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    PlanOutdated: HTTPStatus.CONFLICT,
    NotServable: HTTPStatus.CONFLICT,
}
"""What each error of the programme is in HTTP."""


class Text(NamedTuple):
    """The same words in the two languages."""

    en: str
    ja: str

    def within(self, language: Language) -> str:
        """The words of one language."""
        return self.ja if language == "ja" else self.en


class Wording(NamedTuple):
    """What a status means here, and what to do about it."""

    title: Text
    detail: Text


WORDINGS: Final[Mapping[int, Wording]] = {
    400: Wording(
        Text("The request cannot be read", "リクエストを読み取れません"),
        Text("Send a JSON document in UTF-8.", "UTF-8 の JSON を送信してください。"),
    ),
    401: Wording(
        Text("A key is required", "APIキーが必要です"),
        Text(
            "Send 'Authorization: Bearer KEY'.", "「Authorization: Bearer キー」を付けてください。"
        ),
    ),
    403: Wording(
        Text("Not allowed", "許可されていません"),
        Text("This key may not do this.", "このAPIキーではこの操作はできません。"),
    ),
    404: Wording(
        Text("Not found", "見つかりません"),
        Text(
            "There is nothing at this address; /docs lists the addresses.",
            "このアドレスには何もありません。アドレスの一覧は /docs にあります。",
        ),
    ),
    405: Wording(
        Text("The method is not allowed", "このメソッドは使えません"),
        Text(
            "The header Allow lists the methods of this address.",
            "このアドレスで使えるメソッドは Allow ヘッダーをご覧ください。",
        ),
    ),
    409: Wording(
        Text("The state forbids it", "現在の状態ではできません"),
        Text(
            "Somebody changed the same records at the same time; read them again and repeat.",
            "同じ記録が同時に変更されました。読み直してから、もう一度お試しください。",
        ),
    ),
    410: Wording(
        Text("No longer there", "提供を終了しました"),
        Text(
            "This calendar subscription has ended. Ask the office for a new address.",
            "このカレンダーの購読は終了しました。新しいアドレスを事務局へお問い合わせください。",
        ),
    ),
    412: Wording(
        Text("It has changed meanwhile", "その間に変更されています"),
        Text(
            "Somebody edited this after it was read; read it again and repeat the change.",
            "読み込んだ後にほかの人が変更しました。読み直してから、もう一度変更してください。",
        ),
    ),
    413: Wording(
        Text("The request is too large", "リクエストが大きすぎます"),
        Text(
            "Send at most 1 MiB, or 10 MiB where it is a sheet.",
            "1 MiB 以内(表のファイルは 10 MiB 以内)で送信してください。",
        ),
    ),
    415: Wording(
        Text("The content type is not supported", "この Content-Type には対応していません"),
        Text(
            "Send 'Content-Type: application/json'; a sheet with that of its file, as text/csv.",
            "「Content-Type: application/json」で送信してください。表のファイルは text/csv など、"
            "ファイルの Content-Type で送信してください。",
        ),
    ),
    422: Wording(
        Text("The request is not valid", "入力内容に誤りがあります"),
        Text(
            "Correct the fields that 'errors' names.",
            "「errors」に示した項目を修正してください。",
        ),
    ),
    428: Wording(
        Text("If-Match is required", "If-Match が必要です"),
        Text(
            "Read the record and send its ETag as 'If-Match', so that no change is lost.",
            "変更が失われないよう、記録を読み込み、その ETag を「If-Match」に付けてください。",
        ),
    ),
    429: Wording(
        Text("Too many requests", "リクエストが多すぎます"),
        Text(
            "Wait as many seconds as Retry-After says.",
            "Retry-After の秒数だけ待ってから、もう一度お試しください。",
        ),
    ),
    500: Wording(
        Text("The service made a mistake", "サービスに不具合が発生しました"),
        Text(
            "It is recorded under the request id in X-Request-Id; tell the office.",
            "X-Request-Id の番号で記録されています。事務局へお知らせください。",
        ),
    ),
    503: Wording(
        Text("The service is not ready", "サービスを利用できません"),
        Text(
            "The database cannot be reached, or is busy; try again in a few seconds.",
            "データベースに接続できないか、混み合っています。数秒後にもう一度お試しください。",
        ),
    ),
}

logger = structlog.get_logger(__name__)


class Problem(BaseModel):
    """What went wrong, for people and for programs (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="the kind of problem, a URN that ends in the code")
    title: str
    status: int
    detail: str
    instance: str = Field(description="the path that was asked for")
    code: str = Field(description="one word for programs")
    errors: Sequence[FieldProblem] = Field(default=(), description="the fields at fault")


class InvalidRequestError(Exception):
    """A request that does not fit its schema."""

    def __init__(self, problems: Sequence[ErrorDetails]) -> None:
        super().__init__("the request does not fit its schema")
        self.problems = problems


def refuse(error: ValidationError) -> NoReturn:
    """Raise what is wrong with a request as the service's own error."""
    raise InvalidRequestError(error.errors(include_url=False))


def register_problems(app: Flask) -> None:
    """Answer every error that leaves a route as a problem."""
    app.register_error_handler(InvalidRequestError, _invalid_request)
    app.register_error_handler(Invalid, _invalid_value)
    app.register_error_handler(MatcherError, _matcher_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(IntegrityError, _collision)
    app.register_error_handler(StaleDataError, _collision)
    app.register_error_handler(OperationalError, _database_error)
    app.register_error_handler(Exception, _mistake)


def preferred_language() -> Language:
    """The language that Accept-Language asks for; English where it asks for neither."""
    match: Literal["ja", "en"] = "ja"
    best = request.accept_languages.best_match(("en", "ja"), default="en")
    return match if best == "ja" else "en"


def problem(
    status: int,
    code: str,
    *,
    detail: str | None = None,
    errors: Sequence[FieldProblem] = (),
    members: Mapping[str, object] = MappingProxyType({}),
) -> Response:
    """Make the answer of one problem."""
    language = preferred_language()
    wording = WORDINGS.get(status) or _plain_wording(status)
    body = Problem.model_validate(
        {
            **members,
            "type": f"urn:expert-dispatch:problem:{code}",
            "title": wording.title.within(language),
            "status": status,
            "detail": detail or wording.detail.within(language),
            "instance": loggable_path(request.path),
            "code": code,
            "errors": errors,
        }
    )
    response = Response(body.model_dump_json(), status=status, content_type=PROBLEM_JSON)
    response.content_language.add(language)
    response.vary.add("Accept-Language")
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="expert-dispatch"'
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    return response


def _plain_wording(status: int) -> Wording:
    phrase = HTTPStatus(status).phrase
    return Wording(Text(phrase, phrase), Text(phrase, phrase))


def _invalid_request(error: InvalidRequestError) -> Response:
    errors = explain(error.problems, preferred_language())
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", errors=errors)


def _invalid_value(error: Invalid) -> Response:
    japanese = preferred_language() == "ja"
    fault = FieldProblem(
        field=error.field,
        detail=error.reason_ja if japanese else error.reason,
        remedy=error.remedy_ja if japanese else error.remedy,
    )
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        error.code,
        detail=error.message_ja if japanese else error.message_en,
        errors=[fault],
    )


def _matcher_error(error: MatcherError) -> Response:
    status = next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)
    language = preferred_language()
    detail = error.message_ja if language == "ja" else error.message_en
    return problem(status, error.code, detail=detail, members=error.data)


def _http_error(error: HTTPException) -> Response | HTTPException:
    if isinstance(error, RequestRedirect) or error.code is None or error.response is not None:
        return error
    code = HTTPStatus(error.code).name.lower()
    response = problem(error.code, code)
    for name, value in error.get_headers(request.environ):
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _collision(error: IntegrityError | StaleDataError) -> Response:
    logger.warning("collision", error=str(getattr(error, "orig", error)))
    return problem(HTTPStatus.CONFLICT, "conflict")


def _database_error(error: DBAPIError) -> Response:
    logger.error("database_error", error=str(error.orig))
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "service_unavailable")


def _mistake(error: Exception) -> Response:
    logger.error("mistake", exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_server_error")
