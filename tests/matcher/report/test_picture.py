"""The picture of a plan: what it says to the eye and to a screen reader."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from matcher.report.picture import WIDTH, draw_plan
from tests.matcher.report.figures import figures

SVG = "{http://www.w3.org/2000/svg}"


def drawn() -> ET.Element:
    """The picture, read back."""
    return ET.fromstring(draw_plan(figures()))  # noqa: S314  our own bytes


def words(picture: ET.Element) -> list[str]:
    """All that is written in it."""
    return [node.text or "" for node in picture.iter(f"{SVG}text")]


def test_it_names_experts_months_and_figures_in_both_languages() -> None:
    written = words(drawn())
    for expected in (
        "専門家 first",
        "Expert first",
        "2025年7月",
        "Jul 2025",
        "9月",
        "Sep",
        "2 / 2",
    ):
        assert expected in written


def test_it_says_to_a_screen_reader_how_good_the_plan_is() -> None:
    picture = drawn()
    best = figures().plan
    assert picture.attrib["role"] == "img"
    description = picture.findtext(f"{SVG}desc", "")
    assert "2 experts serve 2 of 2 engagements in 2 sessions" in description
    assert f"Cost {best.cost.total:,}, proven lower bound {best.bound:,}" in description


def test_each_engagement_tells_its_name_and_times_under_the_pointer() -> None:
    titles = [node.text for node in drawn().iter(f"{SVG}title")]
    assert "東京パン組合\nTokyo Bakers\n1: 2025-09-02 10:00" in titles


def test_it_shades_every_closed_day_of_the_period() -> None:
    closed = [node for node in drawn().iter(f"{SVG}rect") if node.get("class") == "closed"]
    in_legend = 1
    assert len(closed) - in_legend == len(figures().closed_days)


def test_nothing_is_drawn_outside_of_it() -> None:
    picture = drawn()
    height = float(picture.attrib["height"])
    for node in picture.iter():
        assert 0 <= float(node.get("x", node.get("cx", "0"))) <= WIDTH
        assert 0 <= float(node.get("y", node.get("cy", "0"))) <= height


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert draw_plan(figures()) == draw_plan(figures())


def test_a_plan_without_any_session_can_be_drawn() -> None:
    idle = tuple(replace(each, visits=()) for each in figures().experts)
    picture = ET.fromstring(draw_plan(replace(figures(), experts=idle)))  # noqa: S314
    assert picture.findall(f".//{SVG}g") == []
