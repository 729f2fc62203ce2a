"""Shows platforms what they may do and how much of it they did: the service Quotas, which every process answers."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias
from uuid import UUID

import grpc
from groupbuy.chassis.v1 import quotas_pb2 as pb
from groupbuy.chassis.v1 import quotas_pb2_grpc as pb_grpc

from services.chassis import limits
from services.chassis.server import Servicer, caller

NAME = "groupbuy.chassis.v1.Quotas"

Count: TypeAlias = Callable[[UUID], Awaitable[int]]
"""Counts in a service's database how much of a limit a platform has used."""

_Context = grpc.aio.ServicerContext[Any, Any]


def servicer(counts: Mapping[str, Count]) -> Servicer:
    """Make the gRPC service; `counts` are the limits that a service keeps in its database."""
    return Servicer(NAME, QuotasServicer(counts), pb_grpc.add_QuotasServicer_to_server)


class QuotasServicer(pb_grpc.QuotasServicer):
    """Answers platforms."""

    def __init__(self, counts: Mapping[str, Count]) -> None:
        self._counts = counts

    async def GetQuotas(self, _request: pb.GetQuotasRequest, _context: _Context) -> pb.GetQuotasResponse:  # noqa: N802 - the name of the RPC
        """Tell the caller's quotas; none where calls are not measured."""
        meter = limits.current()
        if meter is None:
            return pb.GetQuotasResponse()
        quotas = meter.quotas()
        for name, count in self._counts.items():
            quotas.append(limits.Quota(name, limits.allowed(name) or 0, await count(caller())))
        return pb.GetQuotasResponse(
            quotas=[
                pb.Quota(
                    limit=item.limit,
                    allowed=item.allowed,
                    used=item.used,
                    used_last_minute=item.used_last_minute,
                    refused=item.refused,
                )
                for item in quotas
            ]
        )
