-- A team past its end has ended, exactly once; one that formed may be cancelled after: every seat of it, then the team itself.
-- database: team_formation
WITH ends AS (
    SELECT aggregateid, count(*) FILTER (WHERE type NOT LIKE '%%TeamCancelled') AS times,
           count(*) FILTER (WHERE type LIKE '%%TeamCancelled') AS cancelled,
           count(*) FILTER (WHERE type LIKE '%%TeamFormed') AS formed
    FROM outbox
    WHERE aggregatetype = 'groupbuy.team.v1'
      AND type IN ('groupbuy.team_formation.v1.TeamFormed', 'groupbuy.team_formation.v1.TeamFailed',
                   'groupbuy.team_formation.v1.TeamCancelled')
    GROUP BY aggregateid
), twice AS (
    SELECT aggregateid FROM ends WHERE times > 1 OR cancelled > 1 + formed OR times - formed + cancelled > 1 + formed
), late AS (
    SELECT team_id FROM teams LEFT JOIN platforms AS p USING (platform_id)
    WHERE state IN ('FORMING', 'TIPPED') AND p.retired_at IS NULL
      AND ends_at < %(now)s::timestamptz + coalesce(p.clock_ahead, 0) * interval '1 microsecond' - interval '30 seconds'
)
SELECT (SELECT count(*) FROM teams),
       (SELECT count(*) FROM twice) + (SELECT count(*) FROM late),
       (SELECT array_agg(id) FROM (SELECT aggregateid AS id FROM twice
                                   UNION ALL SELECT team_id::text FROM late LIMIT 5) AS examples)
