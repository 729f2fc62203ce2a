"""Wires team_formation: `python -m services.team_formation [rpc] [web] [consumer] [timers] [relay]`; all by default."""

import sys
from operator import attrgetter

from groupbuy.chassis.v1 import audit_internal_pb2_grpc, export_pb2_grpc, standing_internal_pb2_grpc
from groupbuy.notification.v1 import notification_internal_pb2_grpc
from groupbuy.pricing.v1 import pricing_internal_pb2_grpc
from groupbuy.team_formation.v1 import team_formation_internal_pb2_grpc, team_formation_service_pb2_grpc

from services.chassis.coalesce import Coalescer
from services.chassis.erasing import PAGE as ERASED_PAGE
from services.chassis.measures import EVERY_SECONDS
from services.chassis.process import Plan, Process, timer
from services.chassis.runner import Part, main, run_parts
from services.chassis.server import Servicer
from services.chassis.settings import load
from services.team_formation.catalogue import Catalogue
from services.team_formation.chats.answers import Answers
from services.team_formation.chats.hearing import Hearing
from services.team_formation.codes import InviteCodes
from services.team_formation.commissions import Commissions
from services.team_formation.doors import Doors
from services.team_formation.handlers import (
    SETTLEMENT_TOPIC,
    TALLIES,
    CampaignHandler,
    DueFinder,
    Measures,
    MemberEraser,
    MemberExport,
    MerchantSweeper,
    PlatformHandler,
    SettlementHandler,
    Sweeper,
    TallyHandler,
    TeamHandler,
    weight,
)
from services.team_formation.handlers.due import PAGE
from services.team_formation.handlers.resetting import InviteRemover
from services.team_formation.handlers.test_clock import ClockMover
from services.team_formation.handover import HandoverTokens
from services.team_formation.images.wiring import image_parts
from services.team_formation.message_switch import MessageSwitch
from services.team_formation.neighbours import Neighbours
from services.team_formation.quotes import QuoteReader
from services.team_formation.rpc import Desk, InternalServicer, TeamFormationServicer
from services.team_formation.settings import Settings
from services.team_formation.signed_links import MemberLinks, PromoterLinks
from services.team_formation.standings import PACE, Standings
from services.team_formation.watch import message_watch
from services.team_formation.web.ground import Ground
from services.team_formation.web.wiring import ToChats, Web
from services.team_formation.wechat.tickets import Tickets

DUE_SECONDS = 0.5
NOWHERE = "127.0.0.1:1"
"""Where nothing answers, and nothing is sent to."""

RECONNECT = (("grpc.max_reconnect_backoff_ms", 5_000),)
"""How often a service that was away is looked for again; by itself gRPC would wait for up to two minutes."""


async def process() -> None:
    """Run the service until it is told to stop."""
    settings = load(Settings)
    chassis = Process("team_formation", settings)
    database, clock = chassis.database, chassis.clock
    codes = InviteCodes(settings.invite_secret.get_secret_value(), settings.public_url)
    links = MemberLinks(settings.invite_secret.get_secret_value(), settings.public_url)
    promoter_links = PromoterLinks(settings.invite_secret.get_secret_value(), settings.public_url)
    handovers = HandoverTokens(settings.handover_ring, settings.public_url)
    catalogue = Catalogue()
    handler = TeamHandler(database, clock, catalogue, codes)
    commands = Coalescer(
        "teams", handler.decide, limit=settings.batch_limit, party=attrgetter("platform_id"), weigh=weight
    )
    watch = message_watch(database, clock, catalogue)
    doors = Doors(database)
    service_key = settings.service_key.get_secret_value()
    async with (
        chassis.channels.open(settings.pricing) as channel,
        chassis.channels.open(settings.notification or NOWHERE, RECONNECT) as to_notification,
    ):
        told = notification_internal_pb2_grpc.NotificationInternalStub(to_notification)
        answers, hearing = Answers(told, service_key), Hearing(told, service_key)
        serves_chats = settings.sealer and settings.notification
        to_chats = ToChats(settings.sealer, answers.give, hearing) if serves_chats and settings.sealer else None
        tickets = Tickets(told, service_key) if settings.notification else None
        neighbours = Neighbours(
            {
                "pricing": audit_internal_pb2_grpc.AuditInternalStub(channel),
                "notification": audit_internal_pb2_grpc.AuditInternalStub(to_notification),
            },
            service_key,
        )
        # pricing is read by notification: it is asked before it
        stubs = {"pricing": standing_internal_pb2_grpc.StandingInternalStub(channel)}
        if settings.notification:
            stubs["notification"] = standing_internal_pb2_grpc.StandingInternalStub(to_notification)
        standings = Standings(database, stubs, service_key)
        pricing = pricing_internal_pb2_grpc.PricingInternalStub(channel)
        ground = Ground(
            database,
            clock,
            catalogue,
            codes,
            doors,
            handovers,
            links,
            promoter_links,
            commands.submit,
            Commissions(pricing, service_key).of,
            MessageSwitch(told, service_key) if settings.notification else None,
        )
        web = Web(ground, to_chats, tickets)
        campaigns = CampaignHandler(database, clock, catalogue, pricing, service_key)
        quotes = QuoteReader(clock, pricing, service_key)
        held = {"pricing": export_pb2_grpc.ExportInternalStub(channel)}
        if settings.notification:
            held["notification"] = export_pb2_grpc.ExportInternalStub(to_notification)
        desk = Desk(
            database,
            clock,
            catalogue,
            codes,
            doors,
            commands,
            campaigns,
            watch,
            quotes,
            handovers,
            links,
            promoter_links,
            web.apps,
            hearing if settings.notification else None,
            MemberExport(database, held, service_key),
            neighbours,
            standings,
        )
        public = TeamFormationServicer(desk)
        internal = InternalServicer(
            database, PlatformHandler(database, clock), links if settings.has_public_url else None, neighbours
        )
        eraser = MemberEraser(database, clock).eraser
        plan = Plan(
            servicers=[
                Servicer(
                    "groupbuy.team_formation.v1.TeamFormation",
                    public,
                    team_formation_service_pb2_grpc.add_TeamFormationServicer_to_server,
                ),
                Servicer(
                    "groupbuy.team_formation.v1.TeamFormationInternal",
                    internal,
                    team_formation_internal_pb2_grpc.add_TeamFormationInternalServicer_to_server,
                ),
            ],
            writers=[Part("commands", run=commands.run)],
            handlers={
                TALLIES: TallyHandler(clock).on_tallies,
                SETTLEMENT_TOPIC: SettlementHandler(commands).on_settlement_events,
            },
            streams=[Part("watch", run=watch.run, stop=watch.stop)],
            web=web.parts(settings),
            counts={"campaigns": campaigns.count},
            pace=PACE,
            first_of_twins=InviteRemover(codes).run_once,
            timers=[
                timer(
                    "due teams",
                    DueFinder(database, clock, commands).run_once,
                    every=DUE_SECONDS,
                    page=PAGE,
                    clock=clock,
                ),
                Part("test clocks", run=ClockMover(database, clock, standings).run),
                timer("sweeps", Sweeper(database, commands).run_once, every=DUE_SECONDS, page=PAGE),
                timer("merchants", MerchantSweeper(database, clock, catalogue).run_once, every=DUE_SECONDS, page=1),
                timer("measures", Measures(database).run_once, every=EVERY_SECONDS),
                timer("erased members", eraser.run_once, every=1.0, page=ERASED_PAGE),
                *image_parts(database, clock, settings),
            ],
        )
        await run_parts(chassis.parts(plan, sys.argv[1:]))


if __name__ == "__main__":
    main(process)
