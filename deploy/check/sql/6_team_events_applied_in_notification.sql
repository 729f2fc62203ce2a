-- Every version of every team has taken effect in notification, once.
-- database: team_formation
SELECT aggregateid, max(sequence) FROM outbox WHERE aggregatetype = 'groupbuy.team.v1' GROUP BY aggregateid
-- database: notification
SELECT key, sequence FROM inbox WHERE topic = 'groupbuy.team.v1'
