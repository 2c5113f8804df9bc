"""What a plan changes, in tables, as a picture and for programs: the same everywhere."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from matcher.database import create_database_engine, session_factory
from matcher.planning.comparing.comparison import Comparison, compare_plan
from matcher.report.changes import KINDS, SERVICES, changes_report
from matcher.report.changes_document import ChangesDocument, changes_document
from matcher.report.changes_picture import draw_changes
from matcher.report.language import Language, Voice
from matcher.report.picture import WIDTH
from tests.matcher.planning.published import LATER, eventful_plan, publish_first

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def found(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comparison]:
    """A plan that moves, hands over, drops and adds."""
    path = shutil.copy(sqlite_template, tmp_path_factory.mktemp("changes") / "matcher.sqlite")
    engine = create_database_engine(f"sqlite:///{path}")
    with session_factory(engine)() as db:
        publish_first(db)
        yield compare_plan(db, eventful_plan(db).id, LATER)
    engine.dispose()


def printed(found: Comparison, language: Language) -> str:
    page = io.StringIO()
    Console(file=page, width=160).print(changes_report(found, Voice(language)))
    return page.getvalue()


def test_the_tables_tell_what_changes_whom_it_disturbs_what_it_costs_and_why(
    found: Comparison,
) -> None:
    text = printed(found, "en")
    for expected in (
        f"Changes of plan {found.plan_id} against what is published",
        "newly served                      1",
        "3 (2 organizations, 1 experts)",
        "O1 (no subscription), O2 (no subscription), E1 (no subscription)",
        "Wed 22 Oct 10:00",
        "Wed 29 Oct 10:00",
        "because Ichiro (E1) is away 21–23 Oct",
        "without what is added the plan would cost",
        "What is published breaks rules of the plan's problem",
        "A1: session 2 is when the expert is busy",
        "proven bound 0",
    ):
        assert expected in text, text
    assert "renumbered" not in text


def test_the_tables_tell_the_same_in_japanese(found: Comparison) -> None:
    text = printed(found, "ja")
    for expected in (
        f"派遣計画{found.plan_id}による変更(確定済みの派遣との比較)",
        "3(団体2、専門家1)",
        "O1(購読なし)、O2(購読なし)、E1(購読なし)",
        "10月22日(水)10:00",
        "一郎さん(E1)が10月21日から23日まで不在のためです。",
        "A1: 専門家が不在である",
    ):
        assert expected in text, text
    assert " because " not in text


def test_each_part_of_the_cost_is_told_before_and_after(found: Comparison) -> None:
    assert found.cost is not None
    before, after = found.cost.before.total, found.cost.after.total
    line = next(each for each in printed(found, "en").splitlines() if each.startswith("total"))
    assert line.split() == ["total", f"{before:,}", f"{after:,}", f"{after - before:+,}"]


def test_moved_ground_is_told_first(found: Comparison) -> None:
    moved = replace(found, ground_moved=("expert:E1",))
    assert "The ground of the plan has moved: expert:E1." in printed(moved, "en")
    assert "専門家 E1" in printed(moved, "ja")


def test_where_nothing_changes_it_is_said(found: Comparison) -> None:
    same = replace(found, engagements=())
    assert "Nothing changes." in printed(same, "en")
    assert "変更はありません。" in printed(same, "ja")
    assert "Nothing changes." in " ".join(words(ET.fromstring(draw_changes(same))))  # noqa: S314  our own bytes


@pytest.mark.parametrize(
    ("release", "against", "title"),
    [
        (1, None, "Changes of release 1, the first"),
        (3, 1, "Changes of release 3 against release 1"),
    ],
)
def test_releases_are_named(
    found: Comparison, release: int, against: int | None, title: str
) -> None:
    between = replace(found, release=release, against=against, cost=None)
    text = printed(between, "en")
    assert title in text
    assert "Cost by part" not in text


@pytest.fixture(scope="module")
def picture(found: Comparison) -> ET.Element:
    """The picture, read back."""
    return ET.fromstring(draw_changes(found))  # noqa: S314  our own bytes


def words(picture: ET.Element) -> list[str]:
    return [node.text or "" for node in picture.iter(f"{SVG}text")]


def test_the_picture_names_experts_engagements_and_months_in_both_languages(
    picture: ET.Element,
) -> None:
    written = words(picture)
    for expected in ("一郎", "Ichiro (E1)", "二郎", "Jiro (E2)", "A1", "A3", "2025年10月 Oct 2025"):
        assert expected in written


def test_the_picture_tells_each_change_under_the_pointer(
    picture: ET.Element, found: Comparison
) -> None:
    titles = [node.text for node in picture.iter(f"{SVG}title")]
    for each in found.sessions:
        assert f"{each.sentence.ja}\n{each.sentence.en}" in titles


def test_the_picture_has_an_outline_for_what_was_and_a_mark_for_what_will_be(
    picture: ET.Element,
) -> None:
    groups = list(picture.iter(f"{SVG}g"))
    drawn = sorted(mark.get("class", "") for own in groups for mark in own.iter(f"{SVG}circle"))
    assert drawn == ["added", "added", "before", "before", "dropped", "handed_over", "moved"]
    arrows = [node for node in picture.iter(f"{SVG}polyline") if node.get("class") == "tip"]
    assert len(arrows) == 2


def test_nothing_is_drawn_outside_of_the_picture(picture: ET.Element) -> None:
    height = float(picture.attrib["height"])
    for node in picture.iter():
        for name, limit in (("x", WIDTH), ("cx", WIDTH), ("y", height), ("cy", height)):
            assert 0 <= float(node.get(name, 0)) <= limit


def test_the_picture_is_the_same_for_the_same_changes(found: Comparison) -> None:
    assert draw_changes(found) == draw_changes(found)


def test_the_document_says_what_the_tables_say(found: Comparison) -> None:
    document = changes_document(found)
    assert ChangesDocument.model_validate_json(document.model_dump_json()) == document
    counts = document.counts
    assert (counts.newly_served, counts.moved, counts.handed_over) == (1, 1, 1)
    assert (counts.added, counts.dropped, counts.no_longer_served) == (2, 1, 0)
    assert (document.disturbed.count, document.disturbed.organizations) == (3, ("O1", "O2"))
    moved = document.engagements[0].sessions[0]
    assert moved.before is not None
    assert '"start_at":"2025-10-22T10:00:00+09:00"' in moved.before.model_dump_json()
    assert [each.code for each in moved.reasons] == ["expert_busy"]
    assert document.cost is not None
    assert not document.cost.before_stands
    assert {each.text_ja for each in document.cost.before_broken} == {
        "A1: 専門家が不在である",
        "A2: 専門家が不在である",
    }


def test_every_kind_of_change_has_its_words() -> None:
    assert len(KINDS) == 7
    assert len(SERVICES) == 2
