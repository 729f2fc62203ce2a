-- Nobody waits in a running campaign who fits into the team and whose item is left, unless the team is about to be looked at.
-- database: team_formation
WITH waiting AS (
    SELECT w.seat_id,
           CASE r.counted_in WHEN 'MEMBERS' THEN t.confirmed_members + t.held_members + 1
                ELSE t.confirmed_units + t.held_units + w.quantity END <= r.maximum
           AND w.quantity <= coalesce(k.offered - k.taken, w.quantity)
           AND c.phase = 'PUBLISHED' AND c.starts_at <= %(now)s AND c.ends_at > %(now)s AND NOT c.sweeping
           AND t.state IN ('FORMING', 'TIPPED') AND t.ends_at > %(now)s AND t.due_at > greatest(%(now)s, t.opened_at) AS wrong
    FROM seats AS w JOIN teams AS t USING (campaign_id, team_id) JOIN campaigns AS c USING (campaign_id)
    JOIN campaign_terms AS r ON r.campaign_id = t.campaign_id AND r.terms_version = t.terms_version
    LEFT JOIN stock AS k ON k.campaign_id = w.campaign_id AND k.sku = w.sku
    WHERE w.state = 'WAITING'
)
SELECT count(*), count(*) FILTER (WHERE wrong), (array_agg(seat_id::text) FILTER (WHERE wrong))[1:5] FROM waiting
