-- Nobody is charged above the cap; who is charged, or given back what was, pays the lower of cap and price at the final fill:
-- its own price by a quote, else the table's.
-- database: pricing
WITH charged AS (
    SELECT l.line_id, l.cap, l.unit_price, coalesce((
        SELECT (o ->> 1)::bigint FROM jsonb_array_elements(s.own_steps) AS o
        WHERE (o ->> 0)::bigint <= t.fill ORDER BY (o ->> 0)::bigint DESC LIMIT 1), (
        SELECT p.unit_price FROM price_steps AS p
        WHERE p.campaign_id = l.campaign_id AND p.ladder_version = t.ladder_version AND p.sku = s.sku AND p.role = s.role
          AND p.threshold <= t.fill ORDER BY p.threshold DESC LIMIT 1)) AS price
    FROM settlement_lines AS l JOIN teams AS t USING (campaign_id, team_id)
    LEFT JOIN seats AS s ON s.campaign_id = l.campaign_id AND s.seat_id = l.seat_id
    WHERE l.cause = 'TEAM_FORMED' OR l.quantity < 0
)
SELECT count(*), count(*) FILTER (WHERE unit_price IS DISTINCT FROM least(cap, price)),
       (array_agg(line_id::text) FILTER (WHERE unit_price IS DISTINCT FROM least(cap, price)))[1:5]
FROM charged
