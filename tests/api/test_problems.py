from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from api import create_app
from matcher.models import Role
from matcher.settings import Settings
from tests.api.records import application, expert, hours, new, new_expert, organization
from tests.api.service import Caller, RunningService


def test_an_error_is_a_problem_with_all_members_of_rfc_9457(service: RunningService) -> None:
    answer = service.nobody.get("/v1/nowhere")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:expert-dispatch:problem:not_found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at this address; /docs lists the addresses.",
        "instance": "/v1/nowhere",
        "code": "not_found",
        "errors": [],
    }


def test_a_problem_is_told_in_the_language_that_is_asked_for(service: RunningService) -> None:
    japanese = service.nobody.get("/v1/nowhere", Accept_Language="ja-JP,ja;q=0.9,en;q=0.8")
    assert japanese.json()["title"] == "見つかりません"
    assert japanese.headers["Content-Language"] == "ja"
    english = service.nobody.get("/v1/nowhere", Accept_Language="de, fr;q=0.5")
    assert english.json()["title"] == "Not found"
    assert english.headers["Vary"] == "Accept-Language"


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"name_ja": NaN}', "application/json", 400),
        (b'{"name_ja": 1, "name_ja": 2}', "application/json", 400),
        (b'{"name_ja": "\xff"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"[]", "application/json", 422),
        (b'"{}"', "application/json", 422),
        (b"null", "application/json", 422),
        (b"{}", "application/json", 422),
        (b'{"name_ja": "\\ud800"}', "application/json", 422),
        (b"", "application/json", 422),
        (b"name_ja=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b" " * (1024 * 1024 + 1), "application/json", 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    admin: Caller, content: bytes, content_type: str, status: int
) -> None:
    answer = admin.ask("POST", "/v1/experts", content=content, Content_Type=content_type)
    assert answer.status_code == status
    assert answer.json()["status"] == status


def test_an_unknown_field_is_named_with_a_remedy(admin: Caller) -> None:
    answer = admin.post("/v1/experts", expert(nickname="Taro"), Accept_Language="ja")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "field": "nickname",
            "detail": "この名前の項目はありません",
            "remedy": "削除するか、つづりを直してください",
        }
    ]


def test_an_unknown_parameter_of_a_query_is_named(admin: Caller) -> None:
    answer = admin.get("/v1/experts?limits=5")
    assert [each["field"] for each in answer.json()["errors"]] == ["limits"]
    assert admin.post("/v1/experts?dry_run=true", expert()).status_code == 422


def test_a_value_of_a_query_that_may_be_absent_is_told_of_under_its_own_name(admin: Caller) -> None:
    answer = admin.get("/v1/sessions?status=x", Accept_Language="ja")
    assert answer.json()["errors"] == [
        {
            "field": "status",
            "detail": "指定できる値ではありません",
            "remedy": "'confirmed'、'cancelled'、'held'、'missed' のいずれかを指定してください",
        }
    ]


def test_what_a_text_must_look_like_is_shown_by_an_example(admin: Caller) -> None:
    answer = admin.post("/v1/experts", expert(email="nobody"), Accept_Language="ja")
    assert answer.json()["errors"] == [
        {
            "field": "email",
            "detail": "メールアドレスではありません",
            "remedy": "name@example.jp の形で指定してください",
        }
    ]


def test_hours_that_close_before_they_open_are_refused_in_japanese(admin: Caller) -> None:
    path = f"/v1/experts/{new_expert(admin)}/availability"
    body = {"weekly_hours": hours("17:00", "09:00")[:1], "absences": []}
    answer = admin.ask("PUT", path, body, If_Match="*", Accept_Language="ja")
    assert answer.json()["errors"] == [
        {
            "field": "weekly_hours.0",
            "detail": "終了時刻が開始時刻より後になっていません",
            "remedy": "開始時刻より後の終了時刻を指定してください",
        }
    ]


def test_hours_without_absences_are_refused_as_they_would_drop_them(admin: Caller) -> None:
    path = f"/v1/experts/{new_expert(admin)}/availability"
    answer = admin.ask("PUT", path, {"weekly_hours": hours()}, If_Match="*")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["absences"]


def test_a_value_that_the_programme_refuses_names_its_field(admin: Caller) -> None:
    answer = admin.post("/v1/experts", expert(municipality_code="27100"))
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "field": "municipality_code",
            "detail": "27100 is none of Tokyo's municipalities",
            "remedy": "give the five digits of one, such as 13104 for Shinjuku",
        }
    ]


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x00b", "a\u2028b", "a" * 201])
def test_a_name_is_one_line_of_text(admin: Caller, name: str) -> None:
    answer = admin.post("/v1/organizations", organization(name_en=name))
    assert [each["field"] for each in answer.json()["errors"]] == ["name_en"]


def test_a_method_that_an_address_does_not_know_is_405_with_the_ones_it_does(
    admin: Caller,
) -> None:
    answer = admin.ask("DELETE", "/v1/experts")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_what_the_state_forbids_is_a_conflict_that_says_what_is_possible(admin: Caller) -> None:
    organization_id = new(admin, "/v1/organizations", organization())["id"]
    application_id = new(admin, "/v1/applications", application(organization_id))["id"]
    answer = admin.post(f"/v1/applications/{application_id}/decision", {"outcome": "accepted"})
    assert answer.status_code == 409
    assert answer.json()["possible"] == ["answer", "assess", "withdraw"]


Ask = Callable[[Caller, RunningService, str], requests.Response]


def _taken(admin: Caller, service: RunningService, language: str) -> requests.Response:
    key = f"for-another-request-{language}"
    admin.post("/v1/experts", expert(), Idempotency_Key=key)
    return admin.post("/v1/experts", expert(), Idempotency_Key=key, Accept_Language=language)


def _early(admin: Caller, service: RunningService, language: str) -> requests.Response:
    owner = new(admin, "/v1/organizations", organization())["id"]
    path = f"/v1/applications/{new(admin, '/v1/applications', application(owner))['id']}/decision"
    return admin.post(path, {"outcome": "accepted"}, Accept_Language=language)


def _edit(admin: Caller, language: str, etag: str = "") -> requests.Response:
    path = f"/v1/organizations/{new(admin, '/v1/organizations', organization())['id']}"
    return admin.ask(
        "PATCH", path, {"contact_name": "一郎"}, Accept_Language=language, If_Match=etag
    )


EACH_PROBLEM: list[tuple[int, str, str, str, str | None, Ask]] = [
    (
        400,
        "bad_request",
        "The request cannot be read",
        "リクエストを読み取れません",
        None,
        lambda admin, _, language: admin.ask(
            "POST",
            "/v1/experts",
            content=b"{",
            Content_Type="application/json",
            Accept_Language=language,
        ),
    ),
    (
        401,
        "unauthenticated",
        "A key is required",
        "APIキーが必要です",
        None,
        lambda _, service, language: service.nobody.get("/v1/experts", Accept_Language=language),
    ),
    (
        403,
        "forbidden",
        "Not allowed",
        "許可されていません",
        None,
        lambda _, service, language: service.caller(Role.STAFF).get(
            "/v1/keys", Accept_Language=language
        ),
    ),
    (
        404,
        "not_found",
        "Not found",
        "見つかりません",
        None,
        lambda admin, _, language: admin.get("/v1/experts/nobody", Accept_Language=language),
    ),
    (
        405,
        "method_not_allowed",
        "The method is not allowed",
        "このメソッドは使えません",
        None,
        lambda admin, _, language: admin.ask("DELETE", "/v1/experts", Accept_Language=language),
    ),
    (409, "conflict", "The state forbids it", "現在の状態ではできません", None, _early),
    (
        409,
        "idempotency_key_reused",
        "The state forbids it",
        "現在の状態ではできません",
        None,
        _taken,
    ),
    (
        412,
        "precondition_failed",
        "It has changed meanwhile",
        "その間に変更されています",
        None,
        lambda admin, _, language: _edit(admin, language, '"another"'),
    ),
    (
        413,
        "request_entity_too_large",
        "The request is too large",
        "リクエストが大きすぎます",
        None,
        lambda admin, _, language: admin.ask(
            "POST",
            "/v1/experts",
            content=b" " * (1024 * 1024 + 1),
            Content_Type="application/json",
            Accept_Language=language,
        ),
    ),
    (
        415,
        "unsupported_media_type",
        "The content type is not supported",
        "この Content-Type には対応していません",
        None,
        lambda admin, _, language: admin.ask(
            "POST",
            "/v1/experts",
            content=b"{}",
            Content_Type="text/plain",
            Accept_Language=language,
        ),
    ),
    (
        422,
        "invalid",
        "The request is not valid",
        "入力内容に誤りがあります",
        "max_total",
        lambda admin, _, language: admin.post(
            "/v1/experts", expert(max_total=-1), Accept_Language=language
        ),
    ),
    (
        428,
        "precondition_required",
        "If-Match is required",
        "If-Match が必要です",
        None,
        lambda admin, _, language: _edit(admin, language),
    ),
]


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(
    ("status", "code", "title_en", "title_ja", "field", "ask"),
    EACH_PROBLEM,
    ids=[f"{status}-{code}" for status, code, *_ in EACH_PROBLEM],
)
def test_each_status_has_a_type_a_title_in_both_languages_and_the_field_where_there_is_one(
    service: RunningService,
    admin: Caller,
    status: int,
    code: str,
    title_en: str,
    title_ja: str,
    field: str | None,
    ask: Ask,
    language: str,
) -> None:
    answer = ask(admin, service, language)
    said = answer.json()
    assert answer.status_code == said["status"] == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Content-Language"] == language
    assert said["type"] == f"urn:expert-dispatch:problem:{code}"
    assert said["title"] == (title_ja if language == "ja" else title_en)
    assert [each["field"] for each in said["errors"]] == ([] if field is None else [field])


@pytest.mark.parametrize(
    ("language", "title"), [("en", "Too many requests"), ("ja", "リクエストが多すぎます")]
)
def test_who_asks_too_often_is_told_when_to_ask_again(
    sqlite_url: str, tmp_path: Path, language: str, title: str
) -> None:
    app = create_app(
        Settings(database_url=sqlite_url, data_directory=tmp_path, rate_limit="1/hour")
    )
    client = app.test_client()
    client.get("/v1/experts")
    answer = client.get("/v1/experts", headers={"Accept-Language": language})
    app.extensions["matcher"].close()
    assert answer.status_code == 429
    assert answer.get_json()["title"] == title
    assert answer.get_json()["type"] == "urn:expert-dispatch:problem:too_many_requests"
    assert int(answer.headers["Retry-After"]) > 0
