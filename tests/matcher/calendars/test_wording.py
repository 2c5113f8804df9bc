import pytest

from matcher.calendars.wording import Wording, one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("一行", "一行"),
        ("two\r\nlines", "two lines"),
        ("two\u2028lines", "two lines"),
        ("a\ttab", "a tab"),
        ("bell\x07, escape\x1b, null\x00", "bell, escape, null"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("全角 空白", "全角 空白"),
        (" around ", "around"),
    ],
)
def test_a_text_becomes_one_printable_line(text: str, line: str) -> None:
    assert one_line(text) == line


def test_a_wording_reads_in_one_language_or_in_both() -> None:
    wording = Wording("派遣", "session")
    assert wording.read("ja") == "派遣"
    assert wording.read("en") == "session"
    assert wording.read("both") == "派遣 / session"


def test_a_missing_language_is_stood_in_for_by_the_other() -> None:
    assert Wording("派遣", "").read("en") == "派遣"
    assert Wording("", "session").read("ja") == "session"
    assert Wording("派遣", "").read("both") == "派遣"


def test_a_name_that_is_the_same_in_both_languages_is_read_once() -> None:
    assert Wording("IT", "IT").read("both") == "IT"
