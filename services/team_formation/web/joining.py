"""From the page to the platform's checkout: the join button mints a token that says where the buyer comes from."""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from starlette.requests import Request
from starlette.routing import Route

from services.chassis.clock import Clock
from services.team_formation import translate
from services.team_formation.domain import Campaign, Terms
from services.team_formation.handover import JWKS_PATH, Handover, HandoverTokens
from services.team_formation.web.answers import JSON, Answer, answer, body_of, common
from services.team_formation.web.campaign_visits import CampaignVisit
from services.team_formation.web.shown import Shown
from services.team_formation.web.visits import Action, Visit

PARAMETER = "handover"
_KEPT = b"public, max-age=3600"
"""docs/handover.md counts on that when keys change."""


@dataclass(frozen=True, slots=True)
class Checkouts:
    """Leads buyers to checkouts."""

    tokens: HandoverTokens
    clock: Clock

    def address(self, visit: Visit, sku: str) -> str:
        """Give the address of the checkout with a fresh token; empty where there is no way in now.

        A SKU that the campaign does not sell is left out: the checkout asks.
        """
        campaign, invite = visit.shown.campaign, visit.invite
        if visit.action is Action.NONE or not visit.leads_to_checkout:
            return ""
        handover = Handover(
            campaign_id=translate.campaign_id(campaign.campaign_id),
            team_id=translate.team_id(invite.campaign_id, invite.team_id),
            invite_code=visit.code,
            sku=_known(sku, visit.shown.terms),
            return_url=visit.link,
        )
        return self._minted(campaign, handover)

    def opening(self, visit: CampaignVisit, sku: str) -> str:
        """Give the address of the checkout with a fresh token for whoever opens a team, or wants to be reminded of it.

        Empty where neither can be done now. No team and no invite are named.
        """
        campaign = visit.shown.campaign
        if not (visit.is_open or visit.is_early) or not visit.leads_to_checkout:
            return ""
        return self._minted(campaign, _from_campaign(visit, "", _known(sku, campaign.terms)))

    def joining(self, visit: CampaignVisit, team: Shown, sku: str) -> str:
        """Give the address of the checkout with a fresh token for a listed team, without an invite."""
        if not visit.is_open or not visit.leads_to_checkout:
            return ""
        name = translate.team_id(team.team.campaign_id, team.team.team_id)
        return self._minted(visit.shown.campaign, _from_campaign(visit, name, _known(sku, team.terms)))

    def _minted(self, campaign: Campaign, handover: Handover) -> str:
        token = self.tokens.mint(campaign.platform_id, handover, self.clock.now(campaign.platform_id))
        return _with_token(campaign.presentation.checkout_url, token)


def _from_campaign(visit: CampaignVisit, team_id: str, sku: str) -> Handover:
    return Handover(translate.campaign_id(visit.shown.campaign.campaign_id), team_id, "", sku, visit.link)


def _known(sku: str, terms: Terms) -> str:
    """Leave out what is not sold: the checkout asks."""
    return sku if sku and terms.item(sku) else ""


def keys_route(tokens: HandoverTokens) -> Route:
    """Serve the public keys that tokens are checked with."""
    keys = body_of(JSON, tokens.jwks())

    async def jwks(request: Request) -> Answer:
        return answer(request, keys, [*common(_KEPT), (b"access-control-allow-origin", b"*")])

    return Route(JWKS_PATH, jwks)


def _with_token(url: str, token: str) -> str:
    """Add the token to an address, whose own query stays as it is written."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, f"{PARAMETER}={token}") if part)
    return urlunsplit(parts._replace(query=query))
