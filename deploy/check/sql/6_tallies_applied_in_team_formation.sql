-- Every tally of every campaign has taken effect in team_formation, once.
-- database: pricing
SELECT 'camp_' || rtrim(translate(encode(uuid_send(campaign_id), 'base64'), '+/', '-_'), '='), max(seq) FROM tallies GROUP BY campaign_id
-- database: team_formation
SELECT key, sequence FROM inbox WHERE topic = 'groupbuy.tally.v1'
