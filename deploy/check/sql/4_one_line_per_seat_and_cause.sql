-- Each seat and cause has exactly one settlement line: formed, failed, left, paid too late.
-- database: team_formation
SELECT s.seat_id || ' TEAM_FORMED', 1 FROM seats AS s JOIN teams AS t USING (campaign_id, team_id)
WHERE t.state = 'FORMED' AND s.state = 'CONFIRMED'
UNION ALL SELECT seat_id || ' TEAM_FAILED', 1 FROM seats WHERE release_reason = 'TEAM_FAILED'
UNION ALL SELECT seat_id || ' SEAT_LEFT', 1 FROM seats WHERE release_reason = 'LEFT' AND confirmed_at IS NOT NULL
UNION ALL SELECT seat_id || ' LATE_PAYMENT', count(*) FROM late_payments GROUP BY campaign_id, seat_id
-- database: pricing
SELECT seat_id || ' ' || cause, count(*) FROM settlement_lines GROUP BY campaign_id, seat_id, cause
