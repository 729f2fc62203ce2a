"""Writes a trace as a tree: when each span began, how long it took, in which service, and what it was."""

from collections.abc import Iterator, Sequence

from deploy.traces.received import Hop

_MILLISECOND = 1_000_000


def tree(hops: Sequence[Hop]) -> list[str]:
    """Write a trace, its spans in the order they began; what hangs below a span that is not here is at the edge."""
    first = min(hop.began for hop in hops)
    known = {hop.span_id for hop in hops}
    below: dict[str, list[Hop]] = {}
    for hop in sorted(hops, key=lambda hop: hop.began):
        below.setdefault(hop.parent_id if hop.parent_id in known else "", []).append(hop)
    wide = max(len(hop.service) for hop in hops)
    lasted = (max(hop.ended for hop in hops) - first) / _MILLISECOND
    services = len({hop.service for hop in hops})
    head = f"trace {hops[0].trace_id}: {len(hops)} spans of {services} services in {lasted:.1f} ms"
    return [head, *(_line(hop, depth, first, wide) for hop, depth in _walk(below, "", 0))]


def _walk(below: dict[str, list[Hop]], parent: str, depth: int) -> Iterator[tuple[Hop, int]]:
    for hop in below.get(parent, ()):
        yield hop, depth
        yield from _walk(below, hop.span_id, depth + 1)


def _line(hop: Hop, depth: int, first: int, wide: int) -> str:
    at, lasted = (hop.began - first) / _MILLISECOND, (hop.ended - hop.began) / _MILLISECOND
    more = f"  + {len(hop.links)} linked" if hop.links else ""
    failed = f"  FAILED {hop.attributes.get('error.type', '')}".rstrip() if hop.failed else ""
    return f"{at:9.1f} {lasted:8.1f} ms  {hop.service:<{wide}}  {'  ' * depth}{hop.name}{more}{failed}"
