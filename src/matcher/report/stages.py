"""The stages of a solve, in words."""

from __future__ import annotations

from typing import Final, NamedTuple


class Stage(NamedTuple):
    """What the solver is doing."""

    ja: str
    en: str


_STAGES: Final = {
    "reading": Stage("問題の読み込み", "reading the problem"),
    "pairs": Stage("組み合わせごとの費用の計算", "pricing who could serve whom"),
    "bound": Stage("下界の証明", "proving a bound"),
    "construct": Stage("最初の計画の作成", "building a first plan"),
    "improve": Stage("計画の改善", "improving the plan"),
    "prove": Stage("下界の引き上げ", "raising the bound"),
    "promises": Stage("変更の少ない計画の探索", "keeping what is published"),
    "done": Stage("完了", "done"),
}


def stage_of(name: str) -> Stage:
    """A stage by the name that the solver gives it; one that is new to us goes by that name."""
    return _STAGES.get(name, Stage(name, name))
