-- A seat that the platform sponsors owes nothing and has no settlement line.
-- database: pricing
WITH sponsored AS (
    SELECT s.seat_id, EXISTS (SELECT FROM settlement_lines AS l
                              WHERE l.campaign_id = s.campaign_id AND l.seat_id = s.seat_id) AS settled
    FROM seats AS s WHERE s.sponsored
)
SELECT count(*), count(*) FILTER (WHERE settled), (array_agg(seat_id::text) FILTER (WHERE settled))[1:5] FROM sponsored
