"""Changes of what is published in plain words, for planners: what changes, and why.

A sentence says what changes; the reasons, which `planning.reasons` found, follow it: in English in
the same sentence, in Japanese as sentences of their own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from matcher.clock import wall_time
from matcher.geography import municipality
from matcher.planning.comparing.differences import (
    ChangeKind,
    EngagementChange,
    ServiceChange,
    SessionChange,
)
from matcher.planning.comparing.reasons import OtherSession, Reason, ReasonKind, Span
from matcher.planning.publishing.snapshots import SnapshotSession
from matcher.programme import Words
from matcher.wording import counted, day_words, listed, time_words
from solver.validation import Broken

SERVICE: Mapping[ServiceChange, Words] = {
    ServiceChange.NEWLY_SERVED: Words(
        ja="{engagement}に新たに{count}回派遣します。担当は{expert}、第1回は{start}です",
        en="{engagement} is newly served: {sessions} with {expert}, the first on {start}",
    ),
    ServiceChange.NO_LONGER_SERVED: Words(
        ja="{engagement}への派遣({count}回、担当は{expert})がなくなります",
        en="{engagement} is no longer served: {sessions} with {expert} dropped",
    ),
}
NOT_FORCED = Words(
    ja="{numbers}は、規則上なくす必要がありません。", en="No rule asks for dropping {numbers}."
)
ADDED = Words(
    ja="{session}が{start}に追加されます(担当は{expert})",
    en="{session} is added on {start}, with {expert}",
)
DROPPED = Words(
    ja="{session}({start}、担当は{expert})がなくなります",
    en="{session} on {start}, with {expert}, is dropped",
)
MOVES = Words(ja="{session}は、", en="{session}")
STAYS = Words(ja="{session}({start})は、", en="{session} on {start}")
CHANGED: Mapping[ChangeKind, Words] = {
    ChangeKind.MOVED: Words(
        ja="{start}から{new_start}に変わり", en="moves from {start} to {new_start}"
    ),
    ChangeKind.HANDED_OVER: Words(
        ja="担当が{expert}から{new_expert}に変わり", en="goes from {expert} to {new_expert}"
    ),
    ChangeKind.RESIZED: Words(
        ja="時間が{minutes}分から{new_minutes}分に変わり",
        en="lasts {new_minutes} minutes instead of {minutes}",
    ),
    ChangeKind.RELOCATED: Words(
        ja="場所が{place}から{new_place}に変わり", en="takes place {new_place} instead of {place}"
    ),
    ChangeKind.RENUMBERED: Words(ja="第{new_number}回になり", en="becomes session {new_number}"),
}
"""What follows the name of a session that goes on; in Japanese up to the stem of the verb."""

GOES_ON = Words(ja="", en="It")
"""How a second sentence on a session begins."""

ASPECTS: Sequence[tuple[frozenset[ChangeKind], frozenset[ReasonKind]]] = (
    (frozenset({ChangeKind.RESIZED}), frozenset({ReasonKind.LENGTH})),
    (frozenset({ChangeKind.RELOCATED}), frozenset({ReasonKind.PLACE})),
    (
        frozenset({ChangeKind.MOVED, ChangeKind.HANDED_OVER, ChangeKind.RENUMBERED}),
        frozenset(ReasonKind) - {ReasonKind.LENGTH, ReasonKind.PLACE},
    ),
)
"""What is said of a session in a sentence of its own, with its reasons: first what is asked for
now, for the reasons of its time hold in the light of that."""

REASONS: Mapping[ReasonKind, Words] = {
    ReasonKind.NO_CANDIDATE: Words(
        ja="{expert}がこの団体の候補者から外れているためです{why}",
        en=" because {expert} is no candidate for it any more{why}",
    ),
    ReasonKind.EXPERT_GOES_ON: Words(
        ja="固定された派遣を担当する{expert}が、引き続き担当するためです",
        en=" because {expert}, who holds its fixed sessions, goes on with it",
    ),
    ReasonKind.SEVERAL_EXPERTS: Words(
        ja="固定されていない派遣の担当が複数の専門家に分かれており、1名にまとめる決まりのためです",
        en=" because its sessions that are not fixed are with several experts, and one serves "
        "them all",
    ),
    ReasonKind.NOT_WANTED: Words(
        ja="この派遣案件の派遣が{limit}回までとなったためです",
        en=" because at most {sessions} may be held now",
    ),
    ReasonKind.OFF_THE_GRID: Words(
        ja="もとの開始時刻が、事業で定める開始時刻の単位に合わないためです",
        en=" because its old time is none at which sessions of the programme begin",
    ),
    ReasonKind.OUTSIDE_PERIOD: Words(
        ja="もとの日が事業の実施期間({days})の外になるためです",
        en=" because its old day lies outside the implementation period, {days}",
    ),
    ReasonKind.CLOSED_DAY: Words(ja="{day}が休業日のためです", en=" because {day} is a closed day"),
    ReasonKind.OUTSIDE_WINDOW: Words(
        ja="もとの日が派遣できる期間({days})の外になるためです",
        en=" because its old day lies outside the days open to it, {days}",
    ),
    ReasonKind.OUTSIDE_EXPERT_HOURS: Words(
        ja="もとの日時が{expert}の対応可能時間の外になるためです",
        en=" because its old time lies outside the weekly hours of {expert}",
    ),
    ReasonKind.EXPERT_AWAY: Words(
        ja="{expert}が{spans}不在のためです", en=" because {expert} is away {spans}"
    ),
    ReasonKind.OUTSIDE_ORGANIZATION_HOURS: Words(
        ja="もとの日時が団体の受入可能時間の外になるためです",
        en=" because its old time lies outside the organization's weekly hours",
    ),
    ReasonKind.ORGANIZATION_AWAY: Words(
        ja="団体が{spans}受け入れできないためです",
        en=" because the organization is not free {spans}",
    ),
    ReasonKind.GAP: Words(
        ja="{neighbours}との間隔を{least}日から{most}日にするためです",
        en=" because {least} to {most} days are to lie between it and {neighbours}",
    ),
    ReasonKind.OVERLAP: Words(
        ja="同じ時間に{expert}が{others}を担当するためです",
        en=" because {expert} holds {others} at that time",
    ),
    ReasonKind.TRAVEL: Words(
        ja="{expert}が同じ日に担当する{others}との間で、移動時間が足りなくなるためです",
        en=" because {expert} holds {others} that day, with too little time to travel between",
    ),
    ReasonKind.DAY_FULL: Words(
        ja="{expert}の1日の上限({limit}回)に、同じ日の{others}で達するためです",
        en=" because {expert} holds {others} that day, and no more than {limit} a day",
    ),
    ReasonKind.WEEK_FULL: Words(
        ja="{expert}の1週間の上限({limit}回)に、同じ週の{others}で達するためです",
        en=" because {expert} holds {others} that week, and no more than {limit} a week",
    ),
    ReasonKind.TOTAL_FULL: Words(
        ja="{expert}の事業全体での上限({limit}回)に、ほかの派遣で達するためです",
        en=" because other sessions take up all of the {limit} that {expert} holds in the year",
    ),
    ReasonKind.ONE_EXPERT: Words(
        ja="固定されていない派遣は1名の専門家が担当する決まりで、{numbers}を{expert}のままにできないためです",
        en=" because one expert serves all sessions that are not fixed, and {numbers} cannot stay "
        "with {expert}",
    ),
    ReasonKind.IN_ORDER: Words(
        ja="その前の第{limit}回がなくなるためです",
        en=" because session {limit}, before it, is dropped",
    ),
    ReasonKind.AS_JUDGED: Words(
        ja="もとのままでは規則に反するためです(検査結果: {said})",
        en=" because a rule would be broken otherwise ({said})",
    ),
    ReasonKind.LENGTH: Words(
        ja="希望の時間が{limit}分となったためです", en=" because {limit} minutes are asked for now"
    ),
    ReasonKind.PLACE: Words(
        ja="この派遣案件の実施場所が変わったためです",
        en=" because that is where its sessions are to be held now",
    ),
    ReasonKind.SAVES: Words(
        ja="規則上必要な変更ではありませんが、計画の費用が{amount}下がります",
        en=", though no rule asks for it: it saves {amount}",
    ),
    ReasonKind.SAVES_TOGETHER: Words(
        ja="規則上必要な変更ではありませんが、この派遣案件のほかの変更と合わせて計画の費用が{amount}下がります",
        en=", though no rule asks for it: with the engagement's other changes it saves {amount}",
    ),
    ReasonKind.SERVES: Words(
        ja="追加しない場合、計画の費用は{amount}上がります",
        en="; without what is added the plan would cost {amount} more",
    ),
    ReasonKind.RESTORED: Words(
        ja="確定版{limit}の内容に戻すためです", en=" because release {limit} is brought back"
    ),
    ReasonKind.PUBLISHED_SINCE: Words(
        ja="計画の前提が作成後に変わっているため、理由は示せません",
        en=", but what the plan was made from has changed since, so that no reason is given",
    ),
}
TO_MAKE_ROOM: Mapping[ReasonKind, Words] = {
    ReasonKind.OVERLAP: Words(
        ja="その時間に{expert}が{others}を担当することになるためです",
        en=" to make room for {others}, which {expert} holds at that time",
    ),
    ReasonKind.TRAVEL: Words(
        ja="{expert}がその日に{others}を担当することになり、移動時間が足りなくなるためです",
        en=" to make room for {others}, which {expert} holds that day, with too little time to "
        "travel between",
    ),
}
"""Where the plan itself puts there what is in the way."""

SAVES_NOTHING: Mapping[ReasonKind, Words] = {
    ReasonKind.SAVES: Words(
        ja="規則上必要な変更ではなく、計画の費用も変わりません",
        en=", though no rule asks for it and it saves nothing",
    ),
    ReasonKind.SAVES_TOGETHER: Words(
        ja="規則上必要な変更ではなく、この派遣案件のほかの変更と合わせても計画の費用は変わりません",
        en=", though no rule asks for it and with the engagement's other changes it saves nothing",
    ),
    ReasonKind.SERVES: Words(
        ja="追加しない場合も、計画の費用は変わりません",
        en=", though the plan would cost the same without what is added",
    ),
}
COSTS: Mapping[ReasonKind, Words] = {
    ReasonKind.SAVES: Words(
        ja="規則上必要な変更ではなく、計画の費用は{loss}上がります",
        en=", though no rule asks for it and it saves nothing: it costs {loss} more",
    ),
    ReasonKind.SAVES_TOGETHER: Words(
        ja="規則上必要な変更ではなく、この派遣案件のほかの変更と合わせて計画の費用は{loss}上がります",
        en=", though no rule asks for it and it saves nothing: with the engagement's other changes "
        "it costs {loss} more",
    ),
    ReasonKind.SERVES: Words(
        ja="追加しない場合、計画の費用は{loss}下がります",
        en=", though the plan would cost {loss} less without what is added",
    ),
}

BROKEN_JA: Mapping[str, str] = {
    "candidate": "担当者が候補者ではない",
    "expert_kept": "固定された派遣の専門家が引き継いでいない",
    "one_expert": "担当が複数の専門家に分かれている",
    "session_count": "希望より回数が多い",
    "pinned_served": "固定された派遣がない",
    "pinned_unmoved": "固定された派遣の日時が違う",
    "gap_days": "派遣の間隔が条件に合わない",
    "slot_grid": "開始時刻の単位に合わない",
    "period": "実施期間の外である",
    "closed_day": "休業日に当たる",
    "window": "派遣できる期間の外である",
    "expert_hours": "専門家の対応可能時間の外である",
    "expert_busy": "専門家が不在である",
    "organization_hours": "団体の受入可能時間の外である",
    "organization_busy": "団体が受け入れできない",
    "overlap": "派遣の時間が重なる",
    "travel_time": "移動時間が足りない",
    "max_per_day": "1日の上限を超える",
    "max_per_week": "1週間の上限を超える",
    "max_total": "事業全体での上限を超える",
}
"""The rules that published sessions break in a plan's problem, of an engagement or an expert."""

ONLINE = Words(ja="オンライン", en="online")


@dataclass(frozen=True)
class Names:
    """Whom the sentences speak of."""

    organizations: Mapping[str, Words]
    """By engagement."""
    experts: Mapping[str, Words]

    def engagement(self, id: str) -> Words:
        """An engagement, with its organization."""
        name = self.organizations[id]
        return Words(ja=f"{id}({name.ja})", en=f"{id} ({name.en})")

    def expert(self, id: str) -> Words:
        """An expert, with the id that planners work by."""
        name = self.experts[id]
        return Words(ja=f"{name.ja}さん({id})", en=f"{name.en} ({id})")

    def session(self, engagement_id: str, number: int) -> Words:
        """A session, with its organization."""
        engagement = self.engagement(engagement_id)
        return Words(
            ja=f"{engagement.ja}の第{number}回の派遣", en=f"Session {number} of {engagement.en}"
        )


def service_sentence(
    change: EngagementChange, reasons: Mapping[int, Sequence[Reason]], names: Names
) -> Words | None:
    """Say that an engagement is newly or no longer served, and why; None where it goes on.

    Of one that loses sessions for different reasons, those that rules give are told first.
    """
    if change.service is ServiceChange.CHANGED:
        return None
    sessions = change.after or change.before
    said = _filled(
        SERVICE[change.service],
        engagement=names.engagement(change.engagement_id),
        count=len(sessions),
        sessions=_counted(len(sessions)),
        expert=names.expert(sessions[-1].expert_id),
        start=moment_words(sessions[0].start_at),
    )
    chosen = [number for number, own in reasons.items() if any(map(_is_a_choice, own))]
    every = [reason for own in reasons.values() for reason in own]
    forced = [reason for reason in every if not _is_a_choice(reason)]
    if not forced or not chosen:
        return _with_reasons(said, [_of_all(each) for each in every], names)
    told = _with_reasons(said, forced, names)
    rest = _filled(NOT_FORCED, numbers=_numbered(chosen))
    return Words(ja=told.ja + rest.ja, en=f"{told.en} {rest.en}")


def _is_a_choice(reason: Reason) -> bool:
    return reason.kind in {ReasonKind.SAVES, ReasonKind.SAVES_TOGETHER}


def _of_all(reason: Reason) -> Reason:
    """A reason of all changes of an engagement, where they are told as one."""
    if reason.kind is ReasonKind.SAVES_TOGETHER:
        return replace(reason, kind=ReasonKind.SAVES)
    return reason


def session_sentence(
    engagement_id: str, change: SessionChange, reasons: Sequence[Reason], names: Names
) -> Words:
    """Say what becomes of a session, and why."""
    session = names.session(engagement_id, change.number)
    if change.before is None or change.after is None:
        (known,) = filter(None, (change.before, change.after))
        words = ADDED if change.before is None else DROPPED
        said = _filled(words, session=session, **_facts(known, names))
        return _with_reasons(said, reasons, names)
    facts = _facts(change.before, names) | {
        f"new_{name}": fact for name, fact in _facts(change.after, names).items()
    }
    head = _filled(MOVES if ChangeKind.MOVED in change.kinds else STAYS, session=session, **facts)
    told = []
    for kinds, reason_kinds in ASPECTS:
        here = [_filled(CHANGED[kind], **facts) for kind in change.kinds if kind in kinds]
        if here:
            own = [each for each in reasons if each.kind in reason_kinds]
            told.append(_with_reasons(_predicated(head, here), own, names))
            head = GOES_ON
    return Words(ja="".join(each.ja for each in told), en=" ".join(each.en for each in told))


def _predicated(head: Words, tails: Sequence[Words]) -> Words:
    return Words(
        ja=f"{head.ja}{'、'.join(each.ja for each in tails)}ます",
        en=f"{head.en} {' and '.join(each.en for each in tails)}",
    )


def _facts(session: SnapshotSession, names: Names) -> dict[str, Words | int]:
    return {
        "start": moment_words(session.start_at),
        "expert": names.expert(session.expert_id),
        "minutes": (session.end_at - session.start_at) // dt.timedelta(minutes=1),
        "place": place_words(session.municipality_code),
        "number": session.number,
    }


def _with_reasons(said: Words, reasons: Iterable[Reason], names: Names) -> Words:
    told = list(dict.fromkeys(reason_words(each, names) for each in reasons))
    return Words(
        ja="。".join([said.ja, *_also(each.ja for each in told)]) + "。",
        en=said.en + ", and".join(each.en for each in told) + ".",
    )


def _also(sentences: Iterable[str]) -> Iterator[str]:
    for index, sentence in enumerate(sentences):
        yield f"また、{sentence}" if index else sentence


def broken_words(broken: Broken) -> Words:
    """Say which rule somebody's published sessions break; in English as the judge does."""
    rule = BROKEN_JA.get(broken.rule, broken.text)
    return Words(ja=f"{broken.subject}: {rule}", en=str(broken))


def reason_words(reason: Reason, names: Names) -> Words:
    """Say one reason: in English as what follows the change, in Japanese as a sentence."""
    words = REASONS[reason.kind]
    if reason.amount is not None and reason.amount <= 0:
        words = (COSTS if reason.amount else SAVES_NOTHING)[reason.kind]
    elif any(each.changed for each in reason.others):
        words = TO_MAKE_ROOM.get(reason.kind, words)
    return _filled(words, **dict(_reason_facts(reason, names)))


def _reason_facts(reason: Reason, names: Names) -> Iterator[tuple[str, Words | int | str]]:
    if reason.expert_id is not None:
        yield "expert", names.expert(reason.expert_id)
    if reason.others:
        yield "others", _listed([_session(each) for each in reason.others])
        yield "neighbours", _listed([_session_at(each) for each in reason.others])
        yield "numbers", _numbered(each.number for each in reason.others)
    if reason.spans:
        yield "spans", _listed([span_words(each) for each in reason.spans])
    if reason.days:
        yield "days", _days(*reason.days)
        yield "day", day_words(reason.days[0])
    if reason.numbers:
        yield from zip(("least", "most"), reason.numbers, strict=True)
    if reason.limit is not None:
        yield "limit", reason.limit
        yield "sessions", _counted(reason.limit)
    if reason.amount is not None:
        yield "amount", f"{reason.amount:,}"
        yield "loss", f"{-reason.amount:,}"
    yield (
        "said",
        Words(
            ja="、".join(broken_words(each).ja for each in reason.said),
            en="; ".join(each.text for each in reason.said),
        ),
    )
    why = reason.why
    yield "why", Words(ja=f"({why.ja})", en=f": {why.en}") if why else ""


def span_words(span: Span) -> Words:
    """A time at which somebody is not free: whole days as days."""
    start, end = span
    if start.time() == end.time() == dt.time():
        return _whole_days(start.date(), end.date() - dt.timedelta(days=1))
    if start.date() == end.date():
        return Words(
            ja=f"{day_words(start).ja}{_clock(start)}から{_clock(end)}まで",
            en=f"on {day_words(start).en} {_clock(start)}–{_clock(end)}",
        )
    return Words(
        ja=f"{day_words(start).ja}{_clock(start)}から{day_words(end).ja}{_clock(end)}まで",
        en=f"from {day_words(start).en} {_clock(start)} to {day_words(end).en} {_clock(end)}",
    )


def _whole_days(first: dt.date, last: dt.date) -> Words:
    if first == last:
        return Words(ja=f"{day_words(first).ja}は終日", en=f"on {day_words(first).en}")
    if first.year != last.year:
        return _days(first, last)
    ends_on = f"{last.day}日" if first.month == last.month else f"{last.month}月{last.day}日"
    ja = f"{first.month}月{first.day}日から{ends_on}まで"
    if first.month == last.month:
        return Words(ja=ja, en=f"{first.day}–{last.day} {last:%b}")
    return Words(ja=ja, en=f"{first.day} {first:%b} – {last.day} {last:%b}")


def _days(first: dt.date, last: dt.date) -> Words:
    return Words(
        ja=f"{first.year}年{first.month}月{first.day}日から{last.year}年{last.month}月{last.day}日まで",
        en=f"{first.day} {first:%b %Y} to {last.day} {last:%b %Y}",
    )


def _session(other: OtherSession) -> Words:
    return Words(
        ja=f"{other.engagement_id}の第{other.number}回",
        en=f"{other.engagement_id} session {other.number}",
    )


def _session_at(other: OtherSession) -> Words:
    day = day_words(other.start)
    return Words(
        ja=f"第{other.number}回({day.ja}{_clock(other.start)})",
        en=f"session {other.number} ({day.en} {_clock(other.start)})",
    )


def _numbered(numbers: Iterable[int]) -> Words:
    texts = [str(each) for each in numbers]
    return Words(
        ja=f"第{'・'.join(texts)}回",
        en=f"session{'s' * (len(texts) > 1)} {_listed([Words(ja=n, en=n) for n in texts]).en}",
    )


def _counted(sessions: int) -> Words:
    return Words(ja=f"{sessions}回", en=counted(sessions, "session"))


def moment_words(moment: dt.datetime) -> Words:
    """A moment by Tokyo's clocks."""
    return time_words(wall_time(moment))


def _clock(time: dt.datetime) -> str:
    return f"{time:%H:%M}"


def place_words(code: str | None) -> Words:
    """Where a session takes place."""
    if code is None:
        return ONLINE
    found = municipality(code)
    return Words(ja=found.name_ja, en=f"in {found.name_en}")


def _listed(words: Sequence[Words]) -> Words:
    return Words(ja="、".join(each.ja for each in words), en=listed(each.en for each in words))


def _filled(words: Words, **facts: Words | int | str) -> Words:
    """Put facts into words, each in the language of the words."""
    ja = {name: each.ja if isinstance(each, Words) else each for name, each in facts.items()}
    en = {name: each.en if isinstance(each, Words) else each for name, each in facts.items()}
    return Words(ja=words.ja.format(**ja), en=words.en.format(**en))
