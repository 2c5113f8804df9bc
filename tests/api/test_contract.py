"""The service against its own OpenAPI document, asked by a machine that tries everything.

Each operation is asked in two ways: at any address, most of which name nothing, and at addresses
that exist, with an If-Match that lets changes through. `CONTRACT_EXAMPLES=100 pytest
tests/api/test_contract.py` tries more than every run of the tests has time for.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig

from matcher.models import Role, load_programme
from matcher.tables.kinds import MEDIA_TYPES
from matcher.tables.writing import encode_table
from tests.api.records import application, new, new_engagement, new_expert, organization
from tests.api.service import Caller, RunningService, serving

EXAMPLES_OF_EACH_OPERATION = int(os.environ.get("CONTRACT_EXAMPLES", "4"))

CONFIGURATION = {
    "checks": {
        # What a schema cannot say is refused too: a state, an order of times, a stale ETag.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "401", "403", "404", "409", "412", "422", "428"]
        },
    }
}


@pytest.fixture(scope="module")
def tried(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """A service of this module alone: what is tried on it changes even its programme."""
    folder = tmp_path_factory.mktemp("tried")
    path = shutil.copy(sqlite_template, folder / "matcher.sqlite")
    with serving(f"sqlite:///{path}", folder, "--no-worker") as running:
        with running.database() as db:
            load_programme(db, "tokyo-2025")
        yield running


@pytest.fixture(scope="module")
def office(tried: RunningService) -> Caller:
    return tried.caller(Role.ADMIN)


@pytest.fixture(scope="module")
def sheets() -> None:
    """What is sent as a file: anything, or a sheet of anything."""
    cells = st.text(st.characters(exclude_categories=["C"]), max_size=9)
    rows = st.lists(st.lists(cells, max_size=5), max_size=4)
    for kind, media_type in MEDIA_TYPES.items():
        made = rows.map(partial(encode_table, kind))
        schemathesis.openapi.media_type(media_type, st.one_of(st.binary(), made))


@pytest.fixture(scope="module")
def contract(tried: RunningService, sheets: None) -> Any:
    return schemathesis.openapi.from_dict(
        tried.nobody.get("/openapi.json").json(),
        config=SchemathesisConfig.from_dict(CONFIGURATION),
    )


@pytest.fixture(scope="module")
def on_record(office: Caller) -> Mapping[str, str]:
    """Ids that exist, by the name of the parameter of a path."""
    expert_id = new_expert(office, calendar_by="both")
    owners = [new(office, "/v1/organizations", organization())["id"] for _ in range(3)]
    engagement_id = new_engagement(office, owners[0])
    office.post(f"/v1/engagements/{engagement_id}/assignment")
    sessions = office.get(f"/v1/sessions?engagement={engagement_id}").json()["items"]
    held_id = new_engagement(office, owners[2])
    offer = office.post(f"/v1/engagements/{held_id}/offers").json()["offers"][0]
    starts = [each["start_at"] for each in offer["sessions"]]
    times = {"expert_id": offer["expert"]["id"], "starts": starts}
    pin = {"kind": "expert", "engagement_id": held_id, "expert_id": expert_id, "reason": "約束済み"}
    feed = {"owner_kind": "expert", "owner_id": expert_id}
    busy = {**feed, "url": "https://calendar.example.com/private.ics"}
    return {
        "programme_id": "tokyo-2025",
        "organization_id": owners[1],
        "expert_id": expert_id,
        "application_id": new(office, "/v1/applications", application(owners[1]))["id"],
        "engagement_id": engagement_id,
        "session_id": sessions[0]["id"],
        "plan_id": _cancelled_plan(office),
        "number": "1",
        "hold_id": new(office, f"/v1/engagements/{held_id}/hold", times)["id"],
        "pin_id": new(office, "/v1/pins", pin)["id"],
        "notice_id": office.get("/v1/notices").json()["items"][0]["id"],
        "invitation_id": office.get("/v1/invitations").json()["items"][0]["id"],
        "calendar_id": new(office, "/v1/busy-calendars", busy)["id"],
        "feed_id": new(office, "/v1/feeds", feed)["id"],
        "key_id": new(office, "/v1/keys", {"role": "staff"})["id"],
    }


def _cancelled_plan(office: Caller) -> str:
    """One that is over: who follows it comes to an end."""
    plan_id: str = office.post("/v1/plans", {"programme_id": "tokyo-2025"}).json()["id"]
    office.post(f"/v1/plans/{plan_id}/cancellation")
    return plan_id


@pytest.mark.long
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_service_keeps_to_its_document_at_any_address(
    contract: Any, office: Caller, mode: GenerationMode
) -> None:
    operations = [each.ok() for each in contract.get_all_operations()]
    broken = [fault for each in operations for fault in _faults(each, office, mode, {})]
    assert not broken, "\n\n".join(broken)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_service_keeps_to_its_document_at_addresses_that_exist(
    contract: Any, office: Caller, on_record: Mapping[str, str], mode: GenerationMode
) -> None:
    broken: list[str] = []
    for result in contract.get_all_operations():
        operation = result.ok()
        names = {each.name for each in operation.path_parameters} - {"token"}
        assert names <= set(on_record), f"{operation.label}: put an example on record"
        if names:
            known = {name: on_record[name] for name in names}
            broken += _faults(operation, office, mode, known)
    assert not broken, "\n\n".join(broken)


def _faults(
    operation: Any, caller: Caller, mode: GenerationMode, known: Mapping[str, str]
) -> Iterator[str]:
    """What is wrong with the answers of one operation; `known` parameters name what exists."""
    given_parameters = {"path_parameters": dict(known)} if known else {}

    @settings(
        max_examples=EXAMPLES_OF_EACH_OPERATION,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, **given_parameters))
    def keeps(case: Case[Any]) -> None:
        if known and mode is GenerationMode.POSITIVE and "If-Match" in case.headers:
            case.headers["If-Match"] = "*"
        case.call_and_validate(base_url=caller.url, headers=dict(caller.headers))

    try:
        with suppress(Unsatisfiable):  # nothing is wrong for a token that may be any text
            keeps()
    except Exception as error:
        yield f"{operation.label}: {error}"
