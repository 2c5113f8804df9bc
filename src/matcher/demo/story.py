"""What the demo says while it goes on, section by section."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from matcher.demo.rehearsal import CALENDARS, PLAYED_DAY
from matcher.models import Engagement
from matcher.programme import Words
from matcher.report.figures import IntakeFigures, PlanFigures
from matcher.report.hardest import Placement
from matcher.report.language import Voice
from matcher.report.tables import (
    cost_table,
    hardest_text,
    intake_table,
    load_table,
    month_table,
    schedule_table,
    served_table,
)


class Story:
    """Prints numbered sections, in the reader's language."""

    def __init__(self, console: Console, voice: Voice) -> None:
        self.console = console
        self.voice = voice
        self._sections = 0

    def introduce(self) -> None:
        """Say what is played, and on which day."""
        day = PLAYED_DAY
        self._say(
            f"架空の60団体と24名の専門家で、1年分の派遣を{day.year}年{day.month}月{day.day}日の"
            "時点でまとめて計画します。",
            "With 60 invented organizations and 24 experts, a whole year is planned at once, as of "
            f"{day.day} {day:%B %Y}.",
        )

    def tell_intake(self, figures: IntakeFigures) -> None:
        """Say who was accepted and who was not."""
        self._open("申込から実施決定まで", "From applications to decisions")
        self._show(intake_table(figures, self.voice))

    def open_planning(self, seconds: float, workers: int) -> None:
        """Say that the solver is at work now."""
        self._open("派遣計画", "The plan")
        self._say(
            f"専門家と日程の組み合わせを計算します(最長{seconds:.0f}秒、並列数{workers})。",
            f"Choosing experts and dates, for at most {seconds:.0f} s with {workers} workers.",
        )

    def tell_rejected(self, broken: Sequence[str]) -> None:
        """Say which rules the plan breaks."""
        self._say("計画が規則に反しているため、確定しません。", "The plan breaks rules:")
        self._say_lines(broken)

    def tell_release(self, number: int, sessions: int) -> None:
        """Say that the plan is published."""
        self.console.print()
        self._say(
            f"独立した検査で全{sessions}回がすべての規則を満たすことを確認し、確定版{number}として"
            "公開しました。",
            f"An independent check found every rule kept in all {sessions} sessions; the plan is "
            f"published as release {number}.",
        )

    def show_plan(self, figures: PlanFigures) -> None:
        """Show the plan's figures, the year's course, and who carries it."""
        voice = self.voice
        self._open("結果", "The result")
        self._show(served_table(figures, voice), cost_table(figures, voice))
        self._open("月ごとの派遣回数", "Sessions a month")
        self._show(month_table(figures, voice))
        self._open("専門家ごとの担当回数", "Load of each expert")
        self._show(load_table(figures, voice))
        busiest = figures.busiest
        self._open(
            f"{busiest.name.ja}さんの予定(担当回数が最多)",
            f"The schedule of {busiest.name.en}, who has the most sessions",
        )
        self._show(schedule_table(busiest, voice))

    def show_hardest(self, figures: PlanFigures, placement: Placement) -> None:
        """Show the organization that was hardest to place, and why."""
        self._open("最も調整が難しかった団体", "The organization that was hardest to place")
        self._show(hardest_text(figures, placement, self.voice))

    def list_files(self, folder: Path, calendars: int) -> None:
        """Say where the files are."""
        self._open("作成したファイル", "Files")
        for name, ja, en in (
            ("plan.svg", "計画の全体図(ブラウザーで開けます)", "the plan as one picture"),
            (f"{CALENDARS}/", f"専門家・団体ごとのカレンダー{calendars}件", "a calendar for each"),
            ("problem.json.gz", "計画の前提となる問題", "the problem"),
            ("plan.json", "計画", "the plan"),
            ("matcher.sqlite", "データベース", "the database"),
        ):
            self._say_lines([f"  {folder / name!s:<24}  {self.voice.say(ja, en)}"])

    def say_what_next(
        self, environment: Path, waiting: Sequence[Engagement], owner: Words, feed: str
    ) -> None:
        """Say what to type now: the service, a key, an assignment, a calendar."""
        matcher = _as_typed(sys.argv[0])
        self._open("次にお試しください", "What to type next")
        self._type(
            "演習のデータと日付でサービスを起動します",
            "the service, on this data and as of that day",
            f". {environment}",
            "make serve" if Path("Makefile").exists() else f"{matcher} serve",
        )
        self._type(
            "別の端末で、職員のAPIキーを発行します",
            "in another terminal: a key for staff",
            f". {environment}",
            f"KEY=$({matcher} keys create --role staff)",
        )
        for engagement in waiting:
            name = engagement.organization
            self._type(
                f"計画の後に実施決定した「{name.name_ja}」に専門家を割り当てます",
                f"an expert for {name.name_en}, accepted after the plan",
                'curl -X POST -H "Authorization: Bearer $KEY" '
                f"http://127.0.0.1:8000/v1/engagements/{engagement.id}/assignment",
            )
        self._type(
            f"{owner.ja}さんのカレンダー(カレンダーアプリで購読できるアドレス)",
            f"the calendar of {owner.en}, an address to subscribe to",
            f"curl {feed}",
        )

    def _open(self, ja: str, en: str) -> None:
        self._sections += 1
        self.console.print()
        title = f"{self._sections}. {self.voice.say(ja, en)}"
        self.console.print(Text(title, style="bold cyan"))
        self.console.print()

    def _show(self, *tables: RenderableType) -> None:
        for index, table in enumerate(tables):
            if index:
                self.console.print()
            self.console.print(Padding(table, (0, 0, 0, 2), expand=False), highlight=False)

    def _say(self, ja: str, en: str) -> None:
        self._say_lines(self.voice.say(ja, en, between="\n").splitlines())

    def _say_lines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.console.print(Text(line), soft_wrap=True)

    def _type(self, ja: str, en: str, *commands: str) -> None:
        self.console.print(Text(f"  # {self.voice.say(ja, en)}", style="dim"), soft_wrap=True)
        for command in commands:
            self.console.print(Text(f"  {command}"), soft_wrap=True)
        self.console.print()


def _as_typed(program: str) -> str:
    """The program as it can be typed here: by its name where that is enough, else by its path."""
    path = Path(program)
    if str(path.parent) in os.get_exec_path():
        return path.name
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else program
