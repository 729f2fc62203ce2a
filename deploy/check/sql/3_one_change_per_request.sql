-- A request id was decided once, and each decision made its own seat, team or invite.
-- database: team_formation
WITH made AS (
    SELECT campaign_id, subject, count(*) AS times FROM requests
    WHERE NOT refused AND rpc IN ('JoinTeam', 'OpenTeam', 'CreateInvite') GROUP BY campaign_id, subject
), undecided AS (
    SELECT count(*) AS requests, count(*) FILTER (WHERE answer IS NULL OR refused IS NULL) AS open FROM requests
)
SELECT (SELECT requests FROM undecided),
       (SELECT open FROM undecided) + (SELECT count(*) FROM made WHERE times > 1),
       (SELECT array_agg(subject::text) FROM (SELECT subject FROM made WHERE times > 1 LIMIT 5) AS examples)
