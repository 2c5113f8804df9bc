"""/v1/organizations: the industry organizations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy import or_

from api.context import database, now
from api.identity import reach
from api.openapi import noun
from api.records import one, page_of, visible
from api.revisions import require_match
from api.schema import Body, Created, Page, PageQuery, PathParameters, View, absent, created
from matcher.access import Reach
from matcher.fields import CorporateNumber, Identifier, Line, MunicipalityCode
from matcher.industries import Industry
from matcher.models import CalendarBy, LegalKind, Organization
from matcher.recognition import warnings_of
from matcher.registry import (
    OrganizationChanges,
    OrganizationDraft,
    edit_organization,
    register_organization,
)

blueprint = noun("organizations", "The industry organizations (団体)")


class OrganizationPath(PathParameters):
    """Which organization."""

    organization_id: Identifier


class OrganizationBody(Body, OrganizationDraft):
    """An organization to register."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name_ja": "東都文具小売協同組合",
                "name_en": "Toto Stationery Retailers' Cooperative",
                "legal_kind": "cooperative",
                "corporate_number": None,
                "municipality_code": "13101",
                "address_ja": "東京都千代田区外神田一丁目1番",
                "address_en": "1-1 Sotokanda, Chiyoda-ku, Tokyo",
                "industry": "retail",
                "contact_name": "文具 太郎",
                "contact_email": "office@bungu.example.jp",
                "contact_phone": "03-0000-0001",
                "has_manual": False,
            }
        }
    )


class OrganizationChangesBody(Body, OrganizationChanges):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"contact_name": "文具 花子"}})


class OrganizationQuery(PageQuery):
    """Which organizations."""

    corporate_number: CorporateNumber | SkipJsonSchema[None] = absent("the one of this number")
    municipality: MunicipalityCode | SkipJsonSchema[None] = absent("only those of one municipality")
    industry: Industry | SkipJsonSchema[None] = absent("only those of one industry")
    name: Line | SkipJsonSchema[None] = absent("only those with this in one of their names")


class WarningView(View):
    """What looks wrong about a record, and may be right nevertheless."""

    code: str
    text_ja: str
    text_en: str


class OrganizationView(View):
    """An industry organization."""

    derived: ClassVar[frozenset[str]] = frozenset({"warnings"})

    id: str
    name_ja: str
    name_en: str
    legal_kind: LegalKind
    corporate_number: str | None
    municipality_code: str
    address_ja: str
    address_en: str
    industry: str
    contact_name: str
    contact_email: str
    calendar_by: CalendarBy
    contact_phone: str
    has_manual: bool
    warnings: tuple[WarningView, ...] = Field(
        description="what looks wrong: a check digit, a place outside Tokyo, another of that name"
    )


class OrganizationPage(Page):
    """Organizations by id."""

    items: tuple[OrganizationView, ...]


@blueprint.get("", responses={200: OrganizationPage})
def list(query: OrganizationQuery) -> OrganizationPage:
    """List the organizations."""
    wanted = visible(Organization)
    if query.corporate_number:
        wanted = wanted.where(Organization.corporate_number == query.corporate_number)
    if query.municipality:
        wanted = wanted.where(Organization.municipality_code == query.municipality)
    if query.industry:
        wanted = wanted.where(Organization.industry == query.industry)
    if query.name:
        names = (Organization.name_ja, Organization.name_en)
        wanted = wanted.where(or_(*(each.icontains(query.name, autoescape=True) for each in names)))
    page = page_of(wanted, [Organization.id], query)
    return OrganizationPage(items=_shown(page.items), next=page.next)


@blueprint.get("/<organization_id>", responses={200: OrganizationView})
def get(path: OrganizationPath) -> OrganizationView:
    """Get one organization."""
    return _one_shown(one(Organization, path.organization_id))


@blueprint.post("", responses={201: OrganizationView})
def create(body: OrganizationBody) -> Created[OrganizationView]:
    """Register an organization.

    One whose corporate number is on record is refused; one with the name or e-mail address of one
    on record too, unless `is_another` says that it is another.
    """
    organization = register_organization(database(), body, now())
    return created(_one_shown(organization), f"/v1/organizations/{organization.id}")


@blueprint.patch("/<organization_id>", responses={200: OrganizationView})
def edit(path: OrganizationPath, body: OrganizationChangesBody) -> OrganizationView:
    """Edit an organization.

    If-Match holds the ETag with which it was read.
    """
    organization = one(Organization, path.organization_id, for_change=True)
    require_match(_one_shown(organization))
    return _one_shown(edit_organization(database(), organization, body, now()))


def _one_shown(organization: Organization) -> OrganizationView:
    return _shown([organization])[0]


def _shown(organizations: Sequence[Organization]) -> tuple[OrganizationView, ...]:
    """Show organizations with what looks wrong; to an organization, nothing of the others."""
    warnings = warnings_of(database(), organizations, among_others=reach() is Reach.ALL)
    fields = OrganizationView.model_fields.keys() - {"warnings"}
    return tuple(
        OrganizationView.of(
            {name: getattr(each, name) for name in fields} | {"warnings": warnings[each.id]}
        )
        for each in organizations
    )
