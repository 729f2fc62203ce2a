"""Calls the engine as a shop's backend does: its key, a deadline, and the same call again where no answer came."""

import json
import tomllib
from importlib.resources import files
from typing import Any

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from groupbuy.pricing.v1.pricing_service_pb2_grpc import PricingStub
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub
from grpc_status import rpc_status

REASONS = tomllib.loads((files("groupbuy") / "reasons.toml").read_text(encoding="utf-8"))
WAITS = {"maxAttempts": 5, "initialBackoff": "0.2s", "maxBackoff": "2s", "backoffMultiplier": 2}
CODES = ["UNAVAILABLE", "CANCELLED", "RESOURCE_EXHAUSTED"]
AGAIN = {"name": [{}], "retryPolicy": {**WAITS, "retryableStatusCodes": CODES}}


class Refused(Exception):
    """A rule of the engine says no. `reason` is stable; printed it is a sentence for the buyer."""

    def __init__(self, reason: str, **metadata: str) -> None:
        words = REASONS.get(reason, {}).get("buyer") or REASONS["INTERNAL"]["buyer"]
        super().__init__(words["en"].format_map(metadata))
        self.reason, self.metadata = reason, metadata


class Engine:
    """The services that the shop calls."""

    def __init__(self, teams: str, prices: str, key: str) -> None:
        options = [("grpc.service_config", json.dumps({"methodConfig": [AGAIN]}))]
        self.channels = [grpc.aio.insecure_channel(address, options) for address in (teams, prices)]
        self.teams, self.prices = TeamFormationStub(self.channels[0]), PricingStub(self.channels[1])
        self.metadata = (("authorization", f"Bearer {key}"),)

    async def ask(self, method: Any, request: Any) -> Any:
        """Give the answer; Refused by a rule, AioRpcError where nothing was decided and the same may be asked again."""
        try:
            return await method(request, metadata=self.metadata, timeout=10)
        except grpc.aio.AioRpcError as error:
            info, status = ErrorInfo(), rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what a call has
            if status and any(part.Unpack(info) for part in status.details) and info.metadata["retry"] != "same_id":
                raise Refused(info.reason, **info.metadata) from None
            raise
