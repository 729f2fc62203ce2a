-- Whose a key is, of test twins alone: how much of a twin's events was applied, and what is removed with it.
ALTER TABLE inbox ADD COLUMN twin_id uuid;
CREATE INDEX inbox_of_twins ON inbox (twin_id, topic) WHERE twin_id IS NOT NULL;
