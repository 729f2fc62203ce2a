-- Every price and settlement event has taken effect in notification, once.
-- database: pricing
SELECT 'groupbuy.price.v1 team_' || rtrim(translate(encode(uuid_send(campaign_id) || uuid_send(team_id), 'base64'), '+/', '-_'), '='), price_sequence
FROM teams WHERE price_sequence > 0
UNION ALL SELECT 'groupbuy.price.v1 camp_' || rtrim(translate(encode(uuid_send(campaign_id), 'base64'), '+/', '-_'), '='), price_sequence
FROM tally_heads WHERE price_sequence > 0
UNION ALL SELECT 'groupbuy.settlement.v1 team_' || rtrim(translate(encode(uuid_send(campaign_id) || uuid_send(team_id), 'base64'), '+/', '-_'), '='), max(sequence)
FROM settlement_lines GROUP BY campaign_id, team_id
-- database: notification
SELECT topic || ' ' || key, sequence FROM inbox WHERE topic IN ('groupbuy.price.v1', 'groupbuy.settlement.v1')
