-- A team that was brought over from another system: what happened up to this version is told to no member. 0: opened here.
ALTER TABLE teams ADD COLUMN imported_to bigint NOT NULL DEFAULT 0;
