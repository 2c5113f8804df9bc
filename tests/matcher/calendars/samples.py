"""Entries and feeds for tests of the calendars."""

import datetime as dt

from matcher.calendars.entries import Entry, FeedContents
from matcher.calendars.wording import Wording

TEN_O_CLOCK = dt.datetime(2025, 9, 3, 1, 0, tzinfo=dt.UTC)
"""Ten o'clock in Tokyo on a Wednesday."""

TARO = Wording("架空 太郎", "Taro Kaku")

ON_SITE = Entry(
    session_id="S1",
    number=1,
    phase=Wording("アクションプランの策定", "Action plan"),
    contents=(Wording("現状把握と課題整理", "Assessing the current situation"),),
    partner=Wording("東京架空旅館協同組合", "Imaginary Inns of Tokyo Cooperative"),
    partner_role=Wording("団体", "Organization"),
    place=Wording("東京都千代田区架空町1-1", "1-1 Kaku, Chiyoda"),
    online=False,
    meeting_url=None,
    start_at=TEN_O_CLOCK,
    end_at=TEN_O_CLOCK + dt.timedelta(hours=2),
    status="confirmed",
    sequence=0,
    revised_at=TEN_O_CLOCK - dt.timedelta(days=30),
)


def contents(*entries: Entry, owner: Wording = TARO) -> FeedContents:
    """Return an expert's feed in both languages."""
    return FeedContents(
        language="both",
        owner=owner,
        renamed_at=None,
        day_began_at=TEN_O_CLOCK - dt.timedelta(hours=10),
        entries=entries,
    )
