-- Every price and settlement event has taken effect in notification, once.
-- database: pricing
SELECT aggregatetype || ' ' || aggregateid, max(sequence) FROM outbox
WHERE aggregatetype IN ('groupbuy.price.v1', 'groupbuy.settlement.v1') GROUP BY aggregatetype, aggregateid
-- database: notification
SELECT topic || ' ' || key, sequence FROM inbox WHERE topic IN ('groupbuy.price.v1', 'groupbuy.settlement.v1')
