"""Answers to those who look at a page with a picture of what is sold: the picture."""

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from services.team_formation.web.answers import IMMUTABLE, Answer, answer, common
from services.team_formation.web.photos import Photos
from services.team_formation.web.strangers import Strangers


class PhotoFiles:
    """Answers with pictures; whoever asks for what is not there has guessed nothing, as pages of yesterday name it."""

    def __init__(self, photos: Photos, strangers: Strangers) -> None:
        self._photos = photos
        self._strangers = strangers

    def routes(self) -> list[BaseRoute]:
        """List what is answered."""
        return [Route("/images/{name}.jpg", self.picture)]

    async def picture(self, request: Request) -> Answer:
        """Answer with a picture."""
        found = await self._photos.file(request.path_params["name"])
        return answer(request, found, common(IMMUTABLE)) if found else self._strangers.unknown(request)
