-- pricing has every seat as team_formation has it; what the end of a team released stands there as before, and counts so.
-- database: team_formation
SELECT seat_id, member_id || ' ' || sku || ' ' || role || ' ' || quantity || ' ' || state
    || coalesce(' ' || release_reason, '') || CASE WHEN sponsored THEN ' sponsored' ELSE '' END FROM seats
-- database: pricing
SELECT s.seat_id, s.member_id || ' ' || s.sku || ' ' || s.role || ' ' || s.quantity || ' ' || CASE
        WHEN s.state IN ('RELEASED', 'DEFAULTED') OR t.state IN ('FORMING', 'TIPPED')
            THEN s.state || coalesce(' ' || s.release_reason, '')
        WHEN s.state = 'WAITING' AND t.waiting_members = 0 AND (t.state <> 'CANCELLED' OR t.formed_version IS NOT NULL) THEN 'RELEASED TEAM_ENDED'
        WHEN t.state = 'FORMED' AND t.ended_version = t.formed_version THEN s.state
        WHEN t.state = 'FORMED' THEN 'RELEASED TEAM_CANCELLED'
        ELSE 'RELEASED TEAM_' || t.state END || CASE WHEN s.sponsored THEN ' sponsored' ELSE '' END
FROM seats AS s JOIN teams AS t USING (campaign_id, team_id)
