"""The test twin's clock and its beginning anew, asked for by itself."""

from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from groupbuy.team_formation.v1 import sandbox_pb2 as pb

from services.chassis import queueing, requests
from services.chassis.errors import Rejected, invalid
from services.chassis.server import caller
from services.team_formation import translate
from services.team_formation.domain import Problem
from services.team_formation.handlers.resetting import Resetter
from services.team_formation.handlers.test_clock import FURTHEST, TestClock, TestClocks, only_test
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.standings import Standings

WAIT_SECONDS = 15.0
RESET_SECONDS = 5.0
_MARGIN_SECONDS = 1.0
"""So long before its caller gives up a call is answered."""


class SandboxRpcs(Rpcs):
    """Answers test twins."""

    async def AdvanceClock(self, request: pb.AdvanceClockRequest, _context: Context) -> pb.AdvanceClockResponse:  # noqa: N802
        """Move the clock on, and wait until it has arrived."""
        only_test(caller())
        key = fields.request_key("AdvanceClock", caller(), requests.NO_CAMPAIGN, request)
        answer = await self._clocks.advance(key, _how_far(request), _accepted)
        if isinstance(answer, Rejected):
            raise answer
        seconds = min(WAIT_SECONDS, queueing.left() - _MARGIN_SECONDS)
        return pb.AdvanceClockResponse(clock=_written(await self._clocks.arrived(caller(), seconds)))

    async def GetTestClock(self, _request: pb.GetTestClockRequest, _context: Context) -> pb.GetTestClockResponse:  # noqa: N802
        """Tell the time."""
        return pb.GetTestClockResponse(clock=_written(await self._clocks.find(caller())))

    async def ResetTestPlatform(  # noqa: N802
        self, request: pb.ResetTestPlatformRequest, _context: Context
    ) -> pb.ResetTestPlatformResponse:
        """Begin the twin anew."""
        resetter = Resetter(self._desk.database, self._desk.clock, self._standings)
        key = fields.request_key("ResetTestPlatform", caller(), requests.NO_CAMPAIGN, request)
        answer = await resetter.reset(key, pb.ResetTestPlatformResponse())
        if isinstance(answer, Rejected):
            raise answer
        seconds = min(RESET_SECONDS, queueing.left() - _MARGIN_SECONDS)
        return pb.ResetTestPlatformResponse(unsettled_services=await resetter.known_everywhere(caller(), seconds))

    @property
    def _standings(self) -> Standings:
        return self._desk.standings or Standings(self._desk.database, {}, "")

    @property
    def _clocks(self) -> TestClocks:
        return TestClocks(self._desk.database, self._desk.clock, self._standings)


def _how_far(request: pb.AdvanceClockRequest) -> timedelta | datetime:
    """Read how far a clock is to be moved; INVALID_ARGUMENT."""
    if request.WhichOneof("how_far") == "by":
        return _span(request.by)
    problems: list[Problem] = []
    if request.WhichOneof("how_far") is None:
        raise invalid("by", "must be said, or `to`: how far the clock is to be moved, or up to when")
    at = fields.read_time("to", request.to, problems)
    if at is None:
        fields.refuse(problems)
        raise AssertionError("a time that cannot be read is a problem")
    return at


def _span(given: Duration) -> timedelta:
    seconds = given.seconds + given.nanos / 1e9
    if not 0 < seconds <= FURTHEST.total_seconds():
        raise invalid("by", f"must be more than 0, and at most {FURTHEST.days} days")
    return timedelta(seconds=given.seconds, microseconds=given.nanos // 1000)


def _accepted(target: datetime) -> pb.AdvanceClockResponse:
    return pb.AdvanceClockResponse(clock=pb.TestClock(target=translate.time(target)))


def _written(clock: TestClock) -> pb.TestClock:
    written = pb.TestClock(
        now=translate.time(clock.now), target=translate.time(clock.target), unsettled_services=clock.unsettled
    )
    written.ahead.FromTimedelta(clock.ahead)
    return written
