"""The parts of a plan's cost, by name and by what they charge."""

from __future__ import annotations

from collections.abc import Mapping

from matcher.programme import Words

COST_PARTS: Mapping[str, tuple[Words, Words]] = {
    "unserved": (
        Words(ja="未派遣", en="unserved"),
        Words(ja="1回も派遣できない団体", en="organizations without any session"),
    ),
    "dropped": (
        Words(ja="回数不足", en="dropped"),
        Words(ja="希望どおり組めなかった回", en="sessions asked for and not placed"),
    ),
    "match": (
        Words(ja="適合", en="match"),
        Words(ja="専門分野・業種と相談内容の隔たり", en="experts who fit the needs less well"),
    ),
    "preference": (
        Words(ja="希望時間", en="preference"),
        Words(ja="団体の希望時間帯から外れた回", en="sessions outside preferred hours"),
    ),
    "travel": (
        Words(ja="移動", en="travel"),
        Words(ja="専門家の移動時間", en="experts on the way"),
    ),
    "wait": (
        Words(ja="待ち", en="wait"),
        Words(ja="第1回までの待ち日数", en="days until session 1"),
    ),
    "gap": (
        Words(ja="間隔", en="gap"),
        Words(ja="目標の間隔からのずれ", en="days off the wished interval"),
    ),
    "overload": (
        Words(ja="超過", en="overload"),
        Words(ja="専門家の目安回数を超えた回", en="sessions above an expert's target"),
    ),
    "stability": (
        Words(ja="変更", en="stability"),
        Words(ja="確定済みの日程・担当の変更", en="changes to what was published"),
    ),
}
"""The parts of a cost, in the order of the plan file, with what each charges."""
