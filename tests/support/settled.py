"""The end of a fault test: what callers were told, held against what is there, and every invariant counted in SQL."""

from collections.abc import Collection

from deploy.check.runner import wait_for_checks
from services.chassis.database import database_url
from tests.support.crowd import Crowd
from tests.support.seat_counts import count_seats


async def settled(server_url: str, crowd: Crowd, *, but: Collection[str] = ()) -> str:
    """Hold what is there against what callers were told, and give the figures; `but` names what a case cannot hold."""
    changed = await crowd.changed_answers()
    results = await wait_for_checks(server_url, 60, but=but)
    url = database_url(server_url, "team_formation")
    counted = await count_seats(url, crowd.seats(), crowd.confirmed())
    assert counted.wrong() == {}, counted
    assert counted.seats >= len(crowd.seats()) > 0
    assert not changed
    assert crowd.waited
    assert not crowd.refused.keys() - {"FAILED_PRECONDITION", "ALREADY_EXISTS"}, "full, or a regular who sits there"
    violated = {result.name: result.examples for result in results if result.violations}
    assert not violated, violated
    assert sum(result.checked for result in results) > len(crowd.seats())
    counts = {
        "lost": counted.lost,
        "twice for a member": counted.sit_twice,
        "twice for a request": counted.made_twice,
        "confirmations lost": counted.unconfirmed,
        "answers that changed": changed,
    }
    return (
        f"{len(crowd.seats())} seats acknowledged in {crowd.calls} calls ({crowd.retries} repeated, {crowd.waited}"
        f" waited for room), {', '.join(f'{what} {len(found)}' for what, found in counts.items())},"
        f" invariants violated 0 of {len(results)}"
    )
