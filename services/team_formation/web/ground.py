"""What all pages stand on: the parts of the service that they read from and hand work to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.team_formation.catalogue import Catalogue
from services.team_formation.codes import InviteCodes
from services.team_formation.commissions import AskCommissions
from services.team_formation.doors import Doors
from services.team_formation.handlers import Answer, Ask
from services.team_formation.handover import HandoverTokens
from services.team_formation.message_switch import MessageSwitch
from services.team_formation.signed_links import MemberLinks, PromoterLinks

Submit = Callable[[Ask], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Ground:
    """The parts of one process."""

    database: Database
    clock: Clock
    catalogue: Catalogue
    codes: InviteCodes
    doors: Doors
    tokens: HandoverTokens
    links: MemberLinks
    promoter_links: PromoterLinks
    submit: Submit
    """Has a command decided."""
    commissions: AskCommissions
    """Asks pricing what promoters earn."""
    switch: MessageSwitch | None = None
    """The switch of members' messages; None where no notification is named."""
