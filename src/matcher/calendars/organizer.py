"""Who publishes all calendars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from matcher.calendars.wording import Wording
from matcher.notices.smtp import mailbox


@dataclass(frozen=True)
class Organizer:
    """The office: its name, and its role mailbox, never a person's."""

    name: Wording
    address: str

    @classmethod
    def of_sender(cls, sender: str | None) -> Organizer:
        """The office as it signs its mail; None: it sends none."""
        if sender is None:
            return OFFICE
        found = mailbox(sender)
        name = found.display_name
        return cls(Wording(name, name) if name else OFFICE.name, found.addr_spec)


OFFICE: Final = Organizer(
    Wording("専門家派遣事務局", "Expert Dispatch Office"), "office@expert-dispatch.example"
)
"""Where no mailbox is set; nobody can write to it."""
