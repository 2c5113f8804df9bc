"""The words of the notices in Japanese; the programme's own where its page has them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from matcher.clock import to_tokyo
from matcher.models import Application, Engagement, Purpose, Session, SessionStatus
from matcher.notices.letter import Item, Letter, standing
from matcher.notices.reasons import Reasons
from matcher.programme import Office, Period, ProgrammeRules
from matcher.wording import WEEKDAYS_JA

__all__ = ["accepted", "declined", "schedule"]

REIWA_BEGINS = 2019


def accepted(application: Application, engagement: Engagement, today: dt.date) -> Letter:
    """Say that an expert is sent, and what happens next."""
    return _letter(
        application,
        today,
        "専門家派遣の実施決定について(通知)",
        f"{_applied(application)}、申込内容及び事前ヒアリングの結果を確認し、下記のとおり"
        "専門家の派遣を実施することに決定しましたので、通知します。",
        (
            Item("申込番号", (application.id,)),
            Item("支援の内容", (_SUPPORT[application.purpose],)),
            Item("派遣回数", (f"全{len(engagement.session_minutes)}回",)),
            Item("各回の時間及び内容(予定)", tuple(_sessions(engagement)), numbered=False),
            Item("実施方法", (_place(engagement),)),
            Item("派遣の期間", tuple(_period(engagement))),
            Item("派遣費用", ("無料",)),
            Item("今後の流れ", tuple(_next_steps(engagement))),
            Item("留意事項", tuple(_remarks(application.purpose))),
        ),
    )


def declined(application: Application, reasons: Reasons, today: dt.date) -> Letter:
    """Say that no expert is sent, why, and how to apply again."""
    interview = application.interview
    asked = interview is not None and interview.held_at is not None
    return _letter(
        application,
        today,
        "専門家派遣の実施見送りについて(通知)",
        f"{_applied(application)}、申込内容{'及び事前ヒアリングの結果' if asked else ''}を"
        "慎重に確認しましたが、誠に残念ながら、下記の理由により派遣の実施を見送ることと"
        "しましたので、通知します。何卒ご理解くださいますようお願いいたします。",
        (
            Item("申込番号", (application.id,)),
            *_grounds(reasons),
            Item("再度の申込みについて", tuple(_another_try(application.programme.rules, today))),
        ),
    )


def schedule(application: Application, engagement: Engagement, today: dt.date) -> Letter:
    """Say when the sessions take place and with whom, as it stands."""
    sessions = standing(engagement)
    if not sessions:
        lines: tuple[str, ...] = (
            "現在、日程の決まっている派遣はありません。改めて調整のうえ、お知らせします。",
        )
    else:
        lines = tuple(map(_session, sessions))
    return _letter(
        application,
        today,
        "専門家派遣の日程について(お知らせ)",
        "貴団体への専門家派遣の日程は下記のとおりです。以前お知らせした日程がある場合は、"
        "本書の内容に置き換えてください。",
        (
            Item("申込番号", (application.id,)),
            Item("日程", lines, numbered=False),
        ),
    )


def _session(session: Session) -> str:
    start, end = to_tokyo(session.start_at), to_tokyo(session.end_at)
    place = "オンライン" if session.municipality_code is None else session.place_ja
    held = "(実施済み)" if session.status == SessionStatus.HELD else ""
    return (
        f"第{session.number}回 {_with_weekday(start.date())}{start:%H:%M}から{end:%H:%M}まで{held} "
        f"専門家 {session.expert.name_ja} 会場 {place}"
    )


_SUPPORT = {
    Purpose.NEW_MANUAL: "カスタマーハラスメント対策マニュアルの作成支援",
    Purpose.REVIEW: "作成済みのカスタマーハラスメント対策マニュアルの内容の確認及び改善の提案",
}


def _letter(
    application: Application, today: dt.date, subject: str, opening: str, items: tuple[Item, ...]
) -> Letter:
    organization, rules = application.organization, application.programme.rules
    return Letter(
        language="ja",
        day=_in_reiwa(today),
        recipient=f"{organization.name_ja} 御中",
        attention=f"(ご担当 {organization.contact_name} 様)",
        sender=tuple(_sender(rules)),
        subject=subject,
        opening=opening,
        items=(*items, *_contact(rules.office)),
    )


def _sender(rules: ProgrammeRules) -> Iterator[str]:
    yield rules.name.ja
    yield "事務局" if rules.office is None else rules.office.name.ja


def _contact(office: Office | None) -> Iterator[Item]:
    """How the office is reached, where it has said so."""
    if office is not None:
        hours = "" if office.hours is None else f"({office.hours.ja})"
        lines = (
            office.name.ja,
            f"電話 {office.telephone}{hours}",
            f"電子メール {office.email}",
        )
        yield Item("お問い合わせ先", lines, numbered=False)


def _applied(application: Application) -> str:
    day = _in_reiwa(to_tokyo(application.submitted_at).date())
    return f"貴団体から{day}に申込みのありました標記の件につきまして"


def _sessions(engagement: Engagement) -> Iterator[str]:
    application = engagement.application
    total = len(engagement.session_minutes)
    for number, minutes in enumerate(engagement.session_minutes, 1):
        phase = application.programme.rules.phase(number, total)
        heading = phase.contents(application.purpose).heading.ja
        yield f"第{number}回({minutes}分) {heading}"


def _place(engagement: Engagement) -> str:
    if engagement.municipality_code is None:
        return "オンライン(接続先は、日程とあわせてお知らせします。)"
    return f"専門家が貴団体を訪問します({engagement.application.organization.address_ja})。"


def _period(engagement: Engagement) -> Iterator[str]:
    period = engagement.application.programme.rules.implementation_period
    yield f"第1回を実施できる最初の日: {_with_weekday(engagement.earliest)}"
    yield f"事業の実施期間: {_span(period)}"
    if engagement.latest < period.last_day:
        yield f"貴団体のご希望による終了の期限: {_with_weekday(engagement.latest)}"


def _next_steps(engagement: Engagement) -> Iterator[str]:
    yield (
        "事務局が、貴団体の相談内容に最も適した専門家を選び、各回の日程とあわせてお知らせします。"
        "派遣は、申込みの審査が終わった団体から順次開始します。"
    )
    if len(engagement.session_minutes) > 1:
        yield (
            "第1回では、専門家と貴団体が意見を交わして方向性と優先順位を明確にし、"
            "第2回以降の内容と日程を計画します。"
        )


def _remarks(purpose: Purpose) -> Iterator[str]:
    work = "改訂" if purpose == Purpose.REVIEW else "作成"
    yield f"マニュアルは貴団体が主体となって{work}し、専門家はその過程を通じて助言を行います。"
    yield "各回の進め方及び内容は一例です。貴団体の状況に応じ、協議のうえ決定します。"


def _grounds(reasons: Reasons) -> Iterator[Item]:
    if reasons.requirements:
        texts = tuple(each.text.ja for each in reasons.requirements)
        yield Item("満たしていない要件", texts)
    if reasons.words:
        heading = "その他の理由" if reasons.requirements else "見送りの理由"
        yield Item(heading, reasons.words)


def _another_try(rules: ProgrammeRules, today: dt.date) -> Iterator[str]:
    period = rules.application_period
    last_day = _with_weekday(period.last_day)
    if today > period.last_day:
        yield f"今年度の申込期間は、{last_day}をもって終了しました。"
        return
    yield (
        f"上記の事情が解消した場合は、申込期間内({last_day}まで)に改めて申し込むことができます。"
        "その際は、新たな申込書をご提出ください。"
    )
    if period.note is not None:
        yield period.note.ja


def _span(period: Period) -> str:
    return f"{_with_weekday(period.first_day)}から{_with_weekday(period.last_day)}まで"


def _with_weekday(day: dt.date) -> str:
    return f"{_in_reiwa(day)}({WEEKDAYS_JA[day.weekday()]})"


def _in_reiwa(day: dt.date) -> str:
    """A day by the era, as official letters count; every programme lies in Reiwa."""
    year = day.year - REIWA_BEGINS + 1
    return f"令和{year}年{day.month}月{day.day}日"
