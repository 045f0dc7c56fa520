-- How often a row was sent again without knowing what became of it before: a crash cut it off (S7).
ALTER TABLE outbox ADD COLUMN resent INTEGER NOT NULL DEFAULT 0;
