"""Wires the parts of a process that fetch pictures, and remove what nobody needs."""

from functools import partial

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.process import timer
from services.chassis.runner import Part
from services.team_formation.images.fetching import client, fetch
from services.team_formation.images.making import Maker
from services.team_formation.images.worker import SWEEP_PAGE, SWEEP_SECONDS, ImageWorker, Names
from services.team_formation.settings import Settings


def image_parts(database: Database, clock: Clock, settings: Settings) -> list[Part]:
    """List the parts."""
    http = client(allow_private=settings.image_private_addresses == "allow")
    names = Names(settings.invite_secret.get_secret_value())
    worker = ImageWorker(
        database, clock, names, partial(fetch, http), Maker().make, per_platform=settings.images_per_platform
    )
    return [
        Part("images", run=worker.run, stop=http.close),
        timer("unneeded images", worker.sweep, every=SWEEP_SECONDS, page=SWEEP_PAGE),
    ]
