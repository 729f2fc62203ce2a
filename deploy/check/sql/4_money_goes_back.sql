-- What was paid or authorised and what pricing settles is the same money: seat by seat, payment by payment.
-- database: team_formation
SELECT s.seat_id || ' ' || s.payment_reference, s.cap * s.quantity FROM seats AS s
JOIN teams AS t USING (campaign_id, team_id) JOIN campaign_terms AS k USING (campaign_id, terms_version)
WHERE k.payment_mode IN ('HOLD', 'PREPAID') AND s.confirmed_at IS NOT NULL
  AND ((t.state = 'FORMED' AND s.state = 'CONFIRMED') OR s.release_reason IN ('TEAM_FAILED', 'LEFT'))
UNION ALL SELECT seat_id || ' ' || payment_reference, amount FROM late_payments
-- database: pricing
SELECT seat_id || ' ' || payment_reference, authorised + paid FROM settlement_lines
JOIN teams USING (campaign_id, team_id) WHERE payment_mode IN ('HOLD', 'PREPAID')
