"""The words of the notices in English; the programme's own where its page has them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from matcher.clock import to_tokyo
from matcher.models import Application, Engagement, Purpose, Session, SessionStatus
from matcher.notices.letter import Item, Letter, standing
from matcher.notices.reasons import Reasons
from matcher.programme import Office, Period, ProgrammeRules

__all__ = ["accepted", "declined", "schedule"]


def accepted(application: Application, engagement: Engagement, today: dt.date) -> Letter:
    """Say that an expert is sent, and what happens next."""
    return _letter(
        application,
        today,
        "Notification of Implementation Decision: Your Application Has Been Accepted",
        f"{_applied(application)} On the basis of your application and the pre-dispatch interview, "
        "we are pleased to inform you that an expert will be dispatched to your organization "
        "as set out below.",
        (
            Item("Application number", (application.id,)),
            Item("Support", (_SUPPORT[application.purpose],)),
            Item("Number of sessions", (str(len(engagement.session_minutes)),)),
            Item(
                "Length and content of each session (planned)",
                tuple(_sessions(engagement)),
                numbered=False,
            ),
            Item("Place", (_place(engagement),)),
            Item("Period", tuple(_period(engagement))),
            Item("Dispatch fee", ("Free of charge",)),
            Item("What happens next", tuple(_next_steps(engagement))),
            Item("Please note", tuple(_remarks(application.purpose))),
        ),
    )


def declined(application: Application, reasons: Reasons, today: dt.date) -> Letter:
    """Say that no expert is sent, why, and how to apply again."""
    interview = application.interview
    asked = interview is not None and interview.held_at is not None
    return _letter(
        application,
        today,
        "Notification of Implementation Decision: Your Application Has Been Declined",
        f"{_applied(application)} After careful consideration of your application"
        f"{' and the results of the pre-dispatch interview' if asked else ''}, we regret to inform "
        "you that we are not able to dispatch an expert, for the reasons given below.",
        (
            Item("Application number", (application.id,)),
            *_grounds(reasons),
            Item("Applying again", tuple(_another_try(application.programme.rules, today))),
        ),
    )


def schedule(application: Application, engagement: Engagement, today: dt.date) -> Letter:
    """Say when the sessions take place and with whom, as it stands."""
    sessions = standing(engagement)
    if not sessions:
        lines: tuple[str, ...] = (
            "There is no session with a date at present. We will write to you again.",
        )
    else:
        lines = tuple(map(_session, sessions))
    return _letter(
        application,
        today,
        "Schedule of Your Expert Sessions",
        "These are the dates of the expert sessions for your organization. They replace any that "
        "we have sent you before.",
        (
            Item("Application number", (application.id,)),
            Item("Schedule", lines, numbered=False),
        ),
    )


def _session(session: Session) -> str:
    start, end = to_tokyo(session.start_at), to_tokyo(session.end_at)
    place = session.place_en or session.place_ja
    place = "online" if session.municipality_code is None else place
    held = ", held" if session.status == SessionStatus.HELD else ""
    return (
        f"Session {session.number}: {_with_weekday(start.date())}, {start:%H:%M} to {end:%H:%M} "
        f"(Japan time){held}; expert: {session.expert.name_en}; place: {place}"
    )


_SUPPORT = {
    Purpose.NEW_MANUAL: "Development of a customer harassment prevention manual",
    Purpose.REVIEW: "Review of your existing customer harassment prevention manual, "
    "with suggestions for its improvement",
}


def _letter(
    application: Application, today: dt.date, subject: str, opening: str, items: tuple[Item, ...]
) -> Letter:
    organization, rules = application.organization, application.programme.rules
    return Letter(
        language="en",
        day=_day(today),
        recipient=organization.name_en,
        attention=f"Attention: {organization.contact_name}",
        sender=tuple(_sender(rules)),
        subject=subject,
        opening=opening,
        items=(*items, *_contact(rules.office)),
    )


def _sender(rules: ProgrammeRules) -> Iterator[str]:
    yield "Administrative Office" if rules.office is None else rules.office.name.en
    yield rules.name.en


def _contact(office: Office | None) -> Iterator[Item]:
    """How the office is reached, where it has said so."""
    if office is not None:
        hours = "" if office.hours is None else f" ({office.hours.en})"
        lines = (
            office.name.en,
            f"Telephone: {office.telephone}{hours}",
            f"E-mail: {office.email}",
        )
        yield Item("Contact", lines, numbered=False)


def _applied(application: Application) -> str:
    day = _day(to_tokyo(application.submitted_at).date())
    name = application.programme.rules.name.en
    return f"Thank you for your application of {day} to the {name}."


def _sessions(engagement: Engagement) -> Iterator[str]:
    application = engagement.application
    total = len(engagement.session_minutes)
    for number, minutes in enumerate(engagement.session_minutes, 1):
        phase = application.programme.rules.phase(number, total)
        heading = phase.contents(application.purpose).heading.en
        yield f"Session {number} ({minutes} minutes): {heading}"


def _place(engagement: Engagement) -> str:
    if engagement.municipality_code is None:
        return "Online. We will send you the link together with the dates."
    organization = engagement.application.organization
    address = organization.address_en or organization.address_ja
    return f"The expert will visit your organization ({address})."


def _period(engagement: Engagement) -> Iterator[str]:
    period = engagement.application.programme.rules.implementation_period
    yield f"First day on which session 1 can take place: {_with_weekday(engagement.earliest)}"
    yield f"Implementation period of the programme: {_span(period)}"
    if engagement.latest < period.last_day:
        yield f"Last day, as your organization wishes: {_with_weekday(engagement.latest)}"


def _next_steps(engagement: Engagement) -> Iterator[str]:
    yield (
        "We will assign the most suitable expert based on the specific needs of your organization, "
        "and inform you of the expert and the dates. Expert dispatch begins sequentially after the "
        "application review is completed."
    )
    if len(engagement.session_minutes) > 1:
        yield (
            "In session 1 the expert and your organization will exchange perspectives and clarify "
            "direction and priorities; the content and schedule of the following sessions will be "
            "planned on this basis."
        )


def _remarks(purpose: Purpose) -> Iterator[str]:
    work = "revising" if purpose == Purpose.REVIEW else "creating"
    yield (
        f"Your organization is responsible for {work} the manual, and the expert will provide "
        "advisory support throughout the process."
    )
    yield (
        "The content given for each session is a sample. The approach and content will be "
        "determined in consultation with your organization based on its specific circumstances."
    )


def _grounds(reasons: Reasons) -> Iterator[Item]:
    if reasons.requirements:
        texts = tuple(each.text.en for each in reasons.requirements)
        yield Item("Requirements that are not met", texts)
    if reasons.words:
        yield Item("Further reasons" if reasons.requirements else "Reasons", reasons.words)


def _another_try(rules: ProgrammeRules, today: dt.date) -> Iterator[str]:
    period = rules.application_period
    last_day = _with_weekday(period.last_day)
    if today > period.last_day:
        yield f"This year's application period ended on {last_day}."
        return
    yield (
        "Once the circumstances above have changed, you are welcome to apply again within the "
        f"application period, that is by {last_day}. Please submit a new application form."
    )
    if period.note is not None:
        yield period.note.en


def _span(period: Period) -> str:
    return f"{_with_weekday(period.first_day)} to {_with_weekday(period.last_day)}"


def _with_weekday(day: dt.date) -> str:
    return f"{day:%A}, {_day(day)}"


def _day(day: dt.date) -> str:
    return f"{day:%B} {day.day}, {day.year}"
