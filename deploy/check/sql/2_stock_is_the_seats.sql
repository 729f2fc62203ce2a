-- The units taken of a stock are those of the held and confirmed seats, and no more than are offered.
-- database: team_formation
WITH sold AS (
    SELECT campaign_id, sku, sum(quantity)::bigint AS units FROM seats
    WHERE state IN ('HELD', 'CONFIRMED') GROUP BY campaign_id, sku
), compared AS (
    SELECT k.campaign_id || ' ' || k.sku AS item, k.offered, k.taken, coalesce(s.units, 0) AS units
    FROM stock AS k LEFT JOIN sold AS s USING (campaign_id, sku)
)
SELECT count(*), count(*) FILTER (WHERE taken <> units OR units > offered),
       (array_agg(item || ': says ' || taken || ', has ' || units || ' of ' || offered)
        FILTER (WHERE taken <> units OR units > offered))[1:5]
FROM compared
