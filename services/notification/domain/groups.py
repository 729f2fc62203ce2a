"""Group chats that are bound to a team: what of their team they are told, and when."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.notification.domain.messages import Card, Kind
from services.notification.domain.prices import TeamPrice
from services.notification.domain.teams import Opened, Team, TeamState

MOST_GROUPS = 20
"""Of one team, that are told something."""
MOST_KEPT = 100
"""With those that were stopped."""
APART = timedelta(seconds=10)
"""Between two cards of a group: messengers take some twenty changes a minute in one chat."""


@dataclass(frozen=True, slots=True)
class Group:
    """A chat that is bound to a team. To deliveries it is a member, of an id that no platform can give."""

    platform_id: UUID
    campaign_id: UUID
    team_id: UUID
    group_id: UUID
    channel: str
    link: str
    bound_at: datetime
    shown: str = ""
    """The facts that the last card said; empty before the first."""
    knew: bool = False
    """Its first card said that the minimum is reached, and it was so since."""
    over_at: datetime | None = None
    stopped: bool = False
    seen_version: int = 0
    """Of the team, when the group was looked at last."""
    seen_price: int = 0
    """The version of its price then."""
    bindings: int = 1
    """How often it was bound, each time otherwise."""

    @property
    def member_id(self) -> str:
        """Give the member that deliveries are written for."""
        return member_of_group(self.group_id)


def member_of_group(group_id: UUID) -> str:
    """Make the member id of a group."""
    return f"@{group_id.hex}"


def group_of_member(member_id: str) -> UUID | None:
    """Read the group whose member id it is; None of a member."""
    return UUID(hex=member_id[1:]) if member_id.startswith("@") else None


def card_of(team: Team, opened: Opened, price: TeamPrice | None, link: str, stop: str) -> Card:
    """Tell how a team stands."""
    missing = max(0, opened.minimum - team.fill) if team.state is TeamState.FORMING else 0
    left = max(0, opened.maximum - team.taken)
    card = Card(team.state, team.fill, missing, left, opened.ends_at, link, stop)
    if price is None or team.state.has_ended:
        return card
    return replace(card, now=price.now, several=price.several, best=price.best if price.best < price.now else 0)


def shown(card: Card) -> str:
    """Write what a card says, to see whether another says the same."""
    price = f"{card.now} {card.best} {card.several}"
    return f"{card.state} {card.joined} {card.missing} {card.left} {card.open_until.isoformat()} {price}"


def group_news(group: Group, card: Card, *, edits: bool, told_on: bool) -> list[Kind]:
    """Tell what a group is told now: its card, where it says something new and can be shown, and at most two posts.

    A team that has its minimum and is not certain is between two events of one moment: the second tells it.
    """
    told: list[Kind] = []
    if card.state is TeamState.FORMING and not card.missing:
        return told
    if shown(card) != group.shown and (edits or not group.shown):
        told.append(Kind.GROUP_CARD)
    if group.shown and card.state is TeamState.TIPPED and not (told_on or group.knew):
        told.append(Kind.GROUP_ON)
    if group.shown and card.state.has_ended:
        told.append(Kind.GROUP_ENDED)
    return told
