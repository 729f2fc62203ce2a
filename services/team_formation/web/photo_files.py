"""Answers to those who look at a page with a picture of what is sold: the picture."""

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from services.team_formation.web.answers import IMMUTABLE, Answer, answer, common
from services.team_formation.web.guesses import Guesses
from services.team_formation.web.photos import Photos
from services.team_formation.web.strangers import Strangers, address_of


class PhotoFiles:
    """Answers with pictures.

    Whoever asks for what is not there has guessed nothing, as pages of yesterday name it: links open as before. Who
    asks for very much of that is told to wait, but for pictures that the process has; it costs the database nothing.
    """

    def __init__(self, photos: Photos, strangers: Strangers) -> None:
        self._photos = photos
        self._strangers = strangers
        self._misses = Guesses()

    def routes(self) -> list[BaseRoute]:
        """List what is answered."""
        return [Route("/images/{name}.jpg", self.picture)]

    async def picture(self, request: Request) -> Answer:
        """Answer with a picture."""
        name, address = request.path_params["name"], address_of(request)
        is_known = self._photos.is_known(name)
        if not is_known and self._misses.is_blocked(address):
            return self._strangers.slowed(request)
        found = await self._photos.file(name)
        if found:
            return answer(request, found, common(IMMUTABLE))
        if not is_known:
            self._misses.add(address)
        return self._strangers.unknown(request)
