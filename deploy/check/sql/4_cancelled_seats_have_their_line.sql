-- Of a team that was cancelled every confirmed seat has exactly one line that gives everything back.
-- database: pricing
WITH cancelled AS (
    SELECT s.seat_id, (SELECT count(*) FROM settlement_lines AS l WHERE l.campaign_id = s.campaign_id
                       AND l.seat_id = s.seat_id AND l.cause = 'TEAM_CANCELLED') AS lines
    FROM seats AS s JOIN teams AS t USING (campaign_id, team_id)
    WHERE (t.state = 'CANCELLED' OR (t.state = 'FORMED' AND t.ended_version <> t.formed_version)) AND s.state = 'CONFIRMED' AND NOT s.sponsored
      AND NOT EXISTS (SELECT FROM tally_waits AS w WHERE w.campaign_id = t.campaign_id AND w.team_id = t.team_id)
)
SELECT count(*), count(*) FILTER (WHERE lines <> 1), (array_agg(seat_id || ': ' || lines) FILTER (WHERE lines <> 1))[1:5]
FROM cancelled
