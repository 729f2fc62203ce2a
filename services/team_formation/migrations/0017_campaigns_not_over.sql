-- Counts a platform's campaigns that are not over, however many there have been.
CREATE INDEX campaigns_not_over ON campaigns (platform_id, ends_at) WHERE phase <> 'CANCELLED';
