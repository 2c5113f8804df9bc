"""What an organization asks for, corrected: by an interview, or as it is agreed later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matcher.intake.drafts import AbsentTime, InterviewFindings, Wishes, faults
from matcher.models import Application, ApplicationAbsence

__all__ = ["absences_of", "correct_wishes"]


def correct_wishes(
    application: Application,
    findings: InterviewFindings,
    *,
    session_minutes: Sequence[int] | None = None,
) -> None:
    """Replace what an application asked for by what is wished for now.

    `session_minutes` are the lengths that the hours have to have room for, where others were agreed
    than the application asks for.

    Raises:
        Invalid: the programme does not offer what is wished for now.
    """
    given = findings.given()
    if not given:
        return
    agreed = {} if session_minutes is None else {"session_minutes": tuple(session_minutes)}
    wishes = Wishes.of(application).model_copy(update=given | agreed)
    for fault in faults(wishes, application.programme.rules):
        raise fault
    if "absences" in given:
        given["absences"] = absences_of(findings.absences)
    for name, value in given.items():
        setattr(application, name, value)


def absences_of(absences: Iterable[AbsentTime]) -> list[ApplicationAbsence]:
    """Absences as they are kept."""
    return [ApplicationAbsence(**own.model_dump()) for own in absences]
