"""Obstacles: why an engagement does not get the sessions that were meant for it, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from matcher.models import EngagementState
from matcher.programme import Words

NAMED_AT_MOST = 20
"""So many engagements are named in a sentence, where there may be hundreds."""


@dataclass(frozen=True)
class Obstacle:
    """Why an engagement does not get the sessions that were meant for it."""

    engagement_id: str
    reason: Words


def obstacles(reasons: Mapping[str, Words]) -> tuple[Obstacle, ...]:
    """Obstacles from their reasons, by engagement."""
    return tuple(Obstacle(id, reasons[id]) for id in sorted(reasons))


def named(left_out: Sequence[Obstacle]) -> str:
    """The first of some engagements, by id."""
    first = ", ".join(each.engagement_id for each in left_out[:NAMED_AT_MOST])
    return f"{first}, …" if len(left_out) > NAMED_AT_MOST else first


def ended(state: EngagementState) -> Words:
    """Say that an engagement gets no sessions any more."""
    return COMPLETED if state is EngagementState.COMPLETED else WITHDRAWN


def rule_broken(rule: str, **facts: object) -> Words:
    """Say that sessions break a rule of the judge by now: with which expert, within which days."""
    words = RULES.get(rule, _ANY_RULE)
    return Words(ja=words.ja.format_map(facts), en=words.en.format_map(facts))


COMPLETED = Words(ja="派遣案件は完了しています。", en="The engagement is completed.")
WITHDRAWN = Words(ja="派遣案件は取り下げられています。", en="The engagement is withdrawn.")
ON_HOLD = Words(
    ja="この派遣案件のために日程を仮押さえしています。", en="Times are on hold for the engagement."
)
OUT_OF_SCOPE = Words(
    ja="この派遣案件は、計画の対象から外れています。",
    en="The engagement is no longer one of those that the plan was for.",
)
SESSIONS_CHANGED = Words(
    ja="この派遣案件の派遣は、計算の開始後に変更されています。",
    en="Its sessions were changed after the run began.",
)
WISHES_CHANGED = Words(
    ja="この派遣案件の希望条件は、計算の開始後に変更されています。",
    en="What it asks for was changed after the run began.",
)
NEEDLESS = Words(
    ja="この変更がなくても残りの部分は成り立ち、費用も増えません。",
    en="Without its change the rest holds, and costs no more.",
)
EXPERT_PINNED = Words(
    ja="この派遣案件には、別の専門家が固定されています。",
    en="Another expert is pinned for the engagement.",
)
TWO_EXPERTS = Words(
    ja="元に戻す派遣の専門家が1人ではありません。",
    en="The sessions that would come back are with more than one expert.",
)
OTHER_LENGTHS = Words(
    ja="派遣の長さが、現在の希望と異なります。", en="By now it asks for sessions of other lengths."
)
FIXED_BREAK_A_RULE = Words(
    ja="変更の対象でない派遣が規則に反しています。",
    en="Sessions that stay as they are break a rule.",
)
NO_DAY_LEFT = Words(
    ja="派遣を実施できる日が残っていません。", en="There is no day left for a session."
)
_ANY_RULE = Words(
    ja="現在の記録では、規則に反します。", en="By the records as they are now, it breaks a rule."
)

_STANDING_CHANGED = Words(
    ja="終了した派遣、間近の派遣または固定された派遣の変更を伴います。",
    en="It would change a session that is over, close at hand or pinned.",
)
_OUTSIDE_THE_WINDOW = Words(
    ja="実施できる期間({earliest}から{latest}まで)から外れています。",
    en="A session is not within {earliest} to {latest}, the days that are left for it.",
)
RULES: Mapping[str, Words] = MappingProxyType(
    {
        "session_count": Words(
            ja="希望回数がこれより少なくなっています。", en="It asks for fewer sessions by now."
        ),
        "candidate": Words(
            ja="専門家{expert}は、この派遣案件を担当できません。",
            en="Expert {expert} may not serve the engagement.",
        ),
        "expert_kept": Words(
            ja="これまでの専門家が引き続き担当する必要があります。",
            en="The expert of the sessions that stand has to go on.",
        ),
        "pinned_served": _STANDING_CHANGED,
        "pinned_unmoved": _STANDING_CHANGED,
        "gap_days": Words(
            ja="派遣の間隔が、この派遣案件の条件に合いません。",
            en="The days between its sessions are not as it asks for.",
        ),
        "slot_grid": Words(
            ja="開始時刻が決められた刻みに合いません。", en="A session does not start on the grid."
        ),
        "period": _OUTSIDE_THE_WINDOW,
        "window": _OUTSIDE_THE_WINDOW,
        "closed_day": Words(
            ja="休業日に当たる派遣があります。", en="A session is on a closed day."
        ),
        "expert_hours": Words(
            ja="専門家{expert}の対応可能時間の外に派遣があります。",
            en="A session is outside the weekly hours of expert {expert}.",
        ),
        "expert_busy": Words(
            ja="専門家{expert}の都合がつかない日時に派遣があります。",
            en="Expert {expert} is not free at the time of a session.",
        ),
        "organization_hours": Words(
            ja="団体の受入可能時間の外に派遣があります。",
            en="A session is outside the organization's weekly hours.",
        ),
        "organization_busy": Words(
            ja="団体の都合がつかない日時に派遣があります。",
            en="The organization is busy at the time of a session.",
        ),
        "overlap": Words(
            ja="専門家{expert}のほかの派遣と重なります。",
            en="Expert {expert} has another session at the same time.",
        ),
        "travel_time": Words(
            ja="専門家{expert}のほかの派遣との間に、移動する時間がありません。",
            en="Expert {expert} has no time to travel from or to another session.",
        ),
        "max_per_day": Words(
            ja="専門家{expert}の1日の回数の上限を超えます。",
            en="Expert {expert} would have more sessions on a day than the limit.",
        ),
        "max_per_week": Words(
            ja="専門家{expert}の1週間の回数の上限を超えます。",
            en="Expert {expert} would have more sessions in a week than the limit.",
        ),
        "max_total": Words(
            ja="専門家{expert}の担当回数の上限を超えます。",
            en="Expert {expert} would have more sessions than the limit.",
        ),
    }
)
"""What is said of an engagement that breaks a rule of the judge."""
