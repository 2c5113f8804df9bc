"""What people read, in Japanese, in English, or in both side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from matcher.programme import Words

Language = Literal["ja", "en", "both"]


@dataclass(frozen=True)
class Voice:
    """Says things in the reader's language; in both, Japanese comes first."""

    language: Language = "both"

    def say(self, ja: str, en: str, *, between: str = "  ") -> str:
        """Say one thing."""
        match self.language:
            case "ja":
                return ja
            case "en":
                return en
            case "both":
                return ja if ja == en else f"{ja}{between}{en}"

    def name(self, words: Words, *, between: str = "\n") -> str:
        """Say a name or text that is kept in both languages; in both, one below the other."""
        return self.say(words.ja, words.en, between=between)
