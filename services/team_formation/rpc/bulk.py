"""Many joins in one call: their number, and their answers put together from bytes that are stored already.

A response message is written around the answers (translate/wire.py): nothing that was serialised once is parsed and
serialised again.

The one exception are answers that together are more than clients of gRPC take (a team of a hundred items has up to
20 KB of prices): they go without prices, so that every call of 500 joins can be read. The same call again gives the
same.
"""

from collections.abc import Iterable, Sequence

from google.rpc import error_details_pb2, status_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import metrics
from services.chassis.errors import Rejected, invalid
from services.chassis.status import status_of
from services.team_formation.rpc.sizes import LARGEST
from services.team_formation.translate.wire import field

MOST_JOINS = 500
_RESULTS: int = pb.JoinTeamsResponse.RESULTS_FIELD_NUMBER
_JOINED: int = pb.JoinResult.JOINED_FIELD_NUMBER


def check(joins: Sequence[pb.JoinTeamRequest]) -> None:
    """Refuse a call with too many joins, or none."""
    if not joins:
        raise invalid("joins", f"must be 1 to {MOST_JOINS}")
    if len(joins) > MOST_JOINS:
        raise Rejected("TOO_MANY_JOINS", {"maximum": str(MOST_JOINS), "given": str(len(joins))})


def written(answers: Sequence[bytes | Rejected]) -> bytes:
    """Write the response: each answer a JoinTeamResponse in bytes, or a refusal."""
    for answer in answers:
        if isinstance(answer, Rejected):
            metrics.REFUSALS.labels(answer.reason).inc()
    whole = _written(answers)
    return whole if len(whole) <= LARGEST else _written(map(_without_prices, answers))


def _written(answers: Iterable[bytes | Rejected]) -> bytes:
    return b"".join(field(_RESULTS, _result(answer)) for answer in answers)


def _without_prices(answer: bytes | Rejected) -> bytes | Rejected:
    if isinstance(answer, Rejected):
        return answer
    joined = pb.JoinTeamResponse.FromString(answer)
    joined.team.ClearField("prices")
    return joined.SerializeToString()


def _result(answer: bytes | Rejected) -> bytes:
    if isinstance(answer, bytes):
        return field(_JOINED, answer)
    return pb.JoinResult(refused=refused(status_of(answer))).SerializeToString(deterministic=True)


def refused(status: status_pb2.Status) -> pb.Refused:
    """Write a refusal as a call of its own would have got it."""
    written = pb.Refused(code=status.code, message=status.message)
    for detail in status.details:
        info, problems = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            written.reason = info.reason
            written.metadata.update(info.metadata)
        elif detail.Unpack(problems):
            written.fields.update({item.field: item.description for item in problems.field_violations})
    return written
