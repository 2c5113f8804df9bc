"""Text for calendars: in Japanese, in English or in both, and always on one line."""

import re
from dataclasses import dataclass
from typing import Literal

Language = Literal["ja", "en", "both"]

# vdirsyncer breaks lines wherever str.splitlines does, so the rarer separators must go as well.
_LINE_BREAK = re.compile("\r\n|[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
# C0 and C1 control characters, and lone surrogates, which UTF-8 cannot encode.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def one_line(text: str) -> str:
    """Return the text with a space for each line break and without control characters."""
    return _UNPRINTABLE.sub("", _LINE_BREAK.sub(" ", text)).strip()


@dataclass(frozen=True)
class Wording:
    """One thing said in Japanese and in English; either may be empty, and both end on one line."""

    ja: str
    en: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "ja", one_line(self.ja))
        object.__setattr__(self, "en", one_line(self.en))

    def read(self, language: Language, between: str = " / ") -> str:
        """Return what a reader of the language reads; a missing language is stood in for."""
        if language == "ja":
            return self.ja or self.en
        if language == "en":
            return self.en or self.ja
        return between.join(dict.fromkeys(text for text in (self.ja, self.en) if text))
