-- What was confirmed and what pricing settles is the same money: cap times quantity, seat by seat.
-- database: team_formation
SELECT s.seat_id, s.cap * s.quantity FROM seats AS s
JOIN teams AS t USING (campaign_id, team_id) JOIN campaign_terms AS k USING (campaign_id, terms_version)
WHERE k.payment_mode IN ('HOLD', 'PREPAID') AND s.confirmed_at IS NOT NULL
  AND ((t.state = 'FORMED' AND s.state = 'CONFIRMED') OR s.release_reason IN ('TEAM_FAILED', 'LEFT'))
-- database: pricing
SELECT seat_id, sum(authorised + paid) FROM settlement_lines
WHERE cause <> 'LATE_PAYMENT' AND authorised + paid > 0 GROUP BY campaign_id, seat_id
