-- No member has more units, teams or opened teams in a campaign than it allows.
-- database: team_formation
WITH rules AS (
    -- rules may change: the most that any of them allowed; 0 is no limit
    SELECT campaign_id,
           CASE WHEN min(max_units_per_member) = 0 THEN NULL ELSE max(max_units_per_member) END AS units,
           CASE WHEN min(max_teams_per_member) = 0 THEN NULL ELSE max(max_teams_per_member) END AS teams,
           CASE WHEN min(max_teams_opened_per_member) = 0 THEN NULL ELSE max(max_teams_opened_per_member) END AS opened
    FROM campaign_terms GROUP BY campaign_id
), has AS (
    SELECT campaign_id, member_id, sum(quantity) AS units, count(DISTINCT team_id) AS teams, 0 AS opened FROM seats
    WHERE state IN ('WAITING', 'HELD', 'CONFIRMED') AND NOT sponsored GROUP BY campaign_id, member_id
    UNION ALL
    SELECT campaign_id, opener_member_id, 0, 0, count(*) FROM teams
    WHERE state IN ('FORMING', 'TIPPED', 'FORMED') GROUP BY campaign_id, opener_member_id
), compared AS (
    SELECT h.campaign_id || ' ' || h.member_id AS member,
           coalesce(h.units > r.units OR h.teams > r.teams OR h.opened > r.opened, false) AS beyond
    FROM has AS h JOIN rules AS r USING (campaign_id)
)
SELECT count(*), count(*) FILTER (WHERE beyond), (array_agg(member) FILTER (WHERE beyond))[1:5] FROM compared
