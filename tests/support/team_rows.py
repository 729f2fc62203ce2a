"""Many campaigns, teams, seats and invites at once, written by SQL: what lists are tried on."""

from dataclasses import dataclass

from services.chassis.database import Connection
from services.team_formation import domain, store
from tests.support.formation import OTHER_PLATFORM, PLATFORM, START, a_campaign

# Ids are made of what they are for, so that they are in no order, and every test may name them.
_CAMPAIGNS = """
INSERT INTO campaigns (campaign_id, platform_id, merchant_id, external_ref, currency, starts_at, ends_at, terms_version,
    presentation, sequence, created_at, phase)
SELECT md5('campaign' || n)::uuid, CASE WHEN n %% 4 = 0 THEN %(platform)s ELSE %(other)s END::uuid,
    'merchant-' || n %% 7,
    CASE WHEN n %% 3 = 0 THEN 'ref-' || n ELSE '' END, c.currency, c.starts_at + (n %% 5 - 2) * interval '1 hour',
    c.starts_at + (n %% 5 - 1) * interval '1 hour', 1, c.presentation, 1, c.created_at,
    (ARRAY['DRAFT', 'PUBLISHED', 'PUBLISHED', 'PAUSED', 'CANCELLED'])[1 + n %% 4 + (n %% 11) / 10]
FROM campaigns AS c, generate_series(1, %(campaigns)s) AS n WHERE c.campaign_id = %(campaign)s
"""
_TERMS = """
INSERT INTO campaign_terms (campaign_id, terms_version, platform_id, payment_mode, counted_in, minimum, maximum,
    hold_lifetime, team_lifetime, close_when_full, max_units_per_seat, leave_until, items, tiers, price_table)
SELECT c.campaign_id, 1, c.platform_id, t.payment_mode, t.counted_in, t.minimum, t.maximum, t.hold_lifetime,
    t.team_lifetime, t.close_when_full, t.max_units_per_seat, t.leave_until, t.items, t.tiers, t.price_table
FROM campaigns AS c, campaign_terms AS t WHERE t.campaign_id = %(campaign)s AND c.campaign_id <> %(campaign)s
"""
_TEAMS = """
INSERT INTO teams (campaign_id, team_id, platform_id, terms_version, state, version, confirmed_members,
    confirmed_units, held_members, held_units, opened_at, ends_at, due_at, opener_member_id, external_ref)
SELECT c.campaign_id, md5(c.campaign_id || 'team' || n)::uuid, c.platform_id, 1,
    (ARRAY['FORMING', 'FORMING', 'TIPPED', 'FORMED', 'FAILED', 'CANCELLED'])[1 + n %% 6], 9, n %% 4, n %% 4, 0, 0,
    c.starts_at, c.starts_at + interval '1 hour', c.starts_at + interval '1 hour', 'member-' || n %% 50,
    CASE WHEN n %% 3 = 0 THEN 'order-' || n %% 40 ELSE '' END
FROM campaigns AS c, generate_series(1, %(teams)s) AS n WHERE c.campaign_id = ANY (%(full)s)
"""
_SEATS = """
INSERT INTO seats (campaign_id, seat_id, team_id, platform_id, member_id, sku, quantity, role, state, cap, cap_fill,
    held_at, hold_until, external_ref, payment_reference, number, updated_at, release_reason)
SELECT t.campaign_id, md5(t.team_id || 'seat' || n)::uuid, t.team_id, t.platform_id,
    'member-' || (n * 31 + t.confirmed_members) %% 50, 'mango', 1, 'MEMBER', drawn.state, 100, 1, t.opened_at,
    t.opened_at + interval '10 minutes', CASE WHEN n %% 3 = 0 THEN 'order-' || n %% 9 ELSE '' END, '', n * 2,
    t.opened_at + (n * 7 %% 13) * interval '1 minute', CASE WHEN drawn.state = 'RELEASED' THEN 'LEFT' END
FROM teams AS t, generate_series(1, %(seats)s) AS n,
    LATERAL (SELECT (ARRAY['HELD', 'CONFIRMED', 'RELEASED', 'WAITING', 'DEFAULTED'])[1 + n %% 5] AS state) AS drawn
ON CONFLICT DO NOTHING
"""
_INVITES = """
INSERT INTO invites (campaign_id, invite_id, team_id, platform_id, member_id, promoter_id, channel, label, note,
    created_at)
SELECT t.campaign_id, md5(t.team_id || 'invite' || n)::uuid, t.team_id, t.platform_id,
    CASE WHEN n %% 2 = 0 THEN 'member-' || n %% 10 ELSE '' END,
    CASE WHEN n %% 2 = 0 THEN '' ELSE 'promoter-' || n %% 7 END,
    (ARRAY['wechat', 'weibo', 'x'])[1 + n %% 3], '', '', t.opened_at
FROM teams AS t, generate_series(1, %(invites)s) AS n
"""
_CHANGES = """
INSERT INTO campaign_changes (campaign_id, version, platform_id, action, actor, request_id, fields, detail, changed_at)
SELECT c.campaign_id, n, c.platform_id, 'SHOW_ITEM', 'host', 'r' || n, ARRAY['shown_sku'], 'sku=mango', c.starts_at
FROM campaigns AS c, generate_series(2, 1 + %(changes)s) AS n WHERE c.campaign_id = ANY (%(full)s)
"""
_LISTED = """
INSERT INTO listed_teams (campaign_id, team_id, platform_id, match_key, taken, room)
SELECT t.campaign_id, t.team_id, t.platform_id, '', t.confirmed_members, 5 - t.confirmed_members
FROM teams AS t WHERE t.state = 'FORMING'
"""
_TOLD = """
INSERT INTO outbox (created_at, shard, id, aggregatetype, aggregateid, sequence, type, occurred_at, payload,
    traceparent)
SELECT now() + (n %% 5 - 1) * interval '1 day', 0, gen_random_uuid(), 'groupbuy.team.v1', 'team_' || n, 1, '',
    now(), '', ''
FROM generate_series(1, %(told)s) AS n
"""


@dataclass(frozen=True)
class Rows:
    """What was written: `campaign` and `another` of PLATFORM and one of OTHER_PLATFORM have teams."""

    campaign: domain.Campaign
    another: domain.Campaign
    foreign: domain.Campaign


async def write_rows(
    connection: Connection,
    *,
    campaigns: int = 60,
    teams: int = 40,
    seats: int = 12,
    invites: int = 5,
    changes: int = 25,
    told: int = 0,
    counted_in: domain.CountedIn = domain.CountedIn.MEMBERS,
) -> Rows:
    """Write rows: teams per campaign (three have some), seats and invites per team."""
    made = [
        a_campaign(counted_in=counted_in),
        a_campaign(counted_in=counted_in),
        a_campaign(counted_in=counted_in, platform_id=OTHER_PLATFORM),
    ]
    await store.insert_campaign(connection, made[0], START)
    values = {
        "campaign": made[0].campaign_id,
        "platform": PLATFORM,
        "other": OTHER_PLATFORM,
        "campaigns": campaigns,
        "teams": teams,
        "seats": seats,
        "invites": invites,
        "changes": changes,
        "told": told,
        "full": [campaign.campaign_id for campaign in made],
    }
    await connection.execute(_CAMPAIGNS, values)
    await connection.execute(_TERMS, values)
    for campaign in made[1:]:
        await store.insert_campaign(connection, campaign, START)
    for statement in (_TEAMS, _SEATS, _INVITES, _CHANGES, _LISTED, _TOLD):
        await connection.execute(statement, values)
    await connection.execute("ANALYZE")
    return Rows(*made)
