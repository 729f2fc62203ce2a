"""`python -m services.pricing replay [--accept-differences]`: builds the derived tables again and says how they differ.

What it found is one line of JSON on the standard output. It ends with an error where nothing was swapped.
"""

import dataclasses
import json
import sys

from services.chassis import logs
from services.chassis.backlog import Backlog
from services.chassis.channels import Channels
from services.chassis.database import Database, database_url
from services.chassis.errors import Stop
from services.pricing import translate
from services.pricing.handlers import SettlementFinder, Tables, TeamHandler
from services.pricing.handlers.rebuild import Rebuild, on_tally_events
from services.pricing.handlers.refused import RefusedLines
from services.pricing.settings import Settings
from services.pricing.store.rebuild import SCHEMA, load_taken
from services.pricing.team_events import TeamEvents


async def replay(settings: Settings, *, accept_differences: bool) -> None:
    """Rebuild once; Stop where the tables in use were kept because they differ from what was built."""
    logs.configure("pricing", settings.log_format, settings.log_level)
    url = database_url(settings.database_direct_url or settings.database_url, "pricing")
    database, beside = Database(url), Database(url, beside=SCHEMA)
    team_events = TeamEvents(
        settings.team_formation, settings.service_key.get_secret_value(), Channels(settings.calling)
    )
    tables, security = Tables(), settings.kafka_security()
    rebuild = Rebuild(
        database,
        beside,
        Backlog(settings.kafka, [translate.TALLY_TOPIC], security),
        Backlog(settings.kafka, [translate.TEAM_TOPIC], security),
        {translate.TALLY_TOPIC: on_tally_events, translate.TEAM_TOPIC: TeamHandler(tables, load_taken).on_team_events},
        {translate.TEAM_TOPIC: team_events.fill},
        SettlementFinder(beside, tables),
        RefusedLines(beside, tables),
    )
    await beside.start()
    await team_events.start()
    try:
        rebuilt = await rebuild.run(accept_differences=accept_differences)
    finally:
        await team_events.stop()
        await beside.stop()
    sys.stdout.write(json.dumps(dataclasses.asdict(rebuilt)) + "\n")
    if not rebuilt.swapped:
        raise Stop("what was built differs from the tables in use, which were kept; see the differences")
