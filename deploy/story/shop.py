"""What a platform can call: the three services with its key, and refusals in words."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc
from groupbuy.notification.v1.notification_service_pb2_grpc import NotificationStub
from groupbuy.pricing.v1.pricing_service_pb2_grpc import PricingStub
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub

from deploy.channels import open_channel
from deploy.local.answers import code_of, details_of, remedy
from deploy.local.errors import LocalError

SECONDS = 30.0
_REMEDIES = {
    grpc.StatusCode.UNAUTHENTICATED: "Set GROUPBUY_PLATFORM_KEY to a key of the platform whose seat it is.",
}


class RefusedError(LocalError):
    """A service did not answer a call; `code` is its status."""

    def __init__(self, code: grpc.StatusCode, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.code = code


class Shop:
    """The services as a platform sees them."""

    def __init__(self, teams: Any, prices: Any, messages: Any, key: str) -> None:
        self.teams = teams
        self.prices = prices
        self.messages = messages
        self._metadata = (("authorization", f"Bearer {key}"),)

    def ask(self, method: Any, request: Any) -> Any:
        """Make a call; RefusedError with what the service says."""
        try:
            return method(request, metadata=self._metadata, timeout=SECONDS)
        except grpc.RpcError as error:
            code = code_of(error)
            raise RefusedError(code, f"{code.name}: {details_of(error)}", remedy(code, _REMEDIES)) from None

    def pages(self, method: Any, request: Any, field: str) -> Iterator[Any]:
        """Read all pages of a list, one after the other."""
        request.page_size = 1000
        while True:
            answer = self.ask(method, request)
            yield from getattr(answer, field)
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token


@contextmanager
def a_shop(team_formation: str, pricing: str, notification: str, key: str) -> Iterator[Shop]:
    """Open the services at their addresses."""
    with ExitStack() as stack:
        one, two, three = (
            stack.enter_context(open_channel(address)) for address in (team_formation, pricing, notification)
        )
        yield Shop(TeamFormationStub(one), PricingStub(two), NotificationStub(three), key)
