-- What was paid or authorised and what pricing settles is the same money, payment by payment; units given back apart.
-- database: team_formation
SELECT payment, sum(amount) FROM (
    SELECT s.seat_id || ' ' || s.payment_reference AS payment,
           -- a payment that was reported and did not come is none
           CASE WHEN s.state = 'DEFAULTED' AND k.payment_mode = 'PREPAID' THEN 0 ELSE s.cap * s.quantity END AS amount
    FROM seats AS s
    JOIN teams AS t USING (campaign_id, team_id) JOIN campaign_terms AS k USING (campaign_id, terms_version)
    WHERE k.payment_mode IN ('HOLD', 'PREPAID') AND s.confirmed_at IS NOT NULL AND NOT s.sponsored
      AND (t.state NOT IN ('FORMING', 'TIPPED') OR s.state <> 'CONFIRMED')
    UNION ALL SELECT seat_id || ' ' || payment_reference, amount FROM late_payments
) AS payments GROUP BY payment
-- database: pricing
SELECT payment, sum(amount) FROM (
    SELECT seat_id || ' ' || payment_reference AS payment,
           CASE WHEN cause = 'SEAT_REDUCED' THEN least(cap * quantity, 0) ELSE authorised + paid END AS amount
    FROM settlement_lines JOIN teams USING (campaign_id, team_id)
    -- what is given back while the seat stays is no settlement of its payment yet
    WHERE payment_mode IN ('HOLD', 'PREPAID') AND (cause <> 'SEAT_REDUCED' OR quantity < 0)
) AS payments GROUP BY payment
