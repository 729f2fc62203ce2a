-- A team has at most one leader, an open team's sits in it, and where members are confirmed one of the team leads.
-- database: team_formation
WITH led AS (
    SELECT t.team_id,
           count(s.seat_id) FILTER (WHERE s.role = 'LEADER' AND s.state IN ('HELD', 'CONFIRMED')) AS leaders,
           count(s.seat_id) FILTER (WHERE s.seat_id = t.leader_seat_id AND s.state IN ('HELD', 'CONFIRMED')
                                    AND s.role = 'LEADER' AND NOT s.sponsored) AS named,
           t.leader_seat_id IS NULL AND t.deadline IS NOT NULL  -- before 0.2.0 nobody followed a leader
           AND count(s.seat_id) FILTER (WHERE s.state = 'CONFIRMED' AND NOT s.sponsored) > 0 AS headless,
           t.leader_seat_id IS NOT NULL AS has_leader, t.state IN ('FORMING', 'TIPPED') AS is_open
    FROM teams AS t LEFT JOIN seats AS s ON s.campaign_id = t.campaign_id AND s.team_id = t.team_id
    GROUP BY t.campaign_id, t.team_id
), judged AS (
    SELECT team_id, leaders > 1 OR (is_open AND (headless OR has_leader <> (named = 1) OR leaders <> named)) AS wrong
    FROM led
)
SELECT count(*), count(*) FILTER (WHERE wrong), (array_agg(team_id::text) FILTER (WHERE wrong))[1:5] FROM judged
