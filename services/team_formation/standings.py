"""How far all services are with a test twin, this one first."""

from collections.abc import Mapping
from uuid import UUID

import grpc
from groupbuy.chassis.v1 import standing_internal_pb2 as pb
from groupbuy.chassis.v1 import standing_internal_pb2_grpc as pb_grpc

from services.chassis import ids, logs
from services.chassis.database import Database
from services.chassis.standing import Pace, Standing, read, standing_of
from services.team_formation import translate
from services.team_formation.store import pace

OWN = "team_formation"
PACE = Pace(pace.find_next_due, pace.sum_told)
ASK_SECONDS = 3.0
_SILENT = Standing(platform_sequence=-1)
"""Of a service that does not answer, or has not heard of the twin: it is not done."""

log = logs.logger(__name__)


class Standings:
    """Clients of the other services, by their names: those that others read from before those that only read."""

    def __init__(
        self, database: Database, stubs: "Mapping[str, pb_grpc.StandingInternalAsyncStub]", service_key: str
    ) -> None:
        self._database = database
        self._stubs = stubs
        self._metadata = (("authorization", f"Bearer {service_key}"),)

    async def of(self, platform_id: UUID) -> dict[str, Standing]:
        """Tell how far each service is, one asked after the other: what settled means rests on the order."""
        found = {OWN: await standing_of(self._database, PACE, platform_id)}
        for name in self._stubs:
            found[name] = await self._ask(name, platform_id)
        return found

    async def _ask(self, name: str, platform_id: UUID) -> Standing:
        request = pb.GetStandingRequest(platform_id=ids.opaque(translate.PLATFORM, platform_id))
        try:
            return read(await self._stubs[name].GetStanding(request, metadata=self._metadata, timeout=ASK_SECONDS))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return _SILENT  # as for a moment after each reset
            log.warning("how far a test twin is there is not known", service=name, why=error.details())
            return _SILENT
