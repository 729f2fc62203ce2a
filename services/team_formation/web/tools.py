"""What the pages of links work with: those of invites and those of campaigns."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.team_formation.web.joining import Checkouts
from services.team_formation.web.pages import Assets, Pages
from services.team_formation.web.previews import Previews
from services.team_formation.web.strangers import Strangers
from services.team_formation.web.wechat_cards import WeChatCards


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of one process."""

    pages: Pages
    assets: Assets
    checkouts: Checkouts
    previews: Previews
    strangers: Strangers
    cards: WeChatCards
    origins: Sequence[str]
    """That may read data across origins."""
