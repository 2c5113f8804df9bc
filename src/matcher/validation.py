"""What pydantic found wrong with given values, told to people in their language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, Field
from pydantic_core import ErrorDetails

from matcher.fields import CORPORATE_NUMBER, EMAIL, LINE, MUNICIPALITY_CODE, TELEPHONE, TEXT

Language = Literal["en", "ja"]


class FieldProblem(BaseModel):
    """One field at fault, why, and what would do instead."""

    field: str = Field(description="where it is: names and positions, joined by dots")
    detail: str
    remedy: str


class _Words(NamedTuple):
    """What to say of one type of error; braces hold pydantic's own figures."""

    detail_en: str
    remedy_en: str
    detail_ja: str
    remedy_ja: str


_WORDS: Final = {
    "missing": _Words("it is missing", "add it", "必須の項目です", "追加してください"),
    "extra_forbidden": _Words(
        "there is no such field",
        "remove it, or correct its spelling",
        "この名前の項目はありません",
        "削除するか、つづりを直してください",
    ),
    "string_type": _Words(
        "it is not text", "give a string", "文字列ではありません", "文字列で指定してください"
    ),
    "string_too_short": _Words(
        "it is too short",
        "give at least {min_length} characters",
        "短すぎます",
        "{min_length} 文字以上で指定してください",
    ),
    "string_too_long": _Words(
        "it is too long",
        "give at most {max_length} characters",
        "長すぎます",
        "{max_length} 文字以内で指定してください",
    ),
    "string_pattern_mismatch": _Words(
        "it is not written as it must be",
        "give text that matches {pattern}",
        "書式が正しくありません",
        "{pattern} に合う文字列を指定してください",
    ),
    "int_type": _Words(
        "it is not a whole number",
        "give a whole number",
        "整数ではありません",
        "整数で指定してください",
    ),
    "int_parsing": _Words(
        "it is not a whole number",
        "give a whole number",
        "整数ではありません",
        "整数で指定してください",
    ),
    "float_type": _Words(
        "it is not a number", "give a number", "数ではありません", "数で指定してください"
    ),
    "bool_type": _Words(
        "it is neither true nor false",
        "give true or false",
        "true でも false でもありません",
        "true か false を指定してください",
    ),
    "bool_parsing": _Words(
        "it is neither true nor false",
        "give true or false",
        "true でも false でもありません",
        "true か false を指定してください",
    ),
    "greater_than_equal": _Words(
        "it is too small", "give at least {ge}", "小さすぎます", "{ge} 以上を指定してください"
    ),
    "less_than": _Words(
        "it is too large", "give less than {lt}", "大きすぎます", "{lt} 未満を指定してください"
    ),
    "less_than_equal": _Words(
        "it is too large", "give at most {le}", "大きすぎます", "{le} 以下を指定してください"
    ),
    "greater_than": _Words(
        "it is too small", "give more than {gt}", "小さすぎます", "{gt} より大きくしてください"
    ),
    "literal_error": _Words(
        "it is none of the values that are known",
        "give {expected}",
        "指定できる値ではありません",
        "{expected_ja} のいずれかを指定してください",
    ),
    "enum": _Words(
        "it is none of the values that are known",
        "give {expected}",
        "指定できる値ではありません",
        "{expected_ja} のいずれかを指定してください",
    ),
    "too_short": _Words(
        "it has too few entries",
        "give at least {min_length}",
        "項目が少なすぎます",
        "{min_length} 件以上を指定してください",
    ),
    "too_long": _Words(
        "it has too many entries",
        "give at most {max_length}",
        "項目が多すぎます",
        "{max_length} 件以内で指定してください",
    ),
    "moment_range": _Words(
        "it lies too far away",
        "give a time in the years 2000 to 2099",
        "年が範囲外です",
        "2000 年から 2099 年の日時を指定してください",
    ),
    "hours_to_the_minute": _Words(
        "it is not told to the minute",
        "write HH:MM",
        "分単位の時刻ではありません",
        "HH:MM の形で指定してください",
    ),
    "hours_reversed": _Words(
        "it closes before it opens",
        "let it close after it opens",
        "終了時刻が開始時刻より後になっていません",
        "開始時刻より後の終了時刻を指定してください",
    ),
    "timezone_aware": _Words(
        "it names no time zone",
        "add the offset, such as +09:00",
        "時差が書かれていません",
        "「+09:00」のように時差を付けてください",
    ),
    "json_invalid": _Words(
        "it holds text that is no Unicode",
        "remove lone surrogates",
        "Unicode として正しくない文字があります",
        "不正なサロゲートを取り除いてください",
    ),
}

_QUOTED: Final = re.compile(r"'[^']*'")
"""Each value in pydantic's own list of them, which is an English one."""

_WRITTEN: Final = {
    EMAIL: _Words(
        "it is no e-mail address",
        "write name@example.jp",
        "メールアドレスではありません",
        "name@example.jp の形で指定してください",
    ),
    TELEPHONE: _Words(
        "it is no telephone number",
        "write 03-1234-5678",
        "電話番号ではありません",
        "03-1234-5678 の形で指定してください",
    ),
    MUNICIPALITY_CODE: _Words(
        "it is no municipality code",
        "give five digits, such as 13104 for Shinjuku",
        "市区町村コードではありません",
        "13104(新宿区)のような5桁の数字で指定してください",
    ),
    CORPORATE_NUMBER: _Words(
        "it is no corporate number",
        "give thirteen digits",
        "法人番号ではありません",
        "13桁の数字で指定してください",
    ),
    LINE: _Words(
        "it is not one line of text",
        "give some text without line breaks or control characters",
        "1行の文字列ではありません",
        "改行や制御文字を含まない、空白だけではない文字列を指定してください",
    ),
    TEXT: _Words(
        "it says nothing, or holds control characters",
        "give some text",
        "文章ではありません",
        "制御文字を含まない、空白だけではない文章を指定してください",
    ),
}
"""By the pattern that a text does not match, where a person would rather not read the pattern."""

_DAY = _Words(
    "it is not a day of the calendar",
    "write YYYY-MM-DD",
    "日付ではありません",
    "YYYY-MM-DD の形で指定してください",
)
_MOMENT = _Words(
    "it is not a point in time",
    "write YYYY-MM-DDTHH:MM:SS+09:00",
    "日時ではありません",
    "YYYY-MM-DDTHH:MM:SS+09:00 の形で指定してください",
)
_CLOCK = _Words(
    "it is not a time of day", "write HH:MM", "時刻ではありません", "HH:MM の形で指定してください"
)
_LIST = _Words("it is not a list", "give a list", "配列ではありません", "配列で指定してください")
_OBJECT = _Words(
    "it is not an object",
    "give an object in braces",
    "オブジェクトではありません",
    "波括弧のオブジェクトで指定してください",
)
_FAMILIES: Final = {
    "datetime": _MOMENT,
    "date": _DAY,
    "time": _CLOCK,
    "list": _LIST,
    "tuple": _LIST,
    "dict": _OBJECT,
    "model": _OBJECT,
}
"""The first word of an error's type, for those that mean the same."""


def explain(problems: Sequence[ErrorDetails], language: Language) -> list[FieldProblem]:
    """Say of each field what is wrong and what would help.

    Where a field may be absent, pydantic tries its type and then null, and tells of both under
    names of its own: only the type is told of, under the name of the field.
    """
    optional = {problem["loc"][:-1] for problem in problems if problem["type"] == "none_required"}
    within = {
        problem["loc"][:depth] for problem in problems for depth in range(len(problem["loc"]))
    }
    return [
        _explain(problem, loc[:-1] if loc[:-1] in optional else loc, language)
        for problem in problems
        for loc in (problem["loc"],)
        if problem["type"] != "none_required"
        # An entry that is wrong is not counted: that a list is too short follows from it.
        and not (problem["type"] == "too_short" and loc in within)
    ]


def _explain(problem: ErrorDetails, loc: tuple[int | str, ...], language: Language) -> FieldProblem:
    figures: dict[str, Any] = dict(problem.get("ctx", {}))
    if problem["type"] in ("literal_error", "enum"):
        figures["expected_ja"] = "、".join(_QUOTED.findall(figures["expected"]))
    words = (
        _WRITTEN.get(figures.get("pattern", ""))
        or _WORDS.get(problem["type"])
        or _FAMILIES.get(problem["type"].partition("_")[0])
    )
    if words is None:
        words = _other(problem["msg"].removeprefix("Value error, "))
    detail, remedy = words[:2] if language == "en" else words[2:]
    return FieldProblem(
        field=".".join(str(part) for part in loc if part != "[key]") or "body",
        detail=detail,
        remedy=remedy.format_map(figures),
    )


def _other(message: str) -> _Words:
    return _Words(message, "correct it", f"値が正しくありません({message})", "修正してください")
