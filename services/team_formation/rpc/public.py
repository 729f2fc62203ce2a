"""The TeamFormation service: the RPCs of every subject in one servicer."""

from groupbuy.team_formation.v1 import team_formation_service_pb2_grpc as pb_grpc

from services.team_formation.rpc.audit import AuditRpcs
from services.team_formation.rpc.campaigns import CampaignRpcs
from services.team_formation.rpc.chat_apps import ChatAppRpcs
from services.team_formation.rpc.crowd import CrowdRpcs
from services.team_formation.rpc.handover import HandoverRpcs
from services.team_formation.rpc.history import HistoryRpcs
from services.team_formation.rpc.importing import ImportRpcs
from services.team_formation.rpc.invites import InviteRpcs
from services.team_formation.rpc.keys import KeyRpcs
from services.team_formation.rpc.lists import ListRpcs
from services.team_formation.rpc.member_links import MemberLinkRpcs
from services.team_formation.rpc.merchants import MerchantRpcs
from services.team_formation.rpc.privacy import PrivacyRpcs
from services.team_formation.rpc.promoter_links import PromoterLinkRpcs
from services.team_formation.rpc.reports import ReportRpcs
from services.team_formation.rpc.sandbox import SandboxRpcs
from services.team_formation.rpc.seats import SeatRpcs
from services.team_formation.rpc.sharing import SharingRpcs
from services.team_formation.rpc.teams import TeamRpcs
from services.team_formation.rpc.watching import WatchRpcs
from services.team_formation.rpc.wechat_files import WeChatFileRpcs


class TeamFormationServicer(
    CampaignRpcs,
    CrowdRpcs,
    TeamRpcs,
    SeatRpcs,
    HistoryRpcs,
    ImportRpcs,
    InviteRpcs,
    ListRpcs,
    ReportRpcs,
    SharingRpcs,
    HandoverRpcs,
    ChatAppRpcs,
    MemberLinkRpcs,
    PromoterLinkRpcs,
    WatchRpcs,
    PrivacyRpcs,
    WeChatFileRpcs,
    KeyRpcs,
    AuditRpcs,
    MerchantRpcs,
    SandboxRpcs,
    pb_grpc.TeamFormationServicer,
):
    """Answers platforms."""
