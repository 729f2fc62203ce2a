"""Starts notification: settings, chassis, channels and parts are wired here and nowhere else."""

import random
import sys
from datetime import timedelta

from services.chassis.coalesce import Coalescer
from services.chassis.platforms import TOPIC as PLATFORMS
from services.chassis.platforms import on_platform_events
from services.chassis.process import Plan, Process, timer
from services.chassis.runner import Part, main, run_parts
from services.chassis.settings import load
from services.notification.accounts import Accounts
from services.notification.channels.registry import open_channels, open_http
from services.notification.contacts import Contacts
from services.notification.domain import Limits
from services.notification.handlers import EventHandlers, Fanout, JoinDigests, MemberWriter
from services.notification.handlers.fanout import PRICES, SETTLEMENTS, TEAMS
from services.notification.recorder import Recorder
from services.notification.rpc import (
    ChannelCalls,
    NotificationServicer,
    TemplateCalls,
    UnsubscribeCalls,
    servicer,
)
from services.notification.sender import Pace, Sender
from services.notification.settings import Settings
from services.notification.unsubscribing import Unsubscribing


async def process() -> None:
    """Run notification, or the parts of it named on the command line."""
    settings = load(Settings)
    chassis = Process("notification", settings)
    database, clock = chassis.database, chassis.clock
    http = open_http(settings)
    channels = open_channels(settings, http)
    accounts, contacts = Accounts(settings.sealer), Contacts(settings.sealer)
    unsubscribing = Unsubscribing(settings.sealer, settings.unsubscribe_url)
    limits = Limits(attempts=settings.delivery_attempts, age=timedelta(hours=settings.delivery_hours))
    pace = Pace(settings.send_concurrency, settings.channel_concurrency, settings.send_seconds)
    members = Coalescer("members", MemberWriter(database, clock, contacts).decide)
    outcomes = Coalescer("outcomes", Recorder(database, clock, limits, random.random).record)
    sender = Sender(
        database,
        clock,
        channels,
        accounts,
        contacts,
        outcomes.submit,
        limits=limits,
        pace=pace,
        unsubscribing=unsubscribing,
    )
    events = EventHandlers(database, clock)
    channel_calls = ChannelCalls(database, clock, channels, accounts)
    unsubscribe_calls = UnsubscribeCalls(database, clock, unsubscribing)
    plan = Plan(
        servicers=[
            servicer(
                NotificationServicer(
                    database,
                    clock,
                    channels,
                    members,
                    channel_calls,
                    contacts,
                    unsubscribe_calls,
                    TemplateCalls(database, clock, channels),
                )
            )
        ],
        writers=[Part("members", run=members.run), Part("outcomes", run=outcomes.run)],
        handlers={
            PLATFORMS: on_platform_events,
            TEAMS: events.on_team_events,
            PRICES: events.on_price_events,
            SETTLEMENTS: events.on_settlement_events,
        },
        timers=[
            Part("channels", stop=http.close),
            Part("sender", run=sender.run, stop=sender.stop),
            timer("fan-out", Fanout(database, clock).run_once, every=0.5, page=1),
            timer("joins", JoinDigests(database, clock).run_once, every=2.0, page=1),
            timer("forgotten jobs", events.drop_forgotten, every=3600.0),
            timer("seals", lambda: accounts.seal_anew(database), every=60.0),
            timer("sealed addresses", lambda: contacts.seal_anew(database), every=60.0, page=1),
        ],
    )
    await run_parts(chassis.parts(plan, sys.argv[1:]))


if __name__ == "__main__":
    main(process)
