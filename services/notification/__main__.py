"""Starts notification: settings, chassis, channels and parts are wired here and nowhere else."""

import random
import sys
from datetime import timedelta
from operator import attrgetter

from services.chassis import exporting
from services.chassis.coalesce import Coalescer
from services.chassis.erased import TOPIC as ERASURES
from services.chassis.erasing import PAGE as ERASED_PAGE
from services.chassis.erasing import on_member_events
from services.chassis.measures import EVERY_SECONDS
from services.chassis.platforms import TOPIC as PLATFORMS
from services.chassis.platforms import on_platform_events
from services.chassis.process import Plan, Process, timer
from services.chassis.runner import Part, main, run_parts
from services.chassis.settings import load
from services.notification.accounts import Accounts
from services.notification.answering.answerer import Answerer
from services.notification.answering.registry import open_ways
from services.notification.channels.registry import channels_that_edit, open_channels, open_http
from services.notification.channels.wechat import WeChatApi
from services.notification.contacts import Contacts
from services.notification.domain import Limits
from services.notification.flights import Pace
from services.notification.handlers import (
    EventHandlers,
    EventStream,
    Fanout,
    Groups,
    JoinDigests,
    Measures,
    MemberWriter,
    PlatformEvents,
    PromoterDays,
    Reminders,
    StartReminders,
)
from services.notification.handlers.chats import PAGE as CHATS_PAGE
from services.notification.handlers.chats import Chats
from services.notification.handlers.erasing import member_eraser
from services.notification.handlers.exporting import held
from services.notification.handlers.fanout import PRICES, SETTLEMENTS, TEAMS
from services.notification.handlers.groups import PAGE as GROUPS_PAGE
from services.notification.handlers.member_messages import PAGE as WORDS_PAGE
from services.notification.handlers.member_messages import MemberMessages
from services.notification.handlers.messages import MessageWriter
from services.notification.handlers.pace import PACE
from services.notification.handlers.reminders import PAGE
from services.notification.places import Places
from services.notification.poster import Desk, Poster, PostRecorder
from services.notification.recorder import Recorder
from services.notification.rpc import (
    Calls,
    CapturedCalls,
    ChannelCalls,
    ChatCalls,
    GroupCalls,
    Hearing,
    InternalServicer,
    MessageCalls,
    NotificationServicer,
    RuleCalls,
    StreamCalls,
    SwitchCalls,
    TemplateCalls,
    TimelineCalls,
    UnsubscribeCalls,
    WebhookCalls,
    internal_servicer,
    servicer,
)
from services.notification.sandbox import PAGE as CAPTURED_PAGE
from services.notification.sandbox import Sandbox, drop_most
from services.notification.sender import Sender
from services.notification.settings import Settings
from services.notification.translate import CAMPAIGNS
from services.notification.unsubscribing import Unsubscribing
from services.notification.webhook_secrets import WebhookSecrets
from services.notification.wechat_tickets import WeChatTickets


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
    members = Coalescer("members", MemberWriter(database, clock, contacts).decide, party=attrgetter("key.platform_id"))
    outcomes = Coalescer("outcomes", Recorder(database, clock, limits, random.random).record)
    sandbox = Sandbox(
        channels,
        settings.sealer,
        clock,
        settings.mail_from,
        allow_private=settings.webhook_private_addresses == "allow",
    )
    places = Places(settings.team_formation, settings.service_key.get_secret_value(), channels=chassis.channels)
    sender = Sender(
        database,
        clock,
        channels,
        accounts,
        contacts,
        outcomes.submit,
        limits=limits,
        pace=pace,
        sandbox=sandbox,
        unsubscribing=unsubscribing,
        places=places,
    )
    events, platform_events = EventHandlers(database, clock), PlatformEvents(database, clock)
    groups = Groups(database, clock, contacts, unsubscribing, channels_that_edit(channels))
    reminders, starts = Reminders(database, clock), StartReminders(database, clock)
    secrets, stream = WebhookSecrets(settings.sealer), EventStream(database, clock)
    posts = Coalescer("posts", PostRecorder(database, clock, random.random).record)
    post_pace = Pace(settings.webhook_concurrency, settings.endpoint_concurrency, settings.send_seconds)
    poster = Poster(database, clock, Desk(http, clock, secrets, sandbox), posts.submit, post_pace)
    chats, member_messages = Chats(database, clock, contacts), MemberMessages(database, clock)
    messages = MessageWriter(database, clock)
    calls = Calls(
        captured=CapturedCalls(database, sandbox.captures),
        channels=ChannelCalls(database, clock, channels, accounts),
        chats=ChatCalls(chats, member_messages),
        groups=GroupCalls(database, channels, http, groups),
        messages=MessageCalls(database, clock, http, starts),
        rules=RuleCalls(database, clock),
        streams=StreamCalls(stream, clock),
        templates=TemplateCalls(database, clock, channels),
        timeline=TimelineCalls(database),
        unsubscribing=UnsubscribeCalls(database, clock, unsubscribing),
        webhooks=WebhookCalls(database, clock, http, secrets, sandbox),
    )
    answerer = Answerer(database, accounts, sandbox, seconds=settings.send_seconds)
    hearing = Hearing(clock, channels, chats, member_messages)
    tickets = WeChatTickets(database, accounts, WeChatApi(http), seconds=settings.send_seconds)
    eraser = member_eraser(database, clock, timedelta(seconds=2 * settings.send_seconds))
    plan = Plan(
        servicers=[
            servicer(
                NotificationServicer(
                    database,
                    clock,
                    channels,
                    members,
                    contacts,
                    calls,
                )
            ),
            internal_servicer(
                InternalServicer(http, open_ways(http, clock), answerer, hearing, tickets, SwitchCalls(database, clock))
            ),
            exporting.servicer(held(database, contacts, sandbox.captures)),
        ],
        writers=[
            Part("members", run=members.run),
            Part("outcomes", run=outcomes.run),
            Part("posts", run=posts.run),
        ],
        streams=[Part("event streams", stop=stream.stop)],
        handlers={
            PLATFORMS: on_platform_events,
            CAMPAIGNS: platform_events.after(starts.on_campaign_events),
            TEAMS: platform_events.after(events.on_team_events),
            PRICES: platform_events.after(events.on_price_events),
            SETTLEMENTS: platform_events.after(events.on_settlement_events),
            ERASURES: on_member_events,
        },
        timers=[
            Part("channels", stop=http.close),
            Part("places", start=places.start, stop=places.stop),
            Part("sender", run=sender.run, stop=sender.stop),
            Part("poster", run=poster.run, stop=poster.stop),
            timer("measures", Measures(database, clock, list(channels)).run_once, every=EVERY_SECONDS),
            timer("fan-out", Fanout(database, clock).run_once, every=0.5, page=1),
            timer("joins", JoinDigests(database, clock).run_once, every=2.0, page=1, clock=clock),
            timer("ending holds", reminders.tell_holds, every=10.0, page=PAGE, clock=clock),
            timer("ending teams", reminders.tell_teams, every=15.0, page=PAGE, clock=clock),
            timer("own messages", messages.tell_tagged, every=1.0, page=1),
            timer("groups", groups.tell, every=2.0, page=GROUPS_PAGE, clock=clock),
            timer("promoters", PromoterDays(database, clock).tell, every=30.0, page=PAGE, clock=clock),
            timer("starts", starts.tell_starts, every=5.0, page=PAGE, clock=clock),
            timer("forgotten jobs", events.drop_forgotten, every=3600.0),
            timer("seals", lambda: accounts.seal_anew(database), every=60.0),
            timer("webhook secrets", lambda: secrets.seal_anew(database), every=60.0, page=1),
            timer("patterns of endpoints", platform_events.read_patterns_again, every=3600.0),
            timer("old platform events", platform_events.drop_old, every=60.0, page=1_000),
            timer("old codes of chats", chats.forget_codes, every=60.0, page=CHATS_PAGE),
            timer("old words of members", member_messages.forget, every=60.0, page=WORDS_PAGE),
            timer("sealed chats", lambda: contacts.seal_chats_anew(database), every=60.0, page=1),
            timer("erased members", eraser.run_once, every=1.0, page=ERASED_PAGE),
            timer("sealed addresses", lambda: contacts.seal_anew(database), every=60.0, page=1),
            timer("sealed captures", lambda: sandbox.captures.seal_anew(database), every=60.0, page=CAPTURED_PAGE),
            timer("captures beyond what is kept", lambda: drop_most(database), every=300.0, page=CAPTURED_PAGE),
            timer("old days of messages", messages.forget_days, every=3600.0),
        ],
        pace=PACE,
        counts={"messages_per_day": messages.count_today},
    )
    await run_parts(chassis.parts(plan, sys.argv[1:]))


if __name__ == "__main__":
    main(process)
