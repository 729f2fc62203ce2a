-- A team past its end has ended, exactly once.
-- database: team_formation
WITH ends AS (
    SELECT aggregateid, count(*) AS times FROM outbox
    WHERE aggregatetype = 'groupbuy.team.v1'
      AND type IN ('groupbuy.team_formation.v1.TeamFormed', 'groupbuy.team_formation.v1.TeamFailed')
    GROUP BY aggregateid
), late AS (
    SELECT team_id FROM teams
    WHERE state IN ('FORMING', 'TIPPED') AND ends_at < %(now)s::timestamptz - interval '30 seconds'
)
SELECT (SELECT count(*) FROM teams),
       (SELECT count(*) FROM ends WHERE times > 1) + (SELECT count(*) FROM late),
       (SELECT array_agg(id) FROM (SELECT aggregateid AS id FROM ends WHERE times > 1
                                   UNION ALL SELECT team_id::text FROM late LIMIT 5) AS examples)
