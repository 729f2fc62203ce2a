-- A member has at most one live seat in a team.
-- database: team_formation
WITH places AS (
    SELECT campaign_id, team_id, member_id, count(*) AS live FROM seats
    WHERE state IN ('WAITING', 'HELD', 'CONFIRMED') AND NOT sponsored GROUP BY campaign_id, team_id, member_id
)
SELECT count(*), count(*) FILTER (WHERE live > 1), (array_agg(team_id || ' ' || member_id) FILTER (WHERE live > 1))[1:5]
FROM places
