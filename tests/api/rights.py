"""docs/rights.md, rendered from the permissions and the routes: what each role may do.

`python -m tests.api.rights` writes it anew.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from api import create_app
from api.identity import OPEN_OPERATIONS
from api.service import Service
from matcher.access import PERMISSIONS, Principal, Reach, owned_by
from matcher.models import (
    Application,
    Base,
    BusyCalendar,
    Engagement,
    Expert,
    Feed,
    Notice,
    Organization,
    Role,
    Session,
)
from matcher.programme import Words
from matcher.settings import Settings

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "rights.md"

ROLES_JA: Final[Mapping[Role, str]] = {
    Role.ADMIN: "管理者",
    Role.PLANNER: "計画担当",
    Role.STAFF: "職員",
    Role.EXPERT: "専門家",
    Role.ORGANIZATION: "団体",
}

REACHES: Final[Mapping[Reach, str]] = {Reach.ALL: "全 all", Reach.OWN: "自 own", Reach.NONE: "–"}

OWN: Final[Mapping[Role, Mapping[type[Base], Words]]] = {
    Role.EXPERT: {
        Expert: Words(ja="本人の記録", en="their own record"),
        Session: Words(ja="本人が担当する派遣", en="the sessions that are with them"),
        Engagement: Words(
            ja="その派遣(中止分を除く)の案件", en="the engagements of those not cancelled"
        ),
        Feed: Words(ja="本人のカレンダー購読", en="their own subscriptions"),
        BusyCalendar: Words(ja="本人が取り込んだ予定", en="the busy calendars they have given"),
    },
    Role.ORGANIZATION: {
        Organization: Words(ja="自団体の記録", en="its own record"),
        Application: Words(ja="自団体の申込", en="its applications"),
        Engagement: Words(ja="自団体の派遣案件", en="its engagements"),
        Session: Words(ja="その派遣", en="their sessions"),
        Notice: Words(ja="自団体宛ての発出済みの通知書", en="its notices, once released"),
        Feed: Words(ja="自団体のカレンダー購読", en="its own subscriptions"),
        BusyCalendar: Words(ja="自団体が取り込んだ予定", en="the busy calendars it has given"),
    },
}
"""What is somebody's own, in words."""

INTRODUCTION: Final = """\
# 権限 / Rights

役割ごとに、どの操作ができるか。表は権限の定義とAPIの経路から作られ、テストが一致を確かめます。

What each role may do. The tables are rendered from the permissions (`src/matcher/access.py`) and
the routes of the API, and a test compares them. `.venv/bin/python -m tests.api.rights` writes this
file anew.

- 全 all: every record / すべての記録
- 自 own: only one's own; another's is as if it were not there (404) /
  自分の記録のみ。ほかは存在しないものとして扱います(404)
- –: refused (403) / 不可(403)

An operation that the permissions do not name is refused to everybody. A key has one role; `matcher
keys` and `/v1/keys` make them.
"""


def render(app: Service) -> str:
    """The whole document."""
    return "\n".join([INTRODUCTION, *_own(), *_nouns(app.api_doc), *_open(app)])


def owned_kinds(role: Role) -> frozenset[type[Base]]:
    """The kinds of records of which a role has any of its own."""
    somebody = Principal(role, "X1", "K1")
    kinds = (mapper.class_ for mapper in Base.registry.mappers)
    return frozenset(each for each in kinds if str(owned_by(each, somebody)) != "false")


@contextmanager
def application() -> Iterator[Service]:
    """The application, for its routes alone: it opens nothing."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/matcher.sqlite"
        app = create_app(Settings(database_url=url, data_directory=Path(folder)))
        yield app
        app.extensions["matcher"].close()


def _own() -> Iterator[str]:
    yield "## 自分の記録 / What is one's own\n"
    for role, kinds in OWN.items():
        yield f"- {ROLES_JA[role]}: {'、'.join(each.ja for each in kinds.values())}"
        yield f"- {role}: {'; '.join(each.en for each in kinds.values())}"
    yield ""


def _nouns(document: Mapping[str, Any]) -> Iterator[str]:
    """A section for each noun, in the order of the API's own document."""
    for tag in document["tags"]:
        rows = [
            _row(operation, method, path)
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if tag["name"] in operation["tags"] and operation["operationId"] in PERMISSIONS
        ]
        if rows:
            yield f"## {tag['name']}\n\n{tag['description']}\n"
            roles = (f"{ROLES_JA[role]} {role}" for role in Role)
            yield from _table(("操作 operation", "経路 route", "内容 what it does", *roles), rows)


def _row(operation: Mapping[str, Any], method: str, path: str) -> Sequence[str]:
    reaches = PERMISSIONS[operation["operationId"]]
    what = f"`{operation['operationId']}`", f"`{method.upper()} {path}`", operation["summary"]
    return *what, *(REACHES[reaches[role]] for role in Role)


def _open(app: Service) -> Iterator[str]:
    yield "## APIキーなし / Without a key\n"
    yield "A calendar's address is its own secret; the rest holds nobody's data.\n"
    rules = sorted(app.url_map.iter_rules(), key=lambda each: each.rule)
    yield from (f"- `{each.rule}`" for each in rules if each.endpoint in OPEN_OPERATIONS)
    yield ""


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for cells in (heading, ["---"] * len(heading), *rows):
        yield f"| {' | '.join(cells)} |"
    yield ""


if __name__ == "__main__":
    with application() as app:
        DOCUMENT.write_text(render(app), encoding="utf-8")
