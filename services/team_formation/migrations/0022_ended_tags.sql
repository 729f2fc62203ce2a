-- Tags of seats that have ended count no more: who joins and leaves over and over makes no join read more rows.

ALTER TABLE seat_tags ADD COLUMN ended boolean NOT NULL DEFAULT false;  -- its seat has; where it is false the seat says
CREATE INDEX seat_tags_live ON seat_tags (campaign_id, kind, mark, taken_at) WHERE NOT ended;
DROP INDEX seat_tags_by_mark;
