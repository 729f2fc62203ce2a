"""What team_formation holds of a member, as it is exported: campaign by campaign, as the tables are keyed."""

from services.chassis.exporting import Section, Write
from services.team_formation.store.seats import COLUMNS

_CAMPAIGNS = "campaign_id = ANY(%(campaigns)s) AND platform_id = %(platform)s"


def sections(write_seat: Write) -> tuple[Section, ...]:
    """Name what is exported; a seat is written by who knows how the API writes it."""
    return (
        Section(
            "seats",
            f"SELECT {COLUMNS}, c.currency FROM seats AS s JOIN campaigns AS c USING (campaign_id)"  # noqa: S608 - constants
            " WHERE s.campaign_id = ANY(%(campaigns)s) AND s.platform_id = %(platform)s AND s.member_id = %(member)s"
            " ORDER BY s.campaign_id, s.seat_id",
            write=write_seat,
        ),
        Section(
            "late_payments",
            "SELECT p.campaign_id, p.seat_id, p.payment_reference, p.amount, p.reported_at FROM seats AS s"
            " JOIN late_payments AS p USING (campaign_id, seat_id) WHERE s.campaign_id = ANY(%(campaigns)s)"
            " AND s.platform_id = %(platform)s AND s.member_id = %(member)s"
            " ORDER BY p.campaign_id, p.seat_id, p.payment_reference",
        ),
        Section(
            "seat_tags",
            "SELECT t.campaign_id, t.seat_id, t.kind, encode(t.mark, 'hex') AS mark, t.taken_at FROM seats AS s"
            " JOIN seat_tags AS t USING (campaign_id, seat_id) WHERE s.campaign_id = ANY(%(campaigns)s)"
            " AND s.platform_id = %(platform)s AND s.member_id = %(member)s ORDER BY t.campaign_id, t.seat_id, t.kind",
        ),
        Section(
            "teams",
            "SELECT campaign_id, team_id, opener_member_id, state, opened_at, ended_at, external_ref FROM teams"  # noqa: S608 - constants
            f" WHERE {_CAMPAIGNS} AND opener_member_id = %(member)s ORDER BY campaign_id, team_id",
        ),
        Section(
            "invites",
            "SELECT campaign_id, invite_id, team_id, member_id, promoter_id, channel, label, note, created_at,"  # noqa: S608 - constants
            f" expires_at, revoked_at, max_uses, uses, commission_basis_points FROM invites WHERE {_CAMPAIGNS}"
            " AND (member_id = %(member)s OR promoter_id = %(member)s) ORDER BY campaign_id, invite_id",
        ),
        Section(
            "campaign_members",
            f"SELECT campaign_id, member_id FROM campaign_members WHERE {_CAMPAIGNS} AND member_id = %(member)s"  # noqa: S608 - constants
            " ORDER BY campaign_id",
        ),
        Section(
            "campaign_changes",
            "SELECT campaign_id, version, action, actor, fields, detail, changed_at FROM campaign_changes"  # noqa: S608 - constants
            f" WHERE {_CAMPAIGNS} AND actor = %(member)s ORDER BY campaign_id, version",
        ),
        Section(
            "hidden_content",
            "SELECT subject, subject_id, labels, notes, images, changed_at FROM hidden_content"
            " WHERE platform_id = %(platform)s AND subject IN ('PROMOTER', 'MEMBER') AND subject_id = %(member)s"
            " ORDER BY subject",
        ),
        Section(
            "promoter_links",
            "SELECT promoter_id, changed_at FROM promoter_links WHERE platform_id = %(platform)s"
            " AND promoter_id = %(member)s ORDER BY promoter_id",
        ),
    )
