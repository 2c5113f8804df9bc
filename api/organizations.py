"""/v1/organizations: the industry organizations."""

from __future__ import annotations

from pydantic import ConfigDict

from api.context import database, now
from api.openapi import noun
from api.records import one, page_of, visible
from api.revisions import require_match
from api.schema import Body, Created, Page, PageQuery, PathParameters, View, created
from matcher.fields import Identifier
from matcher.models import LegalKind, Organization
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
            }
        }
    )


class OrganizationChangesBody(Body, OrganizationChanges):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"contact_name": "文具 花子"}})


class OrganizationView(View):
    """An industry organization."""

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
    contact_phone: str


class OrganizationPage(Page):
    """Organizations by id."""

    items: tuple[OrganizationView, ...]


@blueprint.get("", responses={200: OrganizationPage})
def list(query: PageQuery) -> OrganizationPage:
    """List the organizations."""
    return OrganizationPage.of(page_of(visible(Organization), [Organization.id], query))


@blueprint.get("/<organization_id>", responses={200: OrganizationView})
def get(path: OrganizationPath) -> OrganizationView:
    """Get one organization."""
    return OrganizationView.of(one(Organization, path.organization_id))


@blueprint.post("", responses={201: OrganizationView})
def create(body: OrganizationBody) -> Created[OrganizationView]:
    """Register an organization."""
    organization = register_organization(database(), body, now())
    return created(OrganizationView.of(organization), f"/v1/organizations/{organization.id}")


@blueprint.patch("/<organization_id>", responses={200: OrganizationView})
def edit(path: OrganizationPath, body: OrganizationChangesBody) -> OrganizationView:
    """Edit an organization.

    If-Match holds the ETag with which it was read.
    """
    organization = one(Organization, path.organization_id, for_change=True)
    require_match(OrganizationView.of(organization))
    return OrganizationView.of(edit_organization(database(), organization, body, now()))
