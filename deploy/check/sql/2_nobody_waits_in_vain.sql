-- Nobody is held or waits in a team that has ended, and nobody sits in one that came to nothing.
-- database: team_formation
WITH live AS (
    SELECT s.seat_id, t.state NOT IN ('FORMING', 'TIPPED')
           AND (s.state <> 'CONFIRMED' OR t.state IN ('FAILED', 'CANCELLED')) AS wrong
    FROM seats AS s JOIN teams AS t USING (campaign_id, team_id) WHERE s.state IN ('WAITING', 'HELD', 'CONFIRMED')
)
SELECT count(*), count(*) FILTER (WHERE wrong), (array_agg(seat_id::text) FILTER (WHERE wrong))[1:5] FROM live
