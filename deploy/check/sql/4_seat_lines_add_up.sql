-- The lines of a seat add up to what it finally owes, and to what was paid or authorised for it; a team that waits for a tally apart.
-- database: pricing
WITH settled AS (
    SELECT campaign_id, seat_id, sum(to_capture + to_keep + due) AS charged, sum(authorised + paid) AS brought,
           least(sum(authorised), sum(paid), sum(to_capture), sum(to_void), sum(to_keep), sum(to_refund), sum(due)) AS least
    FROM settlement_lines WHERE cause <> 'LATE_PAYMENT' GROUP BY campaign_id, seat_id
), confirmed AS (
    SELECT campaign_id, seat_id, max(version) AS version FROM facts WHERE kind = 'SeatConfirmed' GROUP BY campaign_id, seat_id
), given_back AS (
    SELECT f.campaign_id, f.seat_id, sum(f.units_back) AS units FROM facts AS f JOIN confirmed AS c USING (campaign_id, seat_id)
    WHERE f.kind = 'SeatReduced' AND f.version > c.version GROUP BY f.campaign_id, f.seat_id
), judged AS (
    SELECT s.seat_id, coalesce(l.charged, 0) AS charged, coalesce(l.brought, 0) AS brought, coalesce(l.least, 0) AS least,
           CASE WHEN t.state = 'FORMED' AND t.ended_version = t.formed_version AND s.state = 'CONFIRMED' AND NOT s.sponsored THEN greatest(s.quantity - coalesce(d.refused_units, 0), 0) * least(s.cap, coalesce((
               SELECT (o ->> 1)::bigint FROM jsonb_array_elements(s.own_steps) AS o
               WHERE (o ->> 0)::bigint <= t.fill ORDER BY (o ->> 0)::bigint DESC LIMIT 1), (
               SELECT p.unit_price FROM price_steps AS p
               WHERE p.campaign_id = s.campaign_id AND p.ladder_version = t.ladder_version AND p.sku = s.sku
                 AND p.role = s.role AND p.threshold <= t.fill ORDER BY p.threshold DESC LIMIT 1))) ELSE 0 END AS owes,
           CASE WHEN t.payment_mode IN ('HOLD', 'PREPAID') THEN s.cap * (coalesce(b.units, 0) + CASE
               WHEN c.version IS NULL OR (t.state IN ('FORMING', 'TIPPED') AND s.state = 'CONFIRMED') THEN 0
               WHEN s.state = 'DEFAULTED' AND t.payment_mode = 'PREPAID' THEN 0
               ELSE s.quantity END) ELSE 0 END AS came
    FROM seats AS s JOIN teams AS t USING (campaign_id, team_id)
    LEFT JOIN deliveries_reported AS d ON d.campaign_id = s.campaign_id AND d.seat_id = s.seat_id
    LEFT JOIN settled AS l ON l.campaign_id = s.campaign_id AND l.seat_id = s.seat_id
    LEFT JOIN confirmed AS c ON c.campaign_id = s.campaign_id AND c.seat_id = s.seat_id
    LEFT JOIN given_back AS b ON b.campaign_id = s.campaign_id AND b.seat_id = s.seat_id
    WHERE NOT EXISTS (SELECT FROM tally_waits AS w WHERE w.campaign_id = t.campaign_id AND w.team_id = t.team_id)
)
SELECT count(*), count(*) FILTER (WHERE charged <> owes OR brought <> came OR least < 0),
       (array_agg(seat_id || ': charged ' || charged || ' of ' || owes || ', settled ' || brought || ' of ' || came)
        FILTER (WHERE charged <> owes OR brought <> came OR least < 0))[1:5]
FROM judged
