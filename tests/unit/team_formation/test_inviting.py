"""Invites as values: who may make one, whether it still leads in, and how often it may be used."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from services.team_formation import domain
from services.team_formation.domain import Decision, Invite, Refusal, Usage
from tests.support.formation import START, a_campaign

LATER = START + timedelta(minutes=5)


def opened() -> Decision:
    campaign = a_campaign()
    join = domain.Join(uuid4(), "mei", "mango", 1)
    decision = domain.open_team(domain.Around(campaign, campaign.terms, START, {}), domain.Open(uuid4(), join), Usage())
    assert isinstance(decision, Decision)
    return decision


def wanted(member: str = "", promoter: str = "", max_uses: int = 0) -> domain.NewInvite:
    return domain.NewInvite(uuid4(), member, promoter, "wechat", "", "", LATER, max_uses)


def an_invite(max_uses: int = 0) -> Invite:
    invite = domain.create_invite(opened().team, None, wanted(promoter="kol", max_uses=max_uses), START)
    assert isinstance(invite, Invite)
    return invite


def test_a_promoter_needs_no_seat_and_a_member_does() -> None:
    team, seats = opened().team, opened().seats
    assert isinstance(domain.create_invite(team, None, wanted(promoter="kol"), START), Invite)
    assert isinstance(domain.create_invite(team, seats[0], wanted(member="mei"), START), Invite)
    assert domain.create_invite(team, None, wanted(member="tom"), START) == Refusal("NOT_IN_TEAM")


@pytest.mark.parametrize("most", [1, 2, 7])
def test_an_invite_leads_in_as_often_as_it_may_and_no_more(most: int) -> None:
    invite = an_invite(most)
    for _ in range(most):
        assert domain.invite_refusal(invite, START) is None
        invite = domain.use_invite(invite)
    assert domain.invite_refusal(invite, START) == Refusal("INVITE_USED_UP", {"max_uses": str(most)})


def test_an_invite_without_a_limit_is_never_used_up() -> None:
    assert domain.invite_refusal(replace(an_invite(), uses=10**9), START) is None


def test_an_invite_leads_in_until_it_expires() -> None:
    assert domain.invite_refusal(an_invite(), LATER - timedelta(microseconds=1)) is None
    refusal = domain.invite_refusal(an_invite(), LATER)
    assert refusal
    assert refusal.reason == "INVITE_EXPIRED"


def test_what_was_taken_back_is_told_before_anything_else() -> None:
    revoked = domain.revoke_invite(domain.use_invite(an_invite(1)), START)
    assert domain.invite_refusal(revoked, LATER) == Refusal("INVITE_REVOKED")
    assert domain.revoke_invite(revoked, LATER) == revoked, "once is enough"
