-- Every committed event of notification has been written to Kafka.
-- database: notification
SELECT count(*), count(*) FILTER (WHERE o.position > p.position), (array_agg(o.id::text) FILTER (WHERE o.position > p.position))[1:5]
FROM outbox AS o JOIN relay_positions AS p USING (shard)
