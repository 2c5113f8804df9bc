"""`matcher demo` as a person runs it: a real process, its output, its files."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from icalendar import Calendar
from sqlalchemy import select

from matcher.clock import wall_time
from matcher.database import create_database_engine, session_factory
from matcher.models import Session
from solver import Plan, ProblemFile, judge
from tests.clients.programs import read_with_calcurse, read_with_ical_js

SECONDS = "4"
"""For the solver: enough for a plan of the sample, if not for the best one."""


def run_demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the demo in a folder of its own, as `make demo` does."""
    environment = {name: value for name, value in os.environ.items() if "MATCHER" not in name}
    return subprocess.run(
        [Path(sys.executable).with_name("matcher"), "demo", "--time-limit", SECONDS, *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def wall(moment: dt.date) -> dt.datetime:
    """A time of an event, by Tokyo's clocks."""
    assert isinstance(moment, dt.datetime)
    assert str(moment.tzinfo) == "Asia/Tokyo"
    return moment.replace(tzinfo=None)


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run of the demo, made once for all processes of a test run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "demo-played-once"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        output = folder / "output.txt"
        if not output.exists():
            done = run_demo(folder)
            assert done.returncode == 0, done.stderr
            output.write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.fixture
def output(played: Path) -> str:
    """What the demo printed."""
    return (played / "output.txt").read_text(encoding="utf-8")


def test_it_tells_what_came_of_the_applications_in_both_languages(output: str) -> None:
    assert "申込60件: 実施決定55件、見送り3件、審査中2件。" in output
    assert "60 applications: 55 accepted, 3 declined, 2 not yet decided." in output
    assert "It has no unpaid Tokyo metropolitan taxes." in output


def test_it_tells_how_good_the_plan_is(output: str, played: Path) -> None:
    plan = Plan.from_json((played / "demo/plan.json").read_bytes())
    assert re.search(rf"派遣する団体  served +{len(plan.assignments)} / 55", output)
    assert re.search(rf"費用の合計  cost +{plan.cost.total:,}\b", output)
    assert re.search(rf"証明済みの下界  proven bound +{plan.bound:,}\b", output)
    assert plan.gap < 0.05


def test_it_tells_every_month_and_every_expert(output: str) -> None:
    for month in (*range(7, 13), *range(1, 4)):
        year = 2025 if month >= 7 else 2026
        assert f"{year}年{month}月" in output
    assert len(re.findall(r"[█▓░]{4,} +\d+ +\d+ +\d+ *$", output, re.MULTILINE)) == 24


def test_it_tells_what_was_hardest_and_why(output: str) -> None:
    section = output.split("最も調整が難しかった団体")[1]
    assert re.search(r"担当できる専門家は24名中\d+名です。", section)
    assert re.search(r"\d+ of 24 experts may serve it", section)
    assert re.search(r"Alone it would cost [\d,]+; in the plan it costs [\d,]+", section)


def test_it_tells_what_to_type_next(output: str) -> None:
    section = output.split("What to type next")[1]
    assert ". demo/environment" in section
    assert "keys create --role staff" in section
    assert len(re.findall(r"curl -X POST .*/v1/engagements/2025-\d{3}/assignment", section)) == 2
    assert re.search(r"http://127\.0\.0\.1:8000/calendars/[\w-]{43}\.ics", section)


def test_its_plan_keeps_every_rule(played: Path) -> None:
    file = ProblemFile.from_path(played / "demo/problem.json.gz")
    plan = (played / "demo/plan.json").read_bytes()
    assert judge(file.json, plan, sha256=file.sha256).broken == ()


def test_its_picture_shows_every_session(played: Path) -> None:
    plan = Plan.from_json((played / "demo/plan.json").read_bytes())
    picture = ET.parse(played / "demo/plan.svg").getroot()  # noqa: S314  our own file
    svg = "{http://www.w3.org/2000/svg}"
    in_legend = 4
    marks = picture.findall(f".//{svg}circle")
    assert len(marks) - in_legend == sum(len(each.starts) for each in plan.assignments)
    assert picture.findtext(f"{svg}title", "").startswith("2025年度")
    assert "proven lower bound" in picture.findtext(f"{svg}desc", "")


def test_every_calendar_shows_the_sessions_of_its_owner_at_their_hours(played: Path) -> None:
    engine = create_database_engine(f"sqlite:///{played / 'demo/matcher.sqlite'}")
    with session_factory(engine, read_only=True)() as db:
        sessions = db.scalars(select(Session)).all()
        organizations = {each.id: each.engagement.organization_id for each in sessions}
    engine.dispose()
    calendars = sorted((played / "demo/calendars").glob("[!o]*.ics"))
    calendars += sorted((played / "demo/calendars").glob("organization-*.ics"))
    parties = {each.expert_id for each in sessions} | set(organizations.values())
    assert {each.stem for each in calendars} == parties
    shown = 0
    for path in calendars:
        own = [
            (wall_time(each.start_at), wall_time(each.end_at))
            for each in sessions
            if path.stem in (each.expert_id, organizations[each.id])
        ]
        calendar = Calendar.from_ical(path.read_bytes())
        assert isinstance(calendar, Calendar)
        events = calendar.events
        assert sorted((wall(event.start), wall(event.end)) for event in events) == sorted(own)
        shown += len(events)
    assert shown == 2 * len(sessions)


def test_other_calendar_programs_show_an_experts_sessions_at_their_hours(
    played: Path, tmp_path: Path
) -> None:
    (expert, *_) = Plan.from_json((played / "demo/plan.json").read_bytes()).assignments
    calendar = (played / f"demo/calendars/{expert.expert}.ics").read_bytes()
    engine = create_database_engine(f"sqlite:///{played / 'demo/matcher.sqlite'}")
    with session_factory(engine, read_only=True)() as db:
        own = db.scalars(select(Session).where(Session.expert_id == expert.expert)).all()
    engine.dispose()
    expected = sorted((each.start_at, each.end_at) for each in own)
    for seen in (read_with_ical_js(calendar), read_with_calcurse(calendar, tmp_path)):
        assert sorted((each.start_at, each.end_at) for each in seen) == expected


@pytest.mark.long
def test_it_can_be_run_again_and_leaves_alone_what_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "demo/calendars").mkdir(parents=True)
    (tmp_path / "demo/calendars/mine.ics").write_text("mine")
    first = run_demo(tmp_path, "--language", "ja")
    assert first.returncode == 0, first.stderr
    assert "applications" not in first.stdout
    made = sorted(each.name for each in (tmp_path / "demo").iterdir())
    second = run_demo(tmp_path, "--language", "en")
    assert second.returncode == 0, second.stderr
    assert not re.search(r"申込|派遣", second.stdout)
    assert sorted(each.name for each in (tmp_path / "demo").iterdir()) == made
    assert (tmp_path / "demo/calendars/mine.ics").read_text() == "mine"
