"""What became of a call, alike at every door: the refusal that an error is, and the metric that counts its code."""

from functools import cache

from prometheus_client import Histogram

from services.chassis import logs, metrics, trace
from services.chassis.errors import Rejected
from services.chassis.status import transient

log = logs.logger(__name__)


def refusal_of(method: str, error: Exception) -> Rejected:
    """Make a refusal of what a method raised, and count it: once for each call.

    What failed with us has a line in the log, and none of it is in the answer.
    """
    refusal = _refusal(method, error)
    metrics.REFUSALS.labels(refusal.reason).inc()
    return refusal


def _refusal(method: str, error: Exception) -> Rejected:
    if isinstance(error, Rejected):
        return error
    cause = transient(error)
    if cause is not None:
        log.warning("call not answered", method=method, why=str(error).strip() or type(error).__name__)
        return Rejected("UNAVAILABLE", {"cause": cause})
    log.error("call failed", method=method, exc_info=error)
    return Rejected("INTERNAL", {"trace_id": trace.trace_id()})


@cache
def seconds_of(method: str, code: str) -> Histogram:
    """Find the metric of a method's calls that end with a code, once: methods are those there are, codes are few."""
    return metrics.RPC_SECONDS.labels(method, code)
