"""What pricing holds of a member, as it is exported: campaign by campaign, as the tables are keyed."""

from services.chassis.exporting import Section

_OF = "WHERE campaign_id = ANY(%(campaigns)s) AND platform_id = %(platform)s AND member_id = %(member)s"

SECTIONS = (
    Section(
        "seat prices",
        "SELECT campaign_id, seat_id, team_id, sku, role, quantity, cap, cap_role, state, release_reason,"  # noqa: S608 - constants
        f" payment_reference, formed_quantity, leader_reward, own_steps FROM seats {_OF} ORDER BY campaign_id, seat_id",
        ("seats",),
    ),
    Section(
        "settlement_lines",
        "SELECT line_id, campaign_id, team_id, seat_id, cause, occurred_at, merchant_id, sku, quantity, currency, cap,"  # noqa: S608 - constants
        " unit_price, authorised, paid, to_capture, to_void, to_keep, to_refund, due, pay_by, payment_reference"
        f" FROM settlement_lines {_OF} ORDER BY campaign_id, team_id, sequence",
    ),
    Section(
        "line_reports",
        "SELECT report_id, line_id, campaign_id, team_id, seat_id, kind, failed_kind, amount, currency, reference,"  # noqa: S608 - constants
        f" reason, state, reported_at FROM line_reports {_OF} ORDER BY campaign_id, team_id, sequence",
    ),
    Section(
        "awaited_payments",
        "SELECT line_id, campaign_id, team_id, seat_id, amount, currency, waits_for, lapses_at, state"  # noqa: S608 - constants
        f" FROM awaited_payments {_OF} ORDER BY campaign_id, line_id",
    ),
    Section(
        "beneficiary_lines",
        "SELECT row_id, line_id, campaign_id, team_id, seat_id, kind, cause, occurred_at, merchant_id,"
        " commission_basis_points, quantity, unit_price, amount, currency FROM beneficiary_lines"
        " WHERE campaign_id = ANY(%(campaigns)s) AND platform_id = %(platform)s AND beneficiary_id = %(member)s"
        " ORDER BY campaign_id, team_id, sequence, kind",
    ),
)
