"""A published plan as tables for a terminal, as a planner wants to see it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from matcher.cost_words import COST_PARTS
from matcher.report.figures import ExpertFigures, IntakeFigures, PlanFigures
from matcher.report.hardest import Placement
from matcher.report.language import Voice
from matcher.wording import WEEKDAYS_JA

BAR = 30
"""The longest bar, in characters."""

INDENTED_LINE = "\n" + " " * len("4 / 5  ")
"""What stands between a name's languages below a number of sessions."""


def intake_table(figures: IntakeFigures, voice: Voice) -> RenderableType:
    """How many applications were accepted, and which were declined and why."""
    total = voice.say(
        f"申込{figures.applications}件: 実施決定{figures.accepted}件、"
        f"見送り{len(figures.declined)}件、審査中{figures.undecided}件。",
        f"{figures.applications} applications: {figures.accepted} accepted, "
        f"{len(figures.declined)} declined, {figures.undecided} not yet decided.",
        between="\n",
    )
    table = _table(voice.say("見送りの団体", "Declined"), voice.say("満たさない要件", "Not met"))
    for each in figures.declined:
        reasons = "\n".join(voice.name(reason) for reason in each.reasons)
        table.add_row(voice.name(each.organization), reasons)
    return Group(f"{total}\n", table) if figures.declined else total


def served_table(figures: PlanFigures, voice: Voice) -> RenderableType:
    """How many are served, who is not, and how good the plan is proven to be."""
    plan = figures.plan
    table = Table.grid(padding=(0, 3))
    table.add_row(voice.say("派遣する団体", "served"), f"{figures.served} / {figures.engagements}")
    table.add_row(
        voice.say("派遣の回数", "sessions"), f"{figures.sessions} / {figures.wanted_sessions}"
    )
    table.add_row(voice.say("費用の合計", "cost"), f"{plan.cost.total:,}")
    table.add_row(voice.say("証明済みの下界", "proven bound"), f"{plan.bound:,}")
    table.add_row(voice.say("最適との差", "gap"), _gap(plan.gap, voice))
    unserved = "\n".join(voice.name(each, between="  ") for each in figures.unserved)
    table.add_row(
        voice.say("派遣できない団体", "not served"), unserved or voice.say("なし", "none")
    )
    short = "\n".join(
        f"{sessions} / {wanted}  {voice.name(name, between=INDENTED_LINE)}"
        for name, sessions, wanted in figures.short
    )
    table.add_row(
        voice.say("回数が足りない団体", "short of sessions"), short or voice.say("なし", "none")
    )
    return table


def cost_table(figures: PlanFigures, voice: Voice) -> RenderableType:
    """What the plan costs, part by part, with what each part charges."""
    table = _table(
        voice.say("費用の内訳", "Cost by part"),
        voice.say("内容", "What it charges"),
        numbers=(voice.say("費用", "Cost"),),
    )
    table.add_column("", no_wrap=True)
    cost = figures.plan.cost
    amounts = {part: int(getattr(cost, part)) for part in COST_PARTS}
    most = max(1, *amounts.values())
    for part, (name, charges) in COST_PARTS.items():
        bar = _bar(amounts[part] / most * BAR / 2)
        table.add_row(
            voice.name(name, between="  "), voice.name(charges), f"{amounts[part]:,}", bar
        )
    table.add_section()
    table.add_row(voice.say("合計", "total"), "", f"{cost.total:,}", "")
    return table


def month_table(figures: PlanFigures, voice: Voice) -> RenderableType:
    """Sessions by month, as bars."""
    table = _table(voice.say("月", "Month"), numbers=(voice.say("派遣回数", "Sessions"),))
    table.add_column("", no_wrap=True)
    most = max(1, *(sessions for _, sessions in figures.months))
    for month, sessions in figures.months:
        table.add_row(_month(month, voice), f"{sessions}", _bar(sessions / most * BAR))
    return table


def load_table(figures: PlanFigures, voice: Voice) -> RenderableType:
    """The load of each expert, beside target and maximum."""
    table = _table(voice.say("専門家", "Expert"))
    table.add_column("", no_wrap=True)
    for name in (("回数", "Load"), ("目安", "Target"), ("上限", "Max.")):
        table.add_column(voice.say(*name, between="\n"), justify="right", no_wrap=True)
    for each in figures.experts:
        table.add_row(
            voice.name(each.name, between="  "),
            _load(each),
            f"{each.load}",
            f"{each.target}",
            f"{each.maximum}",
        )
    legend = voice.say(
        "█ 目安まで  ▓ 目安を超えた回  ░ 上限までの余裕",
        "█ up to the target  ▓ above it  ░ left up to the maximum",
        between="\n",
    )
    return Group(table, Text(f"\n{legend}", style="dim"))


def schedule_table(expert: ExpertFigures, voice: Voice) -> RenderableType:
    """One expert's sessions in order of time."""
    table = _table(
        voice.say("日付", "Day"),
        voice.say("時間", "Time"),
        voice.say("回", "No."),
        voice.say("団体", "Organization"),
        voice.say("場所", "Where"),
    )
    for visit in expert.visits:
        table.add_row(
            _day(visit.start, voice),
            f"{visit.start:%H:%M}–{visit.end:%H:%M}",
            f"{visit.number} / {visit.of}",
            voice.name(visit.organization),
            voice.name(visit.place),
        )
    return table


def hardest_text(figures: PlanFigures, placement: Placement, voice: Voice) -> RenderableType:
    """The engagement that was hardest to place, and why, in numbers."""
    return Text("\n").join(
        Text(voice.say(ja, en, between="\n")) for ja, en in _hardest(figures, placement)
    )


def _hardest(figures: PlanFigures, placement: Placement) -> Iterator[tuple[str, str]]:
    name = figures.organizations[placement.engagement]
    count = placement.candidates
    experts = len(figures.experts)
    yield f"{name.ja}({placement.engagement})", f"{name.en} ({placement.engagement})"
    yield (
        f"担当できる専門家は{experts}名中{count}名です。希望{placement.wanted_sessions}回のうち"
        f"{placement.sessions}回を派遣します。",
        f"{count} of {experts} experts may serve it; it gets {placement.sessions} of "
        f"{placement.wanted_sessions} sessions.",
    )
    if 0 < placement.sessions_alone < placement.wanted_sessions:
        yield (
            f"この団体だけで計画しても、組めるのは{placement.sessions_alone}回までです。",
            f"Even alone it could have {placement.sessions_alone} sessions at most.",
        )
    alone, together = placement.own_alone, placement.own
    yield (
        f"この団体だけなら費用{alone:,}で組めますが、全体の計画では{together:,}です"
        f"(1回あたり+{placement.extra_per_session:.1f})。",
        f"Alone it would cost {alone:,}; in the plan it costs {together:,} "
        f"(+{placement.extra_per_session:.1f} a session).",
    )
    parts = [(COST_PARTS[part][0], extra) for part, extra in placement.extra_by_part.items()]
    if parts:
        yield (
            "差の内訳: " + "、".join(f"{words.ja} {extra:+,}" for words, extra in parts),
            "The difference: " + ", ".join(f"{words.en} {extra:+,}" for words, extra in parts),
        )
    yield from _first_choice(figures, placement)


def _first_choice(figures: PlanFigures, placement: Placement) -> Iterator[tuple[str, str]]:
    if placement.expert_alone is None:
        yield (
            "ほかの団体がなくても、派遣できる専門家と日程がありません。",
            "Even alone it has no expert and dates.",
        )
        return
    first = figures.expert(placement.expert_alone)
    carries_ja = f"計画では{first.load}回担当、上限{first.maximum}回"
    carries_en = f"who carries {first.load} sessions of at most {first.maximum} in the plan"
    if placement.expert is None:
        yield (
            f"この団体だけなら{first.name.ja}さん({carries_ja})が担当できます。",
            f"Alone it would get {first.name.en}, {carries_en}.",
        )
    elif placement.expert == placement.expert_alone:
        yield (
            f"担当は最適の{first.name.ja}さん({carries_ja})のまま、日程だけが動きました。",
            f"It keeps its best expert, {first.name.en}, {carries_en}; only the dates gave way.",
        )
    else:
        chosen = figures.expert(placement.expert).name
        yield (
            f"この団体だけなら{first.name.ja}さん({carries_ja})が最適ですが、"
            f"{chosen.ja}さんが担当します。",
            f"Alone it would get {first.name.en}, {carries_en}; it gets {chosen.en}.",
        )


def _table(*columns: str, numbers: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for column in numbers:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _gap(gap: float, voice: Voice) -> str:
    if gap == 0:
        return voice.say("0%(最適であることを証明済み)", "0% (proven optimal)")
    return voice.say(f"最大{gap:.2%}", f"at most {gap:.2%}")


def _bar(length: float) -> str:
    """A bar of eighths of a character; what is more than nothing is seen."""
    eighths = max(round(length * 8), 1 if length > 0 else 0)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _load(expert: ExpertFigures) -> str:
    within = min(expert.load, expert.target)
    above = expert.load - within
    return "█" * within + "▓" * above + "░" * max(0, expert.maximum - expert.load)


def _month(month: dt.date, voice: Voice) -> str:
    return voice.say(f"{month.year}年{month.month}月", f"{month:%b %Y}")


def _day(day: dt.date, voice: Voice) -> str:
    weekday = WEEKDAYS_JA[day.weekday()]
    return voice.say(
        f"{day.year}年{day.month}月{day.day}日({weekday})",
        f"{day:%a} {day.day} {day:%b %Y}",
        between="\n",
    )
