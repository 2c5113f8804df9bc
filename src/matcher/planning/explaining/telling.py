"""What an inquiry found, in words: for planners, and for the organization that asks.

To planners everybody is named. What the organization is told names nobody else: of what others
have to do with it, only that it is so; of the remedies, only those to which it can agree itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from matcher.planning.explaining.explanation import (
    condition_words,
    remedy_facts,
    remedy_words,
    visits_words,
    way_words,
)
from matcher.planning.explaining.inquiry import Inquiry, Standing
from matcher.planning.explaining.room import Moved
from matcher.programme import Words
from matcher.wording import counted, time_words
from solver.conditions import Condition
from solver.remedies import Remedy

__all__ = ["Voice", "conflict", "move_words", "offered", "remedy", "sentences"]


class Voice(StrEnum):
    """To whom it is told."""

    PLANNER = "planner"
    ORGANIZATION = "organization"


OWN: frozenset[Condition] = frozenset(
    {"organization_hours", "window", "min_gap", "max_gap", "organization_busy", "closed_days"}
)
"""The conditions that the organization is told one by one; the others are the experts'."""

OTHERS = "experts"
"""What stands, before the organization, for all the conditions of experts."""

EXPERTS = Words(
    ja="対応できる専門家の都合",
    en="when the experts who could come are available",
)

HAS_SOME: Mapping[Voice, Words] = {
    Voice.PLANNER: Words(
        ja="{id}: 希望{wanted}回のうち{served}回の日程が確定しています。",
        en="{id} has {served} of {wanted} sessions.",
    ),
    Voice.ORGANIZATION: Words(
        ja="貴団体への派遣は、ご希望の{wanted}回のうち{served}回の日程が確定しております。",
        en="{served} of your {wanted} sessions have been scheduled.",
    ),
}
HAS_NONE: Mapping[Voice, Words] = {
    Voice.PLANNER: Words(
        ja="{id}: 希望{wanted}回の日程は、まだ1回も確定していません。",
        en="{id} has none of its {wanted} sessions.",
    ),
    Voice.ORGANIZATION: Words(
        ja="貴団体への派遣は、ご希望の{wanted}回の日程がまだ確定しておりません。",
        en="None of your {wanted} sessions has been scheduled yet.",
    ),
}

ANSWERS: Mapping[Standing, Words] = {
    Standing.SERVED: Words(
        ja="{id}: 希望{wanted}回すべての日程が確定しています。",
        en="{id} has all of its {wanted} sessions.",
    ),
    Standing.ROOM: Words(
        ja="{has}いまの確定日程のままで{possible}回まで組めます({way_ja})。割当を行ってください。",
        en="{has} There is room for {possible} beside what is published ({way_en}). Assign it.",
    ),
    Standing.IMPOSSIBLE: Words(
        ja="{has}動かせる派遣がすべてなくても、第{asked}回を組むことはできません。",
        en="{has} Session {asked} is impossible even with every session gone that may move.",
    ),
    Standing.MOVABLE: Words(
        ja="{has}いまの確定日程のままでは"
        "第{asked}回を組めませんが、ほかの団体の回数を減らさずに組む計画が見つかりました。",
        en="{has} Beside what is published there is no room for "
        "session {asked}, but a plan was found that makes room and leaves everybody else as many "
        "sessions as they have.",
    ),
    Standing.NOT_CHOSEN: Words(
        ja="{has}第{asked}回は単独であれば"
        "組めますが、ほかのすべての団体の回数を保ったまま組む計画はないことが証明されています。",
        en="{has} Session {asked} would be possible alone, but "
        "it is proven that no plan gives it and leaves everybody else as many sessions as they "
        "have.",
    ),
    Standing.UNDECIDED: Words(
        ja="{has}第{asked}回は単独であれば"
        "組めますが、いまの確定日程のままでは組めません。ほかの派遣を動かせば組めるかどうかは、"
        "時間内に判明しませんでした。",
        en="{has} Session {asked} would be possible alone, but "
        "not beside what is published. Whether others can make room is open: time ran out.",
    ),
}

ANSWERS_TO_ORGANIZATION: Mapping[Standing, Words] = {
    Standing.SERVED: Words(
        ja="貴団体への派遣は、ご希望の{wanted}回すべての日程が確定しております。",
        en="All of your {wanted} sessions have been scheduled.",
    ),
    Standing.ROOM: Words(
        ja="{has}現時点では、{possible}回までの日程に空きがございます。",
        en="{has} At present there is room for {possible}.",
    ),
    Standing.IMPOSSIBLE: Words(
        ja="{has}恐れ入りますが、現在の条件では、第{asked}回の日程をご用意することができません。",
        en="{has} We are sorry that under the "
        "present conditions session {asked} cannot be arranged.",
    ),
    Standing.MOVABLE: Words(
        ja="{has}現在、第{asked}回にそのままお使いいただける空きはございませんが、"
        "日程全体の調整によりご用意できる見込みがございます。",
        en="{has} There is no free time for "
        "session {asked} as things stand, but rearranging the schedule as a whole could make room.",
    ),
    Standing.NOT_CHOSEN: Words(
        ja="{has}恐れ入りますが、対応できる専門家の日程はすでに確定した派遣で埋まっており、"
        "ほかの派遣の回数を減らさずに第{asked}回をご用意することができません。",
        en="{has} We are sorry that the experts "
        "who could come are taken up by what has been scheduled already, and that session {asked} "
        "cannot be arranged without taking sessions from others.",
    ),
    Standing.UNDECIDED: Words(
        ja="{has}現在、第{asked}回にそのままお使いいただける空きはございません。"
        "日程全体の調整によりご用意できるかどうかは、まだ確認できておりません。",
        en="{has} There is no free time for "
        "session {asked} as things stand; whether rearranging the schedule could make room has not "
        "been settled yet.",
    ),
}

REMEDIES_TO_ORGANIZATION: Mapping[str, Words] = {
    "later_latest": Words(
        ja="派遣期間の終わりを{amount}日延ばしていただければ、{sessions}回の日程を組むことができます。",
        en="If the period ended {days} later, {sessions_en} could be arranged.",
    ),
    "smaller_min_gap": Words(
        ja="派遣の間隔を{amount}日短くしてもよろしければ、{sessions}回の日程を組むことができます。",
        en="If sessions could follow each other {days} sooner, {sessions_en} could be arranged.",
    ),
    "larger_max_gap": Words(
        ja="派遣の間隔がこれまでより{amount}日長くなってもよろしければ、"
        "{sessions}回の日程を組むことができます。",
        en="If sessions could be up to {days} further apart, {sessions_en} could be arranged.",
    ),
    "more_hours": Words(
        ja="受入可能な時間に{weekday}曜日の{opens}から{closes}までを加えていただければ、"
        "{sessions}回の日程を組むことができます。",
        en="If you could also receive us on {weekday_en} from {opens} to {closes}, {sessions_en} "
        "could be arranged.",
    ),
    "online": Words(
        ja="オンラインでの実施でもよろしければ、{sessions}回の日程を組むことができます。",
        en="If the sessions were held online, {sessions_en} could be arranged.",
    ),
    "reassign": Words(
        ja="残りの派遣の専門家が交代してもよろしければ、{sessions}回の日程を組むことができます。",
        en="If another expert took over the rest, {sessions_en} could be arranged.",
    ),
}
"""What the organization can agree to by itself."""

NO_DAY_LEFT = Words(
    ja="実施できる期間が残っておりません。",
    en="No day is left on which a session may take place.",
)

FIXED = Words(
    ja="すでに固定された派遣のため、条件をすべて外しても組めません。",
    en="Its fixed sessions bar it, whatever else is given up.",
)

NOBODY = Words(
    ja="ご相談の内容に対応できる専門家がおりません。",
    en="There is no expert who can serve what you ask for.",
)

NOBODY_NOW = Words(
    ja="現在、ご対応できる専門家がおりません。",
    en="No expert is available to you at present.",
)

ROOM_BY_MOVING: Mapping[Voice, Words] = {
    Voice.PLANNER: Words(
        ja="{has}ほかの団体の日程はそのままで{possible}回まで組めますが({way_ja})、"
        "この案件の確定済みの派遣が動きます: {moves}。"
        "団体と専門家の同意を得て、割当を行ってください。",
        en="{has} There is room for {possible} beside what others have ({way_en}), if published "
        "sessions of its own move: {moves}. Assign it once the organization and the expert agree.",
    ),
    Voice.ORGANIZATION: Words(
        ja="{has}確定済みの日程を次のとおり変更してもよろしければ、"
        "{possible}回までの日程をご用意できます: {moves}。",
        en="{has} There is room for {possible} if these may move: {moves}.",
    ),
}
"""There is room, but not beside its own published sessions as they are."""

ALSO_MOVES: Mapping[Voice, Words] = {
    Voice.PLANNER: Words(
        ja="{remedy}(この案件の確定済みの派遣も動く: {moves})",
        en="{remedy} (published sessions of its own move as well: {moves})",
    ),
    Voice.ORGANIZATION: Words(
        ja="{remedy}その場合、確定済みの日程も変更させていただきます: {moves}。",
        en="{remedy} Sessions that have been scheduled would then move as well: {moves}.",
    ),
}
"""A remedy under which published sessions of the engagement's own move."""


def sentences(inquiry: Inquiry, voice: Voice) -> tuple[Words, ...]:
    """Say how it stands and why."""
    if voice is Voice.ORGANIZATION:
        return tuple(_to_organization(inquiry))
    return tuple(_to_planner(inquiry))


def conflict(inquiry: Inquiry, voice: Voice) -> tuple[tuple[str, Words], ...]:
    """The conditions that cannot all hold, by their names."""
    finding = inquiry.finding
    told = tuple(
        (each, condition_words(each, finding.engagement))
        for each in finding.conflict
        if voice is Voice.PLANNER or each in OWN
    )
    if voice is Voice.ORGANIZATION and not OWN.issuperset(finding.conflict):
        return (*told, (OTHERS, EXPERTS))
    return told


def offered(inquiry: Inquiry, voice: Voice) -> tuple[Remedy, ...]:
    """The remedies that are told, the cheapest first."""
    return tuple(
        each
        for each in inquiry.finding.remedies
        if voice is Voice.PLANNER
        or (each.consent != "office" and each.change in REMEDIES_TO_ORGANIZATION)
    )


def remedy(inquiry: Inquiry, offer: Remedy, voice: Voice) -> Words:
    """Say what could be changed, and what of the engagement's own dates would change with it."""
    words, told = _remedy(inquiry, offer, voice), ALSO_MOVES[voice]
    moved = Moved.of(inquiry.finding.engagement, offer.way)
    if moved is None:
        return words
    moves = _moves(moved, voice)
    return Words(
        ja=told.ja.format(remedy=words.ja, moves=moves.ja),
        en=told.en.format(remedy=words.en, moves=moves.en),
    )


def _remedy(inquiry: Inquiry, offer: Remedy, voice: Voice) -> Words:
    if voice is Voice.ORGANIZATION:
        number = len(offer.way.starts)
        facts = {
            **remedy_facts(offer),
            "sessions": number,
            "sessions_en": counted(number, "session"),
        }
        return _filled(REMEDIES_TO_ORGANIZATION[offer.change], facts)
    words = remedy_words(offer)
    held = inquiry.strangers.get(offer.way.expert, ())
    if offer.change == "another_expert" and held:
        return Words(
            ja=f"{words.ja}(専門: {'・'.join(each.name.ja for each in held)})",
            en=f"{words.en} (specialty: {', '.join(each.name.en for each in held)})",
        )
    return words


def move_words(moved: Moved) -> Words:
    """Say which sessions of another engagement move, from when to when."""
    words, engagement = _moves(moved, Voice.PLANNER), moved.before.engagement
    return Words(ja=f"{engagement} {words.ja}", en=f"{engagement} {words.en}")


def _moves(moved: Moved, voice: Voice) -> Words:
    """Say which sessions move, from when to when; to the organization no expert is named."""
    told = [_move(moved, number) for number in moved.sessions]
    ja, en = "、".join(each.ja for each in told), ", ".join(each.en for each in told)
    before, after = moved.before.expert, moved.after.expert
    if before == after:
        return Words(ja=ja, en=en)
    if voice is Voice.ORGANIZATION:
        return Words(ja=f"{ja}(専門家が交代)", en=f"{en} (with another expert)")
    return Words(ja=f"{ja}({before}→{after})", en=f"{en} ({before} to {after})")


def _move(moved: Moved, number: int) -> Words:
    """From when to when; a session that only gets another expert stays when it is."""
    before, after = (time_words(each.starts[number - 1]) for each in (moved.before, moved.after))
    if before == after:
        return Words(ja=f"第{number}回 {before.ja}", en=f"session {number} on {before.en}")
    return Words(
        ja=f"第{number}回 {before.ja}→{after.ja}",
        en=f"session {number} from {before.en} to {after.en}",
    )


def _to_planner(inquiry: Inquiry) -> Iterator[Words]:
    finding = inquiry.finding
    yield _answer(inquiry, ANSWERS[finding.answer], Voice.PLANNER)
    yield from _beyond(inquiry, ANSWERS)
    if inquiry.refusal is not None:
        reasons = zip(inquiry.refusal.reasons_ja, inquiry.refusal.reasons, strict=True)
        for ja, en in reasons:
            yield Words(ja=f"{ja}。", en=f"{en[:1].upper()}{en[1:]}.")
    if finding.conflict:
        yield _together(inquiry, [words for _, words in conflict(inquiry, Voice.PLANNER)])
    elif finding.of_asked is Standing.IMPOSSIBLE and inquiry.refusal is None:
        yield FIXED
    if finding.displaced:
        visits, expert = visits_words(finding.displaced), finding.displaced[0].expert
        yield Words(
            ja=f"{expert}が担当する場合に支障となる派遣: {visits.ja}。",
            en=f"With {expert}, these are in the way: {visits.en}.",
        )
    if finding.room is not None:
        room = finding.room
        organizations = len(room.moved)
        moves = [move_words(each) for each in room.moved]
        yield Words(
            ja=f"派遣計画を作り直せば組めます。ほかの{organizations}件の派遣案件の"
            f"{room.moved_sessions}回が動きます: {'、'.join(each.ja for each in moves)}。",
            en=f"A planning run can make room; it moves {counted(room.moved_sessions, 'session')} "
            f"of {counted(organizations, 'other engagement')}: "
            f"{'; '.join(each.en for each in moves)}.",
        )
        own = Moved.of(finding.engagement, room.assignment)
        if own is not None:
            also = _moves(own, Voice.PLANNER)
            yield Words(
                ja=f"この案件の確定済みの派遣も動きます: {also.ja}。",
                en=f"Published sessions of its own move as well: {also.en}.",
            )


def _to_organization(inquiry: Inquiry) -> Iterator[Words]:
    finding = inquiry.finding
    yield _answer(inquiry, ANSWERS_TO_ORGANIZATION[finding.answer], Voice.ORGANIZATION)
    yield from _beyond(inquiry, ANSWERS_TO_ORGANIZATION)
    if inquiry.refusal is not None:
        yield NO_DAY_LEFT if inquiry.matches else _nobody(inquiry)
    told = [words for _, words in conflict(inquiry, Voice.ORGANIZATION)]
    if finding.of_asked is Standing.IMPOSSIBLE and told:
        yield Words(
            ja=f"次の条件をすべて満たす日程がないためでございます: "
            f"{'、'.join(each.ja for each in told)}。",
            en=f"There is no schedule that meets all of these: "
            f"{', '.join(each.en for each in told)}.",
        )


def _answer(inquiry: Inquiry, words: Words, voice: Voice) -> Words:
    finding, facts = inquiry.finding, _facts(inquiry)
    moved = Moved.of(finding.engagement, finding.way) if finding.way else None
    has = _filled((HAS_SOME if finding.served else HAS_NONE)[voice], facts)
    if moved is None:
        moves = Words(ja="", en="")
    else:
        moves, words = _moves(moved, voice), ROOM_BY_MOVING[voice]
    return Words(
        ja=words.ja.format(has=has.ja, moves=moves.ja, **facts),
        en=words.en.format(has=has.en, moves=moves.en, **facts),
    )


def _beyond(inquiry: Inquiry, answers: Mapping[Standing, Words]) -> Iterator[Words]:
    """Say how it stands with the session after those for which there is room."""
    if inquiry.finding.beyond is not None:
        words, facts = answers[inquiry.finding.beyond], {**_facts(inquiry), "has": ""}
        told = _filled(words, facts)
        yield Words(ja=told.ja, en=told.en.lstrip())


def _nobody(inquiry: Inquiry) -> Words:
    """Whether there is nobody for what is asked, or they are kept from it as things are."""
    codes = {each.code for each in inquiry.excluded}
    return NOBODY if codes <= {"no_specialty"} else NOBODY_NOW


def _together(inquiry: Inquiry, told: list[Words]) -> Words:
    """Say that conditions cannot all hold."""
    finding = inquiry.finding
    who_ja, who_en = "どの候補者でも", "with any candidate"
    if finding.displaced:
        expert = finding.displaced[0].expert
        who_ja, who_en = f"{expert}が担当する場合", f"with {expert}"
    if len(told) == 1:
        return Words(
            ja=f"{who_ja}、{told[0].ja}のため組めません。",
            en=f"It does not fit {who_en} because of {told[0].en}.",
        )
    return Words(
        ja=f"{who_ja}、次の条件は同時に満たせません: {'、'.join(each.ja for each in told)}。"
        "どれか1つを外せば、残りは満たせます。",
        en=f"These cannot all hold {who_en}: {'; '.join(each.en for each in told)}. "
        "Without any one of them the others can.",
    )


def _facts(inquiry: Inquiry) -> Mapping[str, object]:
    finding = inquiry.finding
    way = way_words(finding.way) if finding.way else Words(ja="", en="")
    return {
        "id": finding.engagement.id,
        "wanted": finding.wanted,
        "served": finding.served,
        "asked": finding.asked,
        "possible": len(finding.way.starts) if finding.way else finding.served,
        "way_ja": way.ja,
        "way_en": way.en,
    }


def _filled(words: Words, facts: Mapping[str, object]) -> Words:
    return Words(ja=words.ja.format(**facts), en=words.en.format(**facts))
