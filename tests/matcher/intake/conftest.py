"""An organization that may apply, and what it asks for."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session

from matcher.clock import TOKYO
from matcher.intake.drafts import ApplicationDraft
from matcher.models import LegalKind, Organization
from matcher.programme import ProgrammeRules, read_rules


@pytest.fixture
def rules() -> ProgrammeRules:
    return read_rules("tokyo-2025")


@pytest.fixture
def applied_at() -> dt.datetime:
    """Tuesday, 1 July 2025, 10:00 in Tokyo."""
    return dt.datetime(2025, 7, 1, 10, tzinfo=TOKYO)


@pytest.fixture
def organization() -> Organization:
    return Organization(
        id="hiiragi",
        name_ja="東都ひいらぎ飲食業協同組合",
        name_en="Toto Hiiragi Food Service Cooperative",
        legal_kind=LegalKind.COOPERATIVE,
        corporate_number="3999905000001",
        municipality_code="13101",
        address_ja="東京都千代田区神田柊町2-4-1",
        address_en="2-4-1 Kanda-Hiiragicho, Chiyoda-ku, Tokyo",
        industry="food_service",
        contact_name="佐久間 恵一",
        contact_email="jimukyoku@hiiragi.example.jp",
        contact_phone="03-0000-0100",
    )


@pytest.fixture
def draft() -> ApplicationDraft:
    return ApplicationDraft.model_validate(
        {
            "programme_id": "tokyo-2025",
            "organization_id": "hiiragi",
            "channel": "form",
            "delivery": "on_site",
            "needs": {"labor": 3, "counseling": 1},
            "session_minutes": [120, 90, 90, 90, 120],
            "weekly_hours": [{"weekday": "tue", "opens": "13:00", "closes": "17:00"}],
            "preferred_hours": [{"weekday": "tue", "opens": "14:00", "closes": "16:00"}],
        }
    )


@pytest.fixture
def office(db: Session, programme: ProgrammeRules, organization: Organization) -> Session:
    """A database that holds the programme and the organization."""
    db.add(organization)
    db.flush()
    return db
