-- By when money has to come and what happens where it does not, as part of a campaign's terms; null: nothing lapses.

ALTER TABLE campaign_terms ADD COLUMN payment_terms jsonb;
