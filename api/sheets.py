"""Sheets of many records over HTTP: the CSV and Excel files that the command line takes too."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from flask import Response
from flask_openapi3.models import RawModel
from pydantic import AliasPath, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from api.context import database
from api.schema import Query, View, absent
from matcher.errors import NotFound, RowsRefused
from matcher.fields import Identifier
from matcher.intake.imports import Imported
from matcher.intake.sheets import Column, template_rows
from matcher.models import Programme
from matcher.programme import ProgrammeRules
from matcher.tables.csv_files import Encoding
from matcher.tables.kinds import MEDIA_TYPES, FileKind
from matcher.tables.reading import parse_table
from matcher.tables.table import Table
from matcher.tables.writing import encode_table

_KINDS: Final[Mapping[str, FileKind]] = MappingProxyType(
    {media_type: kind for kind, media_type in MEDIA_TYPES.items()}
)


class SheetBody(RawModel):
    """The file itself."""

    mimetypes = [*_KINDS]  # noqa: RUF012  flask-openapi3 reads a list


class ImportQuery(Query):
    """How a sheet is taken in."""

    programme: Identifier = Field(description="the year whose rules count")
    partial: bool = Field(
        default=False, description="take in the rows that are right; otherwise all rows or none"
    )
    encoding: Encoding | SkipJsonSchema[None] = absent(
        "that of a CSV file; by default it is found out"
    )


class TemplateQuery(Query):
    """Which template."""

    programme: Identifier = Field(description="the year whose rules count")
    format: FileKind = FileKind.CSV


class FaultView(View):
    """What is wrong with a row, where on the sheet, and what would help."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    row: int = Field(description="as the sheet numbers it: the header is row 1")
    column: str | None = Field(description="as the header names it; null: the row as a whole")
    text_ja: str = Field(validation_alias=AliasPath("text", "ja"))
    text_en: str = Field(validation_alias=AliasPath("text", "en"))


class ImportView(View):
    """What was taken in, and with `partial` what was refused."""

    read_as: str = Field(description="what the file was taken for, such as `CSV, UTF-8`")
    ids: tuple[str, ...] = Field(description="of the records that were made, in the sheet's order")
    faults: tuple[FaultView, ...]


TEMPLATE_RESPONSES: Final[dict[Any, Any]] = {
    HTTPStatus.OK: {
        "description": "The file: a header in both languages, and an example to replace",
        "content": {each: {"schema": {"type": "string"}} for each in _KINDS},
    },
    HTTPStatus.NOT_FOUND: None,
}
"""What a template is answered with, for the description."""


def read_sheet(raw: RawModel, query: ImportQuery) -> Table:
    """Read the sheet that a request carries.

    Raises:
        Invalid: it is no such file.
    """
    return parse_table(raw.get_data(), _KINDS[raw.mimetype], encoding=query.encoding)


def taken_in(table: Table, imported: Imported, query: ImportQuery) -> ImportView:
    """Tell what became of a sheet.

    Raises:
        RowsRefused: rows are refused, and so none was taken in.
    """
    faults = tuple(map(FaultView.of, imported.faults))
    if faults and not query.partial:
        rows = len({each.row for each in faults})
        raise RowsRefused(rows, table.read_as, [each.model_dump() for each in faults])
    return ImportView(read_as=table.read_as, ids=imported.ids, faults=faults)


def sheet_to_fill_in(name: str, columns: tuple[Column, ...], kind: FileKind) -> Response:
    """Answer with an empty sheet to fill in."""
    response = Response(encode_table(kind, template_rows(columns)), mimetype=MEDIA_TYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def rules_of(query: ImportQuery | TemplateQuery) -> ProgrammeRules:
    """The rules that count.

    Raises:
        NotFound: there is no such programme.
    """
    programme = database().get(Programme, query.programme)
    if programme is None:
        raise NotFound("programme", query.programme)
    return programme.rules
