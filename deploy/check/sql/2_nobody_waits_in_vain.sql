-- Nobody is held or waits in a team that has ended, but for a place of a formed one that may not be paid; nobody sits in one
-- that came to nothing.
-- database: team_formation
WITH live AS (
    SELECT s.seat_id, t.state NOT IN ('FORMING', 'TIPPED')
           AND NOT (s.state = 'WAITING' AND t.state = 'FORMED' AND t.due_at > %(now)s::timestamptz - interval '30 seconds'
                    AND r.payment_terms ->> 'on_unpaid' IS NOT DISTINCT FROM 'FILL_FROM_WAITLIST')
           AND (s.state <> 'CONFIRMED' OR t.state IN ('FAILED', 'CANCELLED')) AS wrong
    FROM seats AS s JOIN teams AS t USING (campaign_id, team_id)
    JOIN campaign_terms AS r ON r.campaign_id = t.campaign_id AND r.terms_version = t.terms_version WHERE s.state IN ('WAITING', 'HELD', 'CONFIRMED')
)
SELECT count(*), count(*) FILTER (WHERE wrong), (array_agg(seat_id::text) FILTER (WHERE wrong))[1:5] FROM live
