"""Invites: making them, taking them back, and whether one still leads in."""

from dataclasses import replace
from datetime import datetime

from services.team_formation.domain.change import ended, written
from services.team_formation.domain.commands import Invite, NewInvite
from services.team_formation.domain.team import Refusal, Seat, Team


def create_invite(team: Team, live_seat: Seat | None, command: NewInvite, now: datetime) -> Invite | Refusal:
    """Make an invite to an open team; a member needs a seat in it, a promoter does not."""
    if refusal := ended(team, now):
        return refusal
    if command.member_id and live_seat is None:
        return Refusal("NOT_IN_TEAM")
    return Invite(
        command.invite_id,
        team.campaign_id,
        team.team_id,
        team.platform_id,
        command.member_id,
        command.promoter_id,
        command.channel,
        command.label,
        command.note,
        created_at=now,
        expires_at=command.expires_at,
        max_uses=command.max_uses,
        commission_basis_points=command.commission_basis_points,
    )


def revoke_invite(invite: Invite, now: datetime) -> Invite:
    """Take an invite back; once is enough."""
    return invite if invite.revoked_at else replace(invite, revoked_at=now)


def use_invite(invite: Invite) -> Invite:
    """Count a join that took a seat or a place on the waitlist; a use does not come back."""
    return replace(invite, uses=invite.uses + 1)


def invite_refusal(invite: Invite, now: datetime) -> Refusal | None:
    """Tell why nobody can join by an invite, if so."""
    if invite.revoked_at:
        return Refusal("INVITE_REVOKED")
    if invite.expires_at and invite.expires_at <= now:
        return Refusal("INVITE_EXPIRED", {"expires_at": written(invite.expires_at)})
    if invite.max_uses and invite.uses >= invite.max_uses:
        return Refusal("INVITE_USED_UP", {"max_uses": str(invite.max_uses)})
    return None
