-- The cap of a seat is the price table's price at the fill with this seat added, for the role it was taken with.
-- database: pricing
WITH priced AS (
    SELECT s.seat_id, s.cap, (
        SELECT p.unit_price FROM price_steps AS p
        WHERE p.campaign_id = s.campaign_id AND p.ladder_version = t.ladder_version AND p.sku = s.sku
          AND p.role = coalesce(s.cap_role, s.role) AND p.threshold <= s.cap_fill ORDER BY p.threshold DESC LIMIT 1) AS price
    FROM seats AS s JOIN teams AS t USING (campaign_id, team_id)
    WHERE NOT s.sponsored AND s.cap_fill > 0  -- 0: it has never left the waitlist
)
SELECT count(*), count(*) FILTER (WHERE cap IS DISTINCT FROM price),
       (array_agg(seat_id || ': ' || cap || ', table ' || price) FILTER (WHERE cap IS DISTINCT FROM price))[1:5]
FROM priced
