"""API keys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy.orm import Mapped, mapped_column

from matcher.models.base import Base
from matcher.models.identifiers import new_identifier


class Role(StrEnum):
    """What the holder of a key is to the programme."""

    ADMIN = "admin"
    PLANNER = "planner"
    STAFF = "staff"
    EXPERT = "expert"
    ORGANIZATION = "organization"

    @property
    def ja(self) -> str:
        """What people read in Japanese."""
        return _ROLES_JA[self]


_ROLES_JA: Mapping[Role, str] = MappingProxyType(
    {
        Role.ADMIN: "管理者",
        Role.PLANNER: "計画担当",
        Role.STAFF: "事務局職員",
        Role.EXPERT: "専門家",
        Role.ORGANIZATION: "団体",
    }
)


class ApiKey(Base):
    """A key to the API; its secret is kept as a keyed digest only."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_identifier("K"))
    role: Mapped[Role]
    subject_id: Mapped[str | None]
    """The expert or organization the holder is; None for the office's own roles."""
    label: Mapped[str]
    secret_digest: Mapped[str]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]
