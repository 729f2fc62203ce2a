"""Stands for notification where nobody in a chat is known."""

from services.team_formation.chats.hearing import NOBODY, Act, Hearing, Known, Sender


class Strangers(Hearing):
    """Knows nobody."""

    def __init__(self) -> None:
        """Needs no notification."""

    async def hear(self, sender: Sender, act: Act, *, code: str = "", text: str = "") -> Known:
        """Know nobody."""
        return NOBODY
