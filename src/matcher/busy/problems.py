"""Why a calendar cannot be read, in words for its owner."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from matcher.programme import Words

PROBLEMS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "not_an_address": Words(
            ja="カレンダーのアドレスとして読み取れません", en="it is no address of a calendar"
        ),
        "scheme": Words(
            ja="https、http、webcal以外のアドレスは使えません",
            en="an address begins with https, http or webcal",
        ),
        "port": Words(
            ja="通常のポート以外のアドレスは使えません", en="the address names a port of its own"
        ),
        "private_address": Words(
            ja="インターネットに公開されていないアドレスです",
            en="the address is not in the public internet",
        ),
        "redirects": Words(ja="転送が繰り返されています", en="it is redirected again and again"),
        "no_answer": Words(
            ja="カレンダーのサーバーから応答がありません", en="its server does not answer"
        ),
        "status": Words(
            ja="サーバーがカレンダーを返しません(公開が終了した可能性があります)",
            en="its server refuses it: it may not be shared any more",
        ),
        "too_large": Words(ja="カレンダーが大きすぎます(上限5MB)", en="it has more than 5 MB"),
        "too_slow": Words(ja="読み込みに時間がかかりすぎます", en="it takes too long to arrive"),
        "too_costly": Words(
            ja="カレンダーが複雑すぎて読み取れません", en="it is too complex to be read"
        ),
        "too_many_events": Words(
            ja="予定の数が多すぎます(上限5,000件)", en="it has more than 5,000 events"
        ),
        "not_a_calendar": Words(
            ja="iCalendar形式として読み取れません", en="it is no iCalendar, or not a whole one"
        ),
    }
)
"""By the word that `fetching` and `reading` have for it."""
