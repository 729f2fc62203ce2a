-- A stored request is inserted once, with its answer, and never updated: its pages need no room for that.
ALTER TABLE requests RESET (fillfactor);
