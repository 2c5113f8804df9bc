from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from matcher.models import Application, NoticeKind, Programme, Purpose
from matcher.notices.composition import compose, draft_notice
from matcher.programme import LineOfWords, Office
from tests.matcher.notices.records import DECIDED_AT, accepted, declined, programme, tokyo

HOSTILE = "<script>alert('&\"')</script>協同組合"
VOID = {"meta"}


class Page(HTMLParser):
    """Reads a page strictly: each element that opens closes, in turn."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[str] = []
        self.languages: set[str] = set()
        self.attributes: set[str] = set()
        self.read = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.seen.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.languages |= {value or "" for name, value in attrs if name == "lang"}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Expect the end of the one that opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect what a person reads."""
        if self.open and self.open[-1] != "style":
            self.read += data


def assert_in_order(text: str, *parts: str) -> None:
    place = 0
    for part in parts:
        place = text.find(part, place)
        assert place >= 0, f"{part!r} is not there, or not in its turn:\n{text}"


def test_an_acceptance_in_japanese_reads_as_an_official_letter() -> None:
    documents = compose(accepted(programme()), DECIDED_AT)
    assert documents.subject_ja == "専門家派遣の実施決定について(通知)"
    assert_in_order(
        documents.text_ja,
        "令和7年7月4日",
        "東京架空旅館協同組合 御中",
        "(ご担当 架空 花子 様)",
        "団体向け専門家派遣(カスタマーハラスメント対策マニュアル作成支援)",
        "事務局",
        "専門家派遣の実施決定について(通知)",
        "　貴団体から令和7年7月1日に申込みのありました",
        "記",
        "1 申込番号\n　A1",
        "2 支援の内容\n　カスタマーハラスメント対策マニュアルの作成支援",
        "3 派遣回数\n　全2回",
        "第1回(120分) 現状の把握、課題の抽出、アクションプランの策定",
        "第2回(60分) 最終内容の確認と運用に向けた助言",
        "東京都千代田区架空町1-1",
        "第1回を実施できる最初の日: 令和7年7月15日(火)",
        "事業の実施期間: 令和7年7月15日(火)から令和8年3月13日(金)まで",
        "派遣費用\n　無料",
        "最も適した専門家を選び",
        "第2回以降の内容と日程を計画します",
        "マニュアルは貴団体が主体となって作成し、専門家はその過程を通じて助言を行います。",
        "以上",
    )


def test_an_acceptance_in_english_says_the_same() -> None:
    documents = compose(accepted(programme()), DECIDED_AT)
    assert documents.subject_en.endswith("Has Been Accepted")
    assert_in_order(
        documents.text_en,
        "July 4, 2025",
        "Imaginary Inns of Tokyo Cooperative",
        "Attention: 架空 花子",
        "Dear Imaginary Inns of Tokyo Cooperative,",
        "Thank you for your application of July 1, 2025",
        "1. Application number\n   A1",
        "Development of a customer harassment prevention manual",
        "3. Number of sessions\n   2",
        "Session 1 (120 minutes): Assessing the Current Situation",
        "Session 2 (60 minutes): Review of Final Content",
        "First day on which session 1 can take place: Tuesday, July 15, 2025",
        "Tuesday, July 15, 2025 to Friday, March 13, 2026",
        "Free of charge",
        "the most suitable expert based on the specific needs",
        "Your organization is responsible for creating the manual",
        "Yours faithfully,",
        "Administrative Office",
    )


def test_a_decline_names_the_requirements_not_met_and_the_offices_own_words() -> None:
    application = declined(programme(), "located_in_tokyo", "会員数が確認できないため")
    documents = compose(application, DECIDED_AT)
    assert_in_order(
        documents.text_ja,
        "専門家派遣の実施見送りについて(通知)",
        "申込内容及び事前ヒアリングの結果を",
        "満たしていない要件\n　東京都内に住所又は主たる事務所を有すること。",
        "その他の理由\n　会員数が確認できないため",
        "令和8年1月9日(金)まで)に改めて申し込むことができます",
        "申込状況により、締切が変更となる場合があります。",
        "以上",
    )
    assert_in_order(
        documents.text_en,
        "Has Been Declined",
        "we regret to inform",
        "Requirements that are not met\n   It has its address or main office in Tokyo.",
        "Further reasons\n   会員数が確認できないため",
        "apply again within the application period, that is by Friday, January 9, 2026",
        "The deadline may be adjusted",
    )
    assert "located_in_tokyo" not in documents.text_ja + documents.text_en


def test_several_requirements_are_numbered() -> None:
    text = compose(declined(programme(), "legal_form", "located_in_tokyo"), DECIDED_AT).text_ja
    assert "(1) 次のいずれかに該当すること。" in text
    assert "(2) 東京都内に住所" in text
    assert "その他の理由" not in text


def test_after_the_application_period_nobody_is_told_to_apply_again() -> None:
    documents = compose(declined(programme(), "located_in_tokyo"), tokyo(1, 10, year=2026))
    assert "令和8年1月9日(金)をもって終了しました" in documents.text_ja
    assert "改めて" not in documents.text_ja
    assert "ended on Friday, January 9, 2026" in documents.text_en
    assert "welcome" not in documents.text_en


def test_one_who_was_not_called_is_not_told_of_an_interview() -> None:
    application = declined(programme(), "located_in_tokyo")
    assert application.interview is not None
    application.interview.held_at = None
    documents = compose(application, DECIDED_AT)
    assert "ヒアリング" not in documents.text_ja
    assert "interview" not in documents.text_en


def test_a_review_is_told_as_a_review() -> None:
    application = accepted(programme())
    application.purpose = Purpose.REVIEW
    documents = compose(application, DECIDED_AT)
    assert "作成済みのカスタマーハラスメント対策マニュアルの内容の確認" in documents.text_ja
    assert "主体となって改訂し" in documents.text_ja
    assert "responsible for revising the manual" in documents.text_en


def test_an_online_engagement_names_no_visit_and_a_wish_its_own_last_day() -> None:
    application = accepted(programme(), municipality_code=None, latest=dt.date(2025, 12, 26))
    documents = compose(application, DECIDED_AT)
    assert "オンライン" in documents.text_ja
    assert "訪問" not in documents.text_ja
    assert "終了の期限: 令和7年12月26日(金)" in documents.text_ja
    assert "as your organization wishes: Friday, December 26, 2025" in documents.text_en


def test_one_session_has_none_to_follow() -> None:
    documents = compose(accepted(programme(), session_minutes=(90,)), DECIDED_AT)
    assert "全1回" in documents.text_ja
    assert "第2回" not in documents.text_ja
    assert "following sessions" not in documents.text_en


OFFICE = Office(
    name=LineOfWords(ja="架空派遣事務局", en="Imaginary Dispatch Office"),
    telephone="03-0000-0000",
    email="office@dispatch.example.jp",
    hours=LineOfWords(ja="平日9時から17時まで", en="weekdays, 9:00 to 17:00"),
)


def with_office(office: Office) -> Programme:
    known = programme()
    known.rules = known.rules.model_copy(update={"office": office})
    return known


@pytest.mark.parametrize("make", [accepted, lambda known: declined(known, "located_in_tokyo")])
def test_an_office_that_is_named_signs_both_letters_and_says_how_it_is_reached(
    make: Callable[[Programme], Application],
) -> None:
    documents = compose(make(with_office(OFFICE)), DECIDED_AT)
    assert_in_order(
        documents.text_ja,
        "団体向け専門家派遣",
        "　架空派遣事務局\n",
        "(通知)",
        "お問い合わせ先",
        "　架空派遣事務局\n",
        "　電話 03-0000-0000(平日9時から17時まで)\n",
        "　電子メール office@dispatch.example.jp\n",
        "以上",
    )
    assert_in_order(
        documents.text_en,
        ". Contact\n   Imaginary Dispatch Office\n",
        "   Telephone: 03-0000-0000 (weekdays, 9:00 to 17:00)\n",
        "   E-mail: office@dispatch.example.jp\n",
        "Yours faithfully,\n\nImaginary Dispatch Office\n",
    )
    assert "Administrative Office" not in documents.text_en
    for language in ("ja", "en"):
        read = Page(vars(documents)[f"html_{language}"]).read
        told = vars(documents)[f"text_{language}"].split()
        assert [words for words in told if words not in read] == []


def test_an_office_without_hours_gives_its_number_alone() -> None:
    silent = OFFICE.model_copy(update={"hours": None})
    documents = compose(accepted(with_office(silent)), DECIDED_AT)
    assert "　電話 03-0000-0000\n" in documents.text_ja
    assert "   Telephone: 03-0000-0000\n" in documents.text_en


def test_while_no_office_is_named_no_letter_says_how_to_reach_it() -> None:
    documents = compose(accepted(programme()), DECIDED_AT)
    assert "お問い合わせ先" not in documents.text_ja
    assert "Contact" not in documents.text_en


def test_a_letter_is_dated_in_tokyo() -> None:
    late = dt.datetime(2025, 7, 4, 15, 30, tzinfo=dt.UTC)
    assert "令和7年7月5日" in compose(accepted(programme()), late).text_ja


@pytest.mark.parametrize("make", [accepted, lambda known: declined(known, "located_in_tokyo")])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_each_page_is_whole_prints_as_a4_and_needs_nothing_from_elsewhere(
    make: Callable[[Programme], Application], language: str
) -> None:
    documents = vars(compose(make(programme()), DECIDED_AT))
    html = documents[f"html_{language}"]
    page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert page.open == []
    assert page.languages == {language}
    assert page.seen.count("main") == 1
    assert "@page { size: A4" in html
    assert page.attributes <= {"lang", "charset", "name", "content", "class"}
    assert "url(" not in html
    told = documents[f"text_{language}"].split()
    assert [words for words in told if words not in page.read] == []


def test_what_a_page_says_is_escaped() -> None:
    application = declined(programme(), HOSTILE)
    organization = application.organization
    organization.name_ja = organization.name_en = organization.contact_name = HOSTILE
    documents = compose(application, DECIDED_AT)
    for html in (documents.html_ja, documents.html_en):
        page = Page(html)
        assert "script" not in page.seen
        assert page.read.count(HOSTILE) == html.count("&lt;script&gt;") > 2
    assert HOSTILE in documents.text_ja, "a text needs no escape"


def test_a_draft_goes_to_the_contact_on_record() -> None:
    notice = draft_notice(accepted(programme()), "笠原 文子", DECIDED_AT)
    assert notice.kind == NoticeKind.ACCEPTED
    assert (notice.recipient_name, notice.recipient_email) == ("架空 花子", "office@inns.example")
    assert (notice.created_at, notice.created_by) == (DECIDED_AT, "笠原 文子")


def test_before_the_decision_there_is_nothing_to_tell() -> None:
    application = declined(programme())
    application.decision = None
    with pytest.raises(ValueError, match="nothing is decided"):
        compose(application, DECIDED_AT)
