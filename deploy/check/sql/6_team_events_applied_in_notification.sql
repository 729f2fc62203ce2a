-- Every version of every team has taken effect in notification, once.
-- database: team_formation
SELECT 'team_' || rtrim(translate(encode(uuid_send(campaign_id) || uuid_send(team_id), 'base64'), '+/', '-_'), '='), version FROM teams
-- database: notification
SELECT key, sequence FROM inbox WHERE topic = 'groupbuy.team.v1'
