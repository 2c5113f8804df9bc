"""Records as they are sent to the service: plain ones, each call another."""

from __future__ import annotations

from itertools import count
from typing import Any

from stdnum.jp import cn

from tests.api.service import Caller

_numbers = count(1)
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")


def organization(**changes: object) -> dict[str, Any]:
    """An organization in Chiyoda."""
    number = next(_numbers)
    return {
        "name_ja": f"架空小売協同組合{number}",
        "name_en": f"Imaginary Retailers {number}",
        "legal_kind": "cooperative",
        "corporate_number": corporate_number(number),
        "municipality_code": "13101",
        "address_ja": "東京都千代田区架空町1-1",
        "address_en": "1-1 Kakucho, Chiyoda-ku, Tokyo",
        "industry": "retail",
        "contact_name": "架空 花子",
        "contact_email": f"office{number}@retailers.example.jp",
        **changes,
    }


def corporate_number(number: int) -> str:
    """A valid one, of a registry office that does not exist."""
    digits = f"9999050{number:05}"
    return f"{cn.calc_check_digit(digits)}{digits}"


def expert(**changes: object) -> dict[str, Any]:
    """An expert in labor matters."""
    number = next(_numbers)
    return {
        "name_ja": f"架空 太郎{number}",
        "name_en": f"Taro Kaku {number}",
        "email": "taro@experts.example.jp",
        "municipality_code": "13104",
        "qualifications": ["social_insurance_labor_consultant"],
        "industries": ["retail"],
        "max_per_day": 2,
        "max_per_week": 4,
        "max_total": 20,
        "target_total": 15,
        **changes,
    }


def hours(opens: str = "09:00", closes: str = "17:00") -> list[dict[str, str]]:
    """The same hours on each workday."""
    return [{"weekday": day, "opens": opens, "closes": closes} for day in WORKDAYS]


def application(organization_id: str, **changes: object) -> dict[str, Any]:
    """An application for two sessions on labor matters."""
    return {
        "programme_id": "tokyo-2025",
        "organization_id": organization_id,
        "channel": "online",
        "delivery": "on_site",
        "needs": {"labor": 3},
        "session_minutes": [90, 60],
        "weekly_hours": hours("10:00", "16:00"),
        **changes,
    }


def new(caller: Caller, path: str, body: object) -> dict[str, Any]:
    """Make a record; gives the answer."""
    answer = caller.post(path, body)
    assert answer.status_code == 201, answer.text
    record: dict[str, Any] = answer.json()
    return record


def new_expert(caller: Caller, **changes: object) -> str:
    """An expert who is there on workdays; gives the id."""
    expert_id: str = new(caller, "/v1/experts", expert(**changes))["id"]
    path = f"/v1/experts/{expert_id}/availability"
    state = caller.get(path).headers["ETag"]
    answer = caller.ask("PUT", path, {"weekly_hours": hours(), "absences": []}, If_Match=state)
    assert answer.status_code == 200, answer.text
    return expert_id


def new_engagement(caller: Caller, organization_id: str) -> str:
    """An application that was accepted; gives the engagement's id."""
    body = application(organization_id)
    application_id: str = new(caller, "/v1/applications", body)["id"]
    accept(caller, application_id)
    return application_id


def accept(caller: Caller, application_id: str) -> None:
    """Take an application from submission to its acceptance, with every requirement met."""
    path = f"/v1/applications/{application_id}"
    findings = caller.get(f"{path}/assessment").json()["findings"]
    answers = [
        {"requirement_id": each["requirement"]["id"], "answer": "met"}
        for each in findings
        if each["requirement"]["kind"] != "machine"
    ]
    steps = {
        "assessment": {"answers": answers},
        "interview": {"caller": "架空 次郎"},
        "decision": {"outcome": "accepted"},
    }
    for step, body in steps.items():
        answer = caller.post(f"{path}/{step}", body)
        assert answer.status_code == 200, answer.text
