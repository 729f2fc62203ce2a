-- Each seat and cause has exactly one settlement line: formed, failed, cancelled, left, withdrawn, defaulted, paid too late.
-- database: team_formation
SELECT s.seat_id || ' TEAM_FORMED', 1 FROM seats AS s JOIN teams AS t USING (campaign_id, team_id)
WHERE t.state = 'FORMED' AND s.state = 'CONFIRMED' AND NOT s.sponsored
UNION ALL SELECT s.seat_id || CASE
    WHEN s.state = 'DEFAULTED' THEN ' SEAT_DEFAULTED'
    WHEN s.release_reason = 'LEFT' THEN ' SEAT_LEFT'
    WHEN s.release_reason = 'WITHDRAWN' THEN ' SEAT_WITHDRAWN'
    ELSE ' ' || s.release_reason END, 1
FROM seats AS s
WHERE s.state IN ('RELEASED', 'DEFAULTED') AND s.confirmed_at IS NOT NULL AND NOT s.sponsored
UNION ALL SELECT seat_id || ' LATE_PAYMENT', count(*) FROM late_payments GROUP BY campaign_id, seat_id
-- database: pricing
SELECT l.seat_id || ' ' || l.cause, count(*) FROM settlement_lines AS l
JOIN seats AS s USING (campaign_id, seat_id) JOIN teams AS t ON t.campaign_id = l.campaign_id AND t.team_id = l.team_id
-- of a seat that has gone since, what its last cause was is compared; 4_each_cause_has_its_line sees to the others
WHERE l.cause NOT IN ('SEAT_REDUCED', 'DELIVERY_REFUSED') AND (l.cause <> 'TEAM_FORMED' OR (t.state = 'FORMED' AND t.ended_version = t.formed_version AND s.state = 'CONFIRMED'))
GROUP BY l.campaign_id, l.seat_id, l.cause
