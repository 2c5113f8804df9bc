"""Why an engagement gets no session, or not all, and what would help, in words.

What is said here was found by `solver.explain`, which tries what it states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from matcher.errors import NotServable
from matcher.planning.stating.matching import Exclusion
from matcher.programme import Words
from matcher.wording import WEEKDAYS_JA, counted, day_words, listed, time_words
from solver.conditions import Condition, Diagnosis
from solver.explain import CandidateExplanation, Explanation, explain
from solver.problem import WEEKDAYS, Engagement, Moment, OpenHours, Weekday
from solver.question import Visit, Way
from solver.remedies import Change, Consent, Remedy
from solver.standing import StandingPlan

Obstacle = Literal["fully_booked", "hours_never_meet", "gaps", "no_free_time", "no_room"]

WORDS: Mapping[Obstacle, Words] = {
    "fully_booked": Words(
        ja="担当回数が上限に達しています", en="already has the largest number of sessions agreed"
    ),
    "hours_never_meet": Words(
        ja="団体の受入可能時間と対応可能時間が重なりません",
        en="has no weekly hours in common with the organization",
    ),
    "gaps": Words(
        ja="派遣の間隔の条件を満たす日がありません",
        en="has no day that keeps the gap between sessions",
    ),
    "no_free_time": Words(
        ja="期間内に団体と共通の空き時間がありません",
        en="has no free time in common with the organization within the period",
    ),
    "no_room": Words(
        ja="共通の空き時間はありますが、移動時間または1日・1週間の上限により日程を組めません",
        en="has free time in common with the organization, but travel or the limits a day and a "
        "week leave no room",
    ),
}
WINDOW_CLOSED = Words(
    ja="実施できる期間が残っていません", en="no day is left on which a session may take place"
)

CONDITIONS: Mapping[Condition, Words] = {
    "expert_kept": Words(
        ja="これまでの専門家が引き続き担当すること",
        en="the expert of the fixed sessions going on",
    ),
    "organization_hours": Words(ja="団体の受入可能時間", en="the organization's weekly hours"),
    "expert_hours": Words(ja="専門家の対応可能時間", en="the expert's weekly hours"),
    "window": Words(
        ja="実施できる期間({earliest_ja}から{latest_ja}まで)",
        en="the period {earliest_en} to {latest_en}",
    ),
    "min_gap": Words(
        ja="派遣の間隔を{min_gap_days}日以上空けること",
        en="at least {min_gap_days} days between sessions",
    ),
    "max_gap": Words(
        ja="派遣の間隔を{max_gap_days}日以内にすること",
        en="at most {max_gap_days} days between sessions",
    ),
    "organization_busy": Words(
        ja="団体の都合がつかない日時", en="the times at which the organization is busy"
    ),
    "expert_busy": Words(
        ja="専門家の都合がつかない日時", en="the times at which the expert is busy"
    ),
    "closed_days": Words(ja="休業日", en="the closed days"),
    "max_total": Words(ja="専門家の担当回数の上限", en="the expert's largest number of sessions"),
    "max_per_week": Words(
        ja="専門家の1週間の回数の上限", en="the expert's largest number of sessions a week"
    ),
    "max_per_day": Words(
        ja="専門家の1日の回数の上限", en="the expert's largest number of sessions a day"
    ),
    "travel": Words(ja="移動時間", en="the time to travel"),
    "other_sessions": Words(ja="専門家のほかの派遣", en="the expert's other sessions"),
}

CHANGES: Mapping[Change, Words] = {
    "place_now": Words(
        ja="空いている日程に入れる",
        en="Place it where there is room",
    ),
    "move_another": Words(
        ja="{moved}の日程を組み直す({moved_expert}、{moved_starts_ja})",
        en="Move {moved}: {moved_expert}, {moved_starts_en}",
    ),
    "later_latest": Words(ja="期間の終わりを{amount}日延ばす", en="End the period {days} later"),
    "earlier_earliest": Words(
        ja="期間の始まりを{amount}日早める", en="Begin the period {days} earlier"
    ),
    "smaller_min_gap": Words(
        ja="派遣の最短の間隔を{amount}日縮める", en="Shorten the least gap by {days}"
    ),
    "larger_max_gap": Words(
        ja="派遣の最長の間隔を{amount}日延ばす", en="Lengthen the largest gap by {days}"
    ),
    "more_hours": Words(
        ja="団体の受入可能時間に{weekday}曜日の{opens}から{closes}までを加える",
        en="Add {weekday_en} {opens} to {closes} to the organization's hours",
    ),
    "online": Words(ja="オンラインで実施する", en="Hold the sessions online"),
    "reassign": Words(
        ja="残りの派遣をほかの専門家に引き継ぐ", en="Let another expert take over the rest"
    ),
    "raise_max_total": Words(
        ja="{expert}の担当回数の上限を{amount}回増やす",
        en="Raise the sessions of {expert} in all by {amount}",
    ),
    "raise_max_per_week": Words(
        ja="{expert}の1週間の上限を{amount}回増やす",
        en="Raise the sessions of {expert} a week by {amount}",
    ),
    "raise_max_per_day": Words(
        ja="{expert}の1日の上限を{amount}回増やす",
        en="Raise the sessions of {expert} a day by {amount}",
    ),
    "another_expert": Words(
        ja="候補でない専門家{way_expert}に依頼する",
        en="Ask {way_expert}, who is no candidate so far",
    ),
}

CONSENTS: Mapping[Consent, Words] = {
    "nobody": Words(ja="同意は不要", en="nobody has to agree"),
    "organization": Words(ja="団体の同意が必要", en="the organization has to agree"),
    "expert": Words(ja="専門家の同意が必要", en="the expert has to agree"),
    "organization_and_expert": Words(
        ja="団体と専門家の同意が必要", en="the organization and the expert have to agree"
    ),
    "office": Words(ja="事務局の判断が必要", en="the office has to decide"),
}

WEEKDAYS_EN: Mapping[Weekday, str] = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}


def window_closed() -> NotServable:
    """There is no day left for another session."""
    return NotServable([WINDOW_CLOSED.en], [WINDOW_CLOSED.ja])


def nobody_may_serve(excluded: Iterable[Exclusion]) -> NotServable:
    """Every expert is excluded; the reasons with the number of experts each keeps away."""
    return _counted(map(_as_reason, excluded))


def _as_reason(exclusion: Exclusion) -> Words:
    """What follows a colon; the fully booked are one group, whatever number they agreed."""
    if exclusion.code == "fully_booked":
        return WORDS["fully_booked"]
    english = exclusion.text_en.rstrip(".")
    return Words(ja=exclusion.text_ja.rstrip("。"), en=english[:1].lower() + english[1:])


def nobody_is_free(standing: StandingPlan, engagement_id: str) -> NotServable:
    """There are candidates, but none can give the next session."""
    explained = explain(standing, engagement_id, remedies=False)
    return _counted(WORDS[obstacle(each)] for each in explained.candidates)


def obstacle(candidate: CandidateExplanation) -> Obstacle:
    """Sum up in one code what bars a candidate."""
    conflict = frozenset(candidate.diagnosis.conflict if candidate.diagnosis else ())
    if "max_total" in conflict:
        return "fully_booked"
    if conflict and conflict <= {"organization_hours", "expert_hours"}:
        return "hours_never_meet"
    if not conflict or conflict & {"travel", "max_per_day", "max_per_week"}:
        return "no_room"
    if conflict & {"min_gap", "max_gap"}:
        return "gaps"
    return "no_free_time"


def _counted(reasons: Iterable[Words]) -> NotServable:
    counts = Counter(reasons).most_common()
    return NotServable(
        [f"{words.en} ({counted(count, 'expert')})" for words, count in counts],
        [f"{words.ja}({count}名)" for words, count in counts],
    )


def outcome(explained: Explanation) -> Words:
    """How an engagement is served."""
    if explained.assignment is None:
        return Words(
            ja=f"{explained.engagement}: 派遣の日程がありません(希望{explained.wanted}回)。",
            en=f"{explained.engagement}: no session of {explained.wanted}.",
        )
    expert, times = explained.assignment.expert, _times(explained.assignment.starts)
    return Words(
        ja=f"{explained.engagement}: 希望{explained.wanted}回のうち{explained.served}回、"
        f"{expert}が担当({times.ja})。",
        en=f"{explained.engagement}: {explained.served} of {explained.wanted} sessions "
        f"by {expert} ({times.en}).",
    )


def conflict_sentence(explained: Explanation, engagement: Engagement) -> Words | None:
    """Which conditions cannot all hold; None where the sessions are possible."""
    if not explained.conflict:
        return None
    told = [condition_words(each, engagement) for each in explained.conflict]
    asked = explained.asked
    if len(told) == 1:
        return Words(
            ja=f"{asked}回の派遣は、{told[0].ja}のため、どの候補者でも組めません。",
            en=f"{_sessions(asked)} not possible with any candidate because of {told[0].en}.",
        )
    return Words(
        ja=f"{asked}回の派遣は、どの候補者でも次の条件を同時に満たせません: "
        f"{'、'.join(each.ja for each in told)}。どれか1つを外せば、残りは満たせます。",
        en=f"{_sessions(asked)} not possible with any candidate, as these cannot all hold: "
        f"{listed(each.en for each in told)}. Without any one of them the others can.",
    )


def condition_words(condition: Condition, engagement: Engagement) -> Words:
    """Name a group of conditions, with the engagement's own numbers."""
    words, facts = CONDITIONS[condition], condition_facts(engagement)
    return Words(ja=words.ja.format(**facts), en=words.en.format(**facts))


def condition_facts(engagement: Engagement) -> Mapping[str, object]:
    """The numbers and days that are said of an engagement's conditions."""
    earliest, latest = day_words(engagement.earliest), day_words(engagement.latest)
    return dict(engagement) | {
        "earliest_ja": earliest.ja,
        "earliest_en": earliest.en,
        "latest_ja": latest.ja,
        "latest_en": latest.en,
    }


def candidate_reason(candidate: CandidateExplanation, engagement: Engagement) -> Words | None:
    """What bars a candidate, and what would have to go; None where nothing does."""
    return candidate_reason_of(candidate.diagnosis, candidate.in_the_way, engagement)


def candidate_reason_of(
    diagnosis: Diagnosis | None, in_the_way: tuple[Visit, ...], engagement: Engagement
) -> Words | None:
    """What bars somebody with such a diagnosis, and what would have to go; None: nothing does."""
    if diagnosis is None:
        return None
    if not diagnosis.corrections:
        return Words(ja="固定された派遣のため不可能", en="barred by the fixed sessions")
    ways = [
        [condition_words(each, engagement) for each in together]
        for together in diagnosis.corrections
    ]
    ja = "、または".join("と".join(f"「{each.ja}」" for each in together) for together in ways)
    en = ", or without ".join(listed(each.en for each in together) for together in ways)
    blockers = visits_words(in_the_way) if in_the_way else None
    return Words(
        ja=f"{ja}を外せば可能" + (f"。支障となる派遣: {blockers.ja}" if blockers else ""),
        en=f"possible without {en}" + (f"; in the way: {blockers.en}" if blockers else ""),
    )


def remedy_words(remedy: Remedy) -> Words:
    """What could be changed."""
    words, facts = CHANGES[remedy.change], remedy_facts(remedy)
    return Words(ja=words.ja.format(**facts), en=words.en.format(**facts))


def remedy_facts(remedy: Remedy) -> Mapping[str, object]:
    """What is said of a change: its amount, whose it is, and the hours, by name."""
    return dict(_facts(remedy))


def _facts(remedy: Remedy) -> Iterator[tuple[str, object]]:
    yield "amount", remedy.amount
    yield "days", counted(remedy.amount or 0, "day")
    yield "expert", remedy.expert
    yield "way_expert", remedy.way.expert
    if remedy.moved:
        yield "moved", remedy.moved.engagement
        yield "moved_expert", remedy.moved.expert
        starts = _times(remedy.moved.starts)
        yield "moved_starts_ja", starts.ja
        yield "moved_starts_en", starts.en
    if remedy.hours:
        yield from _hours(remedy.hours)


def _hours(hours: OpenHours) -> Iterator[tuple[str, str]]:
    yield "weekday", WEEKDAYS_JA[WEEKDAYS.index(hours.weekday)]
    yield "weekday_en", WEEKDAYS_EN[hours.weekday]
    yield "opens", f"{hours.opens // 60}:{hours.opens % 60:02d}"
    yield "closes", f"{hours.closes // 60}:{hours.closes % 60:02d}"


def way_words(way: Way) -> Words:
    """Who and when."""
    starts = _times(way.starts)
    return Words(ja=f"{way.expert}: {starts.ja}", en=f"{way.expert}: {starts.en}")


def visits_words(visits: tuple[Visit, ...]) -> Words:
    """Name sessions of other engagements, and when they are."""
    return Words(
        ja="、".join(
            f"{each.engagement} 第{each.session}回 {time_words(each.start).ja}" for each in visits
        ),
        en=", ".join(
            f"{each.engagement} session {each.session} {time_words(each.start).en}"
            for each in visits
        ),
    )


def _sessions(number: int) -> str:
    return "1 session is" if number == 1 else f"{number} sessions are"


def _times(starts: Iterable[Moment]) -> Words:
    told = [time_words(each) for each in starts]
    return Words(ja="、".join(each.ja for each in told), en=", ".join(each.en for each in told))
