"""What a plan or a release changes, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from matcher.calendars.attention import Unaware
from matcher.cost_words import COST_PARTS
from matcher.errors import PlanOutdated
from matcher.models import PromiseRecord
from matcher.planning.comparing.change_words import (
    broken_words,
    moment_words,
    place_words,
    reason_words,
)
from matcher.planning.comparing.comparison import (
    Comparison,
    CostChange,
    ToldEngagement,
    ToldSession,
)
from matcher.planning.comparing.differences import ChangeKind, ServiceChange
from matcher.planning.publishing.snapshots import SnapshotSession
from matcher.programme import Words
from matcher.report.language import Voice

SERVICES: Mapping[ServiceChange, Words] = {
    ServiceChange.NEWLY_SERVED: Words(ja="新たに派遣", en="newly served"),
    ServiceChange.NO_LONGER_SERVED: Words(ja="派遣がなくなる", en="no longer served"),
}
KINDS: Mapping[ChangeKind, Words] = {
    ChangeKind.MOVED: Words(ja="日時の変更", en="moved"),
    ChangeKind.HANDED_OVER: Words(ja="担当の変更", en="to another expert"),
    ChangeKind.ADDED: Words(ja="追加", en="added"),
    ChangeKind.DROPPED: Words(ja="取りやめ", en="dropped"),
    ChangeKind.RESIZED: Words(ja="時間の長さの変更", en="of another length"),
    ChangeKind.RELOCATED: Words(ja="場所の変更", en="at another place"),
    ChangeKind.RENUMBERED: Words(ja="回の繰り上げ・繰り下げ", en="renumbered"),
}
EXPERTS_CHANGED = Words(ja="専門家が変わる派遣案件", en="engagements with another expert")
NOTHING = "–"


def title_words(comparison: Comparison) -> Words:
    """What is compared with what."""
    release, against = comparison.release, comparison.against
    if release is None:
        return Words(
            ja=f"派遣計画{comparison.plan_id}による変更(確定済みの派遣との比較)",
            en=f"Changes of plan {comparison.plan_id} against what is published",
        )
    if against is None:
        return Words(ja=f"確定版{release}の内容", en=f"Changes of release {release}, the first")
    return Words(
        ja=f"確定版{release}と確定版{against}の比較",
        en=f"Changes of release {release} against release {against}",
    )


def changes_report(comparison: Comparison, voice: Voice) -> RenderableType:
    """Everything: what is compared, how much changes, what it costs, each change and why."""
    parts: list[RenderableType] = [
        Text(voice.name(title_words(comparison)), style="bold"),
        *(Text(each, style="bold red") for each in _warnings(comparison, voice)),
        Text(),
        counts_table(comparison, voice),
    ]
    if comparison.cost is not None:
        parts += [Text(), cost_table(comparison.cost, voice)]
    parts.append(Text())
    if comparison.engagements:
        parts.append(changes_table(comparison, voice))
    else:
        parts.append(Text(voice.say("変更はありません。", "Nothing changes.")))
    return Group(*parts)


def count_lines(comparison: Comparison) -> Iterator[tuple[Words, int]]:
    """How much changes, and how many people had been promised something else."""
    for service, words in SERVICES.items():
        yield words, comparison.count_services(service)
    yield EXPERTS_CHANGED, comparison.experts_changed
    for kind, words in KINDS.items():
        yield words, comparison.count_sessions(kind)


def counts_table(comparison: Comparison, voice: Voice) -> Table:
    """How much changes; what does not happen is left out."""
    table = Table.grid(padding=(0, 3))
    for words, count in count_lines(comparison):
        if count:
            table.add_row(voice.name(words), str(count))
    disturbed = comparison.disturbed
    table.add_row(
        voice.say("影響を受ける団体・専門家", "people disturbed"),
        voice.say(
            f"{disturbed.count}(団体{len(disturbed.organizations)}、"
            f"専門家{len(disturbed.experts)})",
            f"{disturbed.count} ({len(disturbed.organizations)} organizations, "
            f"{len(disturbed.experts)} experts)",
        ),
    )
    if comparison.unaware:
        told = [_unaware(each) for each in comparison.unaware]
        table.add_row(
            voice.say("カレンダーで変更に気づかない方", "will not see it in a calendar"),
            voice.say("、".join(each.ja for each in told), ", ".join(each.en for each in told)),
        )
    if comparison.promises is not None:
        table.add_row(*_promises(comparison.promises, voice))
    return table


def _unaware(person: Unaware) -> Words:
    """Whom to tell otherwise, and why."""
    who, fetched_at = person.owner_id, person.last_fetched_at
    if not person.subscribed:
        return Words(ja=f"{who}(購読なし)", en=f"{who} (no subscription)")
    if fetched_at is None:
        return Words(ja=f"{who}(購読後の取得なし)", en=f"{who} (never fetched)")
    last = moment_words(fetched_at)
    return Words(ja=f"{who}(最後の取得{last.ja})", en=f"{who} (last fetched {last.en})")


OF_ONE_CHANGE = 2
"""People that any change disturbs, an organization and an expert: a bound that says nothing."""


def _promises(promises: PromiseRecord, voice: Voice) -> tuple[str, str]:
    """What the run has proven: no plan that serves as well breaks or disturbs fewer."""
    least = Words(
        ja=f"同じ水準の派遣では最少{promises.least_broken}件",
        en=f"of plans that serve as well, none breaks fewer than {promises.least_broken}",
    )
    if promises.least_people >= OF_ONE_CHANGE:
        least = Words(
            ja=f"{least.ja}、影響は最少{promises.least_people}者",
            en=f"{least.en} or disturbs fewer than {promises.least_people} people",
        )
    return voice.say("確定内容の変更", "promises broken"), voice.say(
        f"{promises.broken}件({least.ja})", f"{promises.broken} ({least.en})"
    )


def cost_table(cost: CostChange, voice: Voice) -> RenderableType:
    """The cost by part of what is published and of the plan, in the plan's own problem."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(voice.say("費用の内訳", "Cost by part"))
    for column in (("変更前", "Before"), ("変更後", "After"), ("増減", "Change")):
        table.add_column(voice.say(*column), justify="right", no_wrap=True)
    parts = {part: voice.name(name) for part, (name, _) in COST_PARTS.items()}
    for part, name in {**parts, "total": voice.say("合計", "total")}.items():
        before, after = getattr(cost.before, part), getattr(cost.after, part)
        table.add_row(name, f"{before:,}", f"{after:,}", f"{after - before:+,}")
    if cost.bound is None:
        return Group(table, *_infeasible(cost, voice))
    proven = voice.say(
        f"証明済みの下界 {cost.bound:,}、最適との差 最大{cost.gap:.2%}",
        f"proven bound {cost.bound:,}, gap at most {cost.gap:.2%}",
    )
    return Group(table, Text(proven, style="dim"), *_infeasible(cost, voice))


def changes_table(comparison: Comparison, voice: Voice) -> Table:
    """Each session that changes: from, to, and why."""
    table = Table(header_style="bold")
    for ja, en in (
        ("派遣案件", "engagement"),
        ("回", "no."),
        ("変更前", "before"),
        ("変更後", "after"),
        ("理由", "why"),
    ):
        table.add_column(voice.say(ja, en), overflow="fold")
    for each in comparison.engagements:
        told_before = ""
        for index, session in enumerate(each.sessions):
            last = index == len(each.sessions) - 1
            name = "" if index else _engagement(each, comparison, voice)
            why = _why(session, comparison, voice)
            again = why and why == told_before
            told_before = why
            shown = voice.say("同上", "as above", between="\n") if again else why
            cells = _cells(session, comparison, voice)
            table.add_row(name, *cells, Text(shown), end_section=last)
    return table


def _engagement(told: ToldEngagement, comparison: Comparison, voice: Voice) -> str:
    change = told.change
    name = voice.name(comparison.names.organizations[change.engagement_id])
    service = SERVICES.get(change.service)
    told_service = [voice.name(service)] if service else []
    return "\n".join([change.engagement_id, name, *told_service])


def _cells(told: ToldSession, comparison: Comparison, voice: Voice) -> tuple[str, str, str]:
    change = told.change
    return (
        str(change.number),
        _session(change.before, told, comparison, voice),
        _session(change.after, told, comparison, voice),
    )


def _session(
    session: SnapshotSession | None, told: ToldSession, comparison: Comparison, voice: Voice
) -> str:
    if session is None:
        return NOTHING
    lines = [
        voice.name(moment_words(session.start_at)),
        voice.name(comparison.names.expert(session.expert_id)),
    ]
    kinds = told.change.kinds
    if ChangeKind.RESIZED in kinds:
        minutes = (session.end_at - session.start_at).total_seconds() // 60
        lines.append(voice.say(f"{minutes:.0f}分", f"{minutes:.0f} minutes"))
    if ChangeKind.RELOCATED in kinds:
        lines.append(voice.name(place_words(session.municipality_code)))
    if ChangeKind.RENUMBERED in kinds:
        lines.append(voice.say(f"第{session.number}回", f"session {session.number}"))
    return "\n".join(lines)


def _why(told: ToldSession, comparison: Comparison, voice: Voice) -> str:
    reasons = dict.fromkeys(reason_words(each, comparison.names) for each in told.reasons)
    return "\n".join(
        voice.say(f"{each.ja}。", each.en.strip(" ,;:"), between="\n") for each in reasons
    )


def _warnings(comparison: Comparison, voice: Voice) -> Iterator[str]:
    if comparison.ground_moved:
        refusal = PlanOutdated(comparison.ground_moved)
        yield voice.say(refusal.message_ja, refusal.message_en, between="\n")


def _infeasible(cost: CostChange, voice: Voice) -> Iterator[Text]:
    if not cost.before_broken:
        return
    yield Text(
        voice.say(
            "確定済みの派遣は、計画の条件では規則に反します(変更前の費用は参考値です):",
            "What is published breaks rules of the plan's problem; its cost is but a hint:",
            between="\n",
        )
    )
    for each in cost.before_broken:
        yield Text(f"  {voice.name(broken_words(each), between='  ')}")
