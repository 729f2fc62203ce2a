-- Every committed event of pricing has been written to Kafka.
-- database: pricing
SELECT count(*), count(*) FILTER (WHERE o.position > p.position), (array_agg(o.id::text) FILTER (WHERE o.position > p.position))[1:5]
FROM outbox AS o JOIN relay_positions AS p USING (shard)
