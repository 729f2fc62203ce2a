"""An invite as the API shows it: with the code and link that are derived from its id."""

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids
from services.team_formation import translate
from services.team_formation.codes import InviteCodes
from services.team_formation.domain import Invite
from services.team_formation.sharing.values import disclosure


def write_invite(invite: Invite, codes: InviteCodes, language: str) -> pb.Invite:
    """Write an invite for a reader of a language."""
    code = codes.code(invite.invite_id)
    return pb.Invite(
        invite_id=ids.opaque(translate.INVITE, invite.campaign_id, invite.invite_id),
        team_id=translate.team_id(invite.campaign_id, invite.team_id),
        code=code,
        url=codes.url(code),
        channel=invite.channel,
        label=invite.label,
        note=invite.note,
        expires_at=translate.time(invite.expires_at),
        revoked_at=translate.time(invite.revoked_at),
        max_uses=invite.max_uses,
        uses=invite.uses,
        commission_basis_points=invite.commission_basis_points,
        member_id=invite.member_id,
        promoter_id=invite.promoter_id,
        created_at=translate.time(invite.created_at),
        disclosure=disclosure(invite, language),
    )
