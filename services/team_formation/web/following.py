"""Readers who follow a page: a stream of events, or an answer that waits until there is something new.

The pages of invites and of campaigns are followed in the same way; what they show is found by their `Sights`.
"""

from collections.abc import AsyncGenerator, Callable, Collection
from typing import Generic, Protocol, TypeVar

from starlette.requests import Request

from services.team_formation.web.answers import cross_origin
from services.team_formation.web.positions import is_news
from services.team_formation.web.streams import EventStream, time_event, wait_for_news


class Versioned(Protocol):
    """What a page is made from."""

    @property
    def version(self) -> str:
        """Name what it shows: the same for the same words."""


Place = TypeVar("Place")
State = TypeVar("State")
Visit = TypeVar("Visit", bound=Versioned)
Place_contra = TypeVar("Place_contra", contravariant=True)
Visit_co = TypeVar("Visit_co", bound=Versioned, covariant=True)


class Sights(Protocol[Place_contra, State, Visit_co]):
    """Finds what the page of a place shows."""

    async def visit(self, place: Place_contra) -> Visit_co | None:
        """Find what it shows now; None where it shows nothing any more."""

    async def seen(self, place: Place_contra, shown: State) -> Visit_co | None:
        """Find what it shows with a state of what it is about."""

    def follow(self, place: Place_contra, after: str) -> AsyncGenerator[State, None]:
        """Yield the states after a version, as they come."""

    def milliseconds(self, place: Place_contra) -> int:
        """Tell the time of the place's platform, in milliseconds since 1970."""


class Following(Generic[Place, State, Visit]):
    """Has readers of pages follow what they show; the pages of `origins` may read it too."""

    def __init__(self, sights: Sights[Place, State, Visit], origins: Collection[str]) -> None:
        self._sights = sights
        self._origins = origins

    def stream(
        self, request: Request, place: Place, visit: Visit, draw: Callable[[Visit], bytes]
    ) -> EventStream[State]:
        """Send what `draw` makes of the page each time that it changes."""
        after = request.headers.get("last-event-id") or request.query_params.get("after", "")
        sent = after or visit.version

        def written(seen: Visit | None) -> bytes | None:
            nonlocal sent
            if seen is None:
                return None
            sent = seen.version
            return draw(seen)

        async def write(shown: State) -> bytes | None:
            return written(await self._sights.seen(place, shown))

        async def check() -> bytes | None:
            seen = await self._sights.visit(place)
            return written(seen) if seen is None or seen.version != sent else b""

        states = self._sights.follow(place, "" if is_news(after, visit.version) else after)
        begin = time_event(self._sights.milliseconds(place))
        return EventStream(states, write, begin, check, cross_origin(request, self._origins))

    async def news(self, request: Request, place: Place, visit: Visit) -> Visit | None:
        """Wait for what is newer than the version that a reader has, `after`, and give what the page shows then.

        At once where `after` is not said or not what the page shows now; None where it shows nothing any more.
        """
        after = request.query_params.get("after", "")
        if not after or is_news(after, visit.version) or request.method != "GET":
            return visit

        async def has_changed() -> bool:
            seen = await self._sights.visit(place)
            return seen is None or seen.version != visit.version

        await wait_for_news(self._sights.follow(place, after), request.receive, has_changed)
        return await self._sights.visit(place)
