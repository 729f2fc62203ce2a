-- The cap of a seat is the price table's price at the fill with this seat added, for the role it was taken with,
-- or its own price by a quote; where the quote's cap is lower, that.
-- database: pricing
WITH priced AS (
    SELECT s.seat_id, s.cap, s.cap_from_quote, coalesce((
        SELECT (o ->> 1)::bigint FROM jsonb_array_elements(s.own_steps) AS o
        WHERE (o ->> 0)::bigint <= s.cap_fill ORDER BY (o ->> 0)::bigint DESC LIMIT 1), (
        SELECT p.unit_price FROM price_steps AS p
        WHERE p.campaign_id = s.campaign_id AND p.ladder_version = t.ladder_version AND p.sku = s.sku
          AND p.role = coalesce(s.cap_role, s.role) AND p.threshold <= s.cap_fill ORDER BY p.threshold DESC LIMIT 1)) AS price
    FROM seats AS s JOIN teams AS t USING (campaign_id, team_id)
    WHERE NOT s.sponsored AND s.cap_fill > 0  -- 0: it has never left the waitlist
)
SELECT count(*), count(*) FILTER (WHERE CASE WHEN cap_from_quote THEN cap >= price ELSE cap IS DISTINCT FROM price END),
       (array_agg(seat_id || ': ' || cap || ', table ' || price) FILTER (WHERE CASE WHEN cap_from_quote THEN cap >= price ELSE cap IS DISTINCT FROM price END))[1:5]
FROM priced
