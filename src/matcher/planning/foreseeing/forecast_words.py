"""What a forecast says, in words: no more than was tried."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from matcher.planning.foreseeing.forecast import LENGTHS, Bottleneck, Uncounted
from matcher.programme import Words
from matcher.wording import counted, day_words

LIMITS = {
    "max_per_week": Words(ja="1週間の上限", en="a week"),
    "max_total": Words(ja="担当回数の上限", en="in all"),
}


def last_day_sentence(
    name: Words, sessions: int, day: dt.date | None, uncounted: Sequence[Uncounted] = ()
) -> Words:
    """Until when a typical engagement still fits, as it was tried."""
    if uncounted:
        return _last_day_known(name, sessions, day, [each.expert_id for each in uncounted])
    if day is None:
        return Words(
            ja=f"{name.ja}では、標準的な{sessions}回の派遣を最後まで実施できる専門家が現時点でいません。",
            en=f"No typical engagement of {sessions} sessions in {name.en} can be completed now.",
        )
    return Words(
        ja=f"{day_words(day).ja}より後に決定すると、"
        f"{name.ja}では標準的な{sessions}回の派遣を最後まで実施できなくなります。",
        en=f"After {day_words(day).en} no typical engagement of {sessions} sessions "
        f"in {name.en} can be completed any more.",
    )


def _last_day_known(
    name: Words, sessions: int, day: dt.date | None, untried: Sequence[str]
) -> Words:
    """The same where some experts could not be tried: with them, it may be later."""
    ja, en = "、".join(untried), ", ".join(untried)
    if day is None:
        return Words(
            ja=f"{name.ja}では、標準的な{sessions}回の派遣を最後まで実施できる専門家が"
            f"見つかっていません。ただし、{ja}は計算に含めていません。",
            en=f"Nobody was found who can complete a typical engagement of {sessions} sessions "
            f"in {name.en} now; {en} could not be tried.",
        )
    return Words(
        ja=f"{day_words(day).ja}までに決定すれば、{name.ja}では標準的な{sessions}回の派遣を最後まで"
        f"実施できます。{ja}を計算に含めていないため、それより後については分かりません。",
        en=f"Until {day_words(day).en} a typical engagement of {sessions} sessions in {name.en} "
        f"can be completed; later is not known, as {en} could not be tried.",
    )


def uncounted_sentence(uncounted: Uncounted, expert: Words) -> Words:
    """Who is not counted, and why."""
    reasons = uncounted.reasons
    return Words(
        ja=f"{expert.ja}は計算に含めていません。" + "".join(each.ja for each in reasons),
        en=f"{expert.en} is not counted. " + " ".join(each.en for each in reasons),
    )


def bottleneck_sentence(found: Bottleneck, expert: Words) -> Words:
    """What a limit of an expert is worth: what is proven, or else what was placed."""
    limit, sessions = LIMITS[found.limit], LENGTHS[0]
    ja = f"{expert.ja}の{limit.ja}を{found.raised_by}回増やすと、{sessions}回の派遣を"
    en = f"With {found.raised_by} more {limit.en} of {expert.en}, "
    if found.gain:
        return Words(
            ja=f"{ja}少なくともあと{found.gain}件受け入れられます。",
            en=f"{en}at least {counted(found.gain, 'more engagement')} of {sessions} sessions "
            "can be accepted.",
        )
    return Words(
        ja=f"{ja}あと{found.placed}件組み込めました。ただし、増やさなくても組み込める可能性があります。",
        en=f"{en}{counted(found.placed, 'more engagement')} of {sessions} sessions found a place; "
        "whether there is none without is not proven.",
    )
