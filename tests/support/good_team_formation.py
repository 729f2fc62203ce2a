"""A good request for every RPC of team_formation."""

from datetime import timedelta
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from groupbuy.chassis.v1 import quotas_pb2, scope_pb2
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.team_formation.v1 import (
    audit_pb2,
    chat_apps_pb2,
    crowd_pb2,
    events_pb2,
    handover_pb2,
    history_pb2,
    importing_pb2,
    keys_pb2,
    member_links_pb2,
    merchants_pb2,
    privacy_pb2,
    promoter_links_pb2,
    reports_pb2,
    sandbox_pb2,
    sharing_pb2,
    team_formation_internal_pb2,
    team_formation_service_pb2,
    types_pb2,
    wechat_files_pb2,
)

from services.chassis import ids
from services.team_formation.translate import time
from tests.support.formation import START
from tests.support.shops import Standing, a_campaign, a_ladder, confirming, inviting, joining, opening

tf = team_formation_service_pb2
NOBODY = UUID(int=0xB0D0)
"""A platform that there is not."""
_FILE = "MP_verify_A1b2C3d4E5f6G7h8.txt"


def requests_of_team_formation(there: Standing) -> list[Message]:
    """Give a good request for every RPC of team_formation, in no order."""
    parts = (_of_teams, _of_campaigns, _of_sharing, _of_links_and_apps, _of_identity, _inner)
    return [request for part in parts for request in part(there)]


def _of_teams(there: Standing) -> list[Message]:
    team, seat, shop = there.team, there.seat, there.shop
    open_ = opening(there.campaign, shop)
    open_.signed_quote = there.signed_quote
    join = joining(there.code, shop)
    return [
        open_,
        inviting(team, shop),
        join,
        confirming(seat),
        tf.RevokeInviteRequest(invite_id=there.invite),
        tf.ResolveInviteRequest(code=there.code),
        tf.LeaveTeamRequest(seat_id=seat),
        tf.GetTeamRequest(team_id=team),
        tf.GetSeatRequest(seat_id=seat),
        tf.ListSeatsRequest(team_id=team, page_size=1),
        history_pb2.ListSeatEventsRequest(seat_id=seat, page_size=1),
        tf.WatchTeamRequest(team_id=team),
        tf.JoinTeamsRequest(joins=[join, join]),
        importing_pb2.ImportTeamsRequest(teams=[_to_import(there)]),
        tf.FindTeamRequest(campaign_id=there.campaign, quantity=1, member_id=shop.own("tom")),
        tf.ListTeamsRequest(
            campaign_id=there.campaign,
            page_size=1,
            states=[types_pb2.TEAM_STATE_FORMING],
            opener_member_id=shop.own("mei"),
        ),
        tf.CancelTeamRequest(team_id=team, reason="No more mangoes."),
        tf.SponsorTeamRequest(team_id=team, sku="mango", places=1),
        tf.ExtendHoldRequest(seat_id=seat),
        tf.DefaultSeatRequest(seat_id=seat, reason="The card was refused."),
        handover_pb2.VerifyHandoverRequest(token=there.handed),
        crowd_pb2.SimulateJoinsRequest(team_id=team, members=3, seed=7, sku="mango", confirming_percent=50),
    ]


def _of_campaigns(there: Standing) -> list[Message]:
    campaign, shop = there.campaign, there.shop
    update = tf.UpdateCampaignRequest(campaign_id=campaign, version=1, actor="ann")
    fields = tf.CampaignFields(external_ref=shop.own("c-2"), rules=a_campaign().rules, ladder=a_ladder())
    update.fields.CopyFrom(fields)
    update.update_mask.FromJsonString("externalRef,rules,ladder")
    direct = tf.DirectCampaignRequest(campaign_id=campaign, actor="ann")
    direct.release_units.CopyFrom(tf.ReleaseUnits(sku="mango", units=3))
    named = (tf.PublishCampaignRequest, tf.PauseCampaignRequest, tf.ResumeCampaignRequest)
    return [
        a_campaign(shop),
        update,
        direct,
        *(request(campaign_id=campaign, actor="ann") for request in named),
        tf.CancelCampaignRequest(campaign_id=campaign, actor="ann", reason="No more mangoes."),
        tf.GetCampaignRequest(campaign_id=campaign),
        tf.ListCampaignsRequest(
            page_size=1,
            merchant_id=shop.own("merchant-7"),
            external_ref=shop.own("c-1"),
            states=[types_pb2.CAMPAIGN_STATE_RUNNING],
        ),
        tf.ListCampaignChangesRequest(campaign_id=campaign, page_size=1),
        tf.WatchCampaignRequest(campaign_id=campaign),
    ]


def _of_sharing(there: Standing) -> list[Message]:
    campaign, invite, shop = there.campaign, there.invite, there.shop
    return [
        tf.GetInviteRequest(invite_id=invite),
        tf.ListInvitesRequest(campaign_id=campaign, page_size=1, team_id=there.team, channel="wechat"),
        tf.GetShareLinksRequest(invite_id=invite, channels=["wechat"], language="en"),
        tf.GetInviteQrRequest(invite_id=invite, scale=2),
        tf.ResolveShareTextRequest(text=f"Look: https://shop.example/i/{there.code}!"),
        tf.PutShareTemplateRequest(
            template=sharing_pb2.ShareTemplate(channel="sms", url="sms:?body={text}", text=shop.own("{title} {link}"))
        ),
        tf.ListShareTemplatesRequest(),
        tf.RecordInviteOpensRequest(opens=[sharing_pb2.InviteOpens(code=there.code, opened=3)]),
        tf.GetPromoterReportRequest(campaign_id=campaign, promoter_id=shop.own("promoter-1")),
        tf.GetCampaignReportRequest(campaign_id=campaign, by=reports_pb2.REPORT_BY_CHANNEL),
        tf.GetMemberReportRequest(campaign_id=campaign, member_id=shop.own("mei"), page_size=1),
        tf.GetInviteReportRequest(invite_id=invite),
    ]


def _of_links_and_apps(there: Standing) -> list[Message]:
    nora, app = there.shop.own("nora"), there.shop.own("shop")
    return [
        member_links_pb2.GetMemberLinkRequest(seat_id=there.seat),
        member_links_pb2.RevokeMemberLinkRequest(seat_id=there.seat),
        promoter_links_pb2.GetPromoterLinkRequest(promoter_id=nora),
        promoter_links_pb2.RevokePromoterLinkRequest(promoter_id=nora),
        chat_apps_pb2.PutChatAppRequest(
            service="slack", name=app, secrets={"signing_secrets": chat_apps_pb2.ChatSecret(values=["f" * 32])}
        ),
        chat_apps_pb2.ListChatAppsRequest(),
        chat_apps_pb2.DeleteChatAppRequest(service="slack", name=app),
        wechat_files_pb2.PutWeChatFileRequest(name=_FILE, content="A1b2C3d4E5f6G7h8"),
        wechat_files_pb2.ListWeChatFilesRequest(),
        wechat_files_pb2.DeleteWeChatFileRequest(name=_FILE),
        privacy_pb2.HideContentRequest(campaign_id=there.campaign, hidden=privacy_pb2.HiddenParts(images=True)),
        privacy_pb2.ExportMemberRequest(member_id=there.shop.own("mei"), page_size=1),
        privacy_pb2.EraseMemberRequest(request_id="erase", member_id=there.shop.own("leaver")),
    ]


def _of_identity(there: Standing) -> list[Message]:
    return [
        keys_pb2.TeamFormationCreateKeyRequest(label=there.shop.own("till"), scopes=[scope_pb2.SCOPE_READ]),
        keys_pb2.ListKeysRequest(),
        keys_pb2.RotateKeyRequest(key_id="none", overlap=Duration(seconds=3600)),
        keys_pb2.RevokeKeyRequest(key_id="none"),
        sandbox_pb2.AdvanceClockRequest(by=Duration(seconds=3600)),
        sandbox_pb2.GetTestClockRequest(),
        sandbox_pb2.ResetTestPlatformRequest(),
        merchants_pb2.SuspendMerchantRequest(merchant_id=there.shop.own("grocer"), reason="It did not deliver."),
        merchants_pb2.ResumeMerchantRequest(merchant_id=there.shop.own("grocer")),
        merchants_pb2.ListSuspendedMerchantsRequest(),
        audit_pb2.ListAuditEntriesRequest(page_size=1, rpc="CreateKey", since=time(START)),
    ]


def _inner(there: Standing) -> list[Message]:
    internal, platform = team_formation_internal_pb2, there.platform
    overlap = Duration(seconds=3600)
    return [
        internal.CreatePlatformRequest(name=there.shop.own("shop")),
        internal.CreateKeyRequest(platform_id=platform, label=there.shop.own("till"), scopes=[scope_pb2.SCOPE_READ]),
        internal.TeamFormationInternalListKeysRequest(platform_id=platform),
        internal.TeamFormationInternalRotateKeyRequest(platform_id=platform, key_id="none", overlap=overlap),
        internal.TeamFormationInternalRevokeKeyRequest(platform_id=platform, key_id="none"),
        internal.SuspendPlatformRequest(platform_id=ids.opaque("plat", NOBODY), reason="The bill was not paid."),
        internal.ResumePlatformRequest(platform_id=platform),
        internal.TeamFormationInternalSuspendMerchantRequest(
            platform_id=platform, merchant_id=there.shop.own("grocer"), reason="It did not deliver."
        ),
        internal.TeamFormationInternalResumeMerchantRequest(platform_id=platform, merchant_id=there.shop.own("grocer")),
        internal.TeamFormationInternalListSuspendedMerchantsRequest(platform_id=platform),
        internal.ListPlatformsRequest(),
        internal.GetPlatformLimitsRequest(platform_id=there.platform),
        internal.SetPlatformLimitsRequest(
            platform_id=there.platform, limits=events_pb2.PlatformLimits(campaigns=1000), reset=["streams"]
        ),
        quotas_pb2.GetQuotasRequest(),
        internal.ListTeamEventsRequest(platform_id=there.platform, team_id=there.team, before_version=9),
        internal.ListMemberLinksRequest(
            seats=[internal.SeatOfPlatform(platform_id=there.platform, seat_id=there.seat)]
        ),
    ]


def _to_import(there: Standing) -> importing_pb2.ImportTeam:
    """Describe a team of another system."""
    now, end = time(START), time(START + timedelta(hours=1))
    cap = Money(minor_units=3990, currency="EUR")
    member = there.shop.own("old")
    seat = importing_pb2.ImportSeat(external_ref="o", member_id=member, held_at=now, hold_until=end, cap=cap)
    return importing_pb2.ImportTeam(
        campaign_id=there.campaign, external_ref="t", opened_at=now, ends_at=end, seats=[seat]
    )
