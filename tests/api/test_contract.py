"""The service against its own OpenAPI document, asked by a machine that tries everything."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig

from tests.api.service import Caller, RunningService

EXAMPLES_OF_EACH_OPERATION = 4

CONFIGURATION = {
    "checks": {
        # What a schema cannot say is refused too: a state, an order of times, a stale ETag.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "401", "403", "404", "409", "412", "422", "428"]
        },
    }
}


@pytest.fixture(scope="module")
def contract(service: RunningService) -> Any:
    return schemathesis.openapi.from_dict(
        service.nobody.get("/openapi.json").json(),
        config=SchemathesisConfig.from_dict(CONFIGURATION),
    )


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_service_keeps_to_its_document(
    contract: Any, admin: Caller, mode: GenerationMode
) -> None:
    broken: list[str] = []
    for result in contract.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES_OF_EACH_OPERATION,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def keeps(case: Case[Any]) -> None:
            case.call_and_validate(base_url=admin.url, headers=dict(admin.headers))

        try:
            with suppress(Unsatisfiable):  # nothing is wrong for a token that may be any text
                keeps()
        except Exception as error:
            broken.append(f"{operation.label}: {error}")
    assert not broken, "\n\n".join(broken)
