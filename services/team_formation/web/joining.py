"""From the page to the platform's checkout: the join button mints a token that says where the buyer comes from."""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from starlette.requests import Request
from starlette.routing import Route

from services.chassis.clock import Clock
from services.team_formation import translate
from services.team_formation.handover import JWKS_PATH, Handover, HandoverTokens
from services.team_formation.web.answers import JSON, Answer, answer, body_of, common
from services.team_formation.web.view import Action, Visit, action_of

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
        if action_of(visit) is Action.NONE or not visit.leads_to_checkout:
            return ""
        handover = Handover(
            campaign_id=translate.campaign_id(campaign.campaign_id),
            team_id=translate.team_id(invite.campaign_id, invite.team_id),
            invite_code=visit.code,
            sku=sku if sku and visit.shown.terms.item(sku) else "",
            return_url=visit.link,
        )
        token = self.tokens.mint(campaign.platform_id, handover, self.clock.now(campaign.platform_id))
        return _with_token(campaign.presentation.checkout_url, token)


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
