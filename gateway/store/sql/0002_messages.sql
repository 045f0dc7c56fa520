-- What came in, what it left to be written back, what goes out.
CREATE TABLE journal (
  journal_id      INTEGER NOT NULL PRIMARY KEY,  -- ascending in commit order
  revision        INTEGER NOT NULL,              -- counts rewrites of this row; what a read set checks
  received        INTEGER NOT NULL,
  feed            TEXT NOT NULL,
  partner         TEXT NOT NULL,
  format          TEXT NOT NULL,
  duplicate_key   TEXT NOT NULL,
  content_hash    TEXT NOT NULL,
  kind            TEXT NOT NULL,
  outcome         TEXT NOT NULL,
  answer          BLOB NOT NULL,
  issues          TEXT NOT NULL,
  maps_hash       TEXT NOT NULL,
  raw             BLOB NOT NULL
);
-- The duplicate rule: one message per key. A conflict (same key, other bytes) is kept beside it.
CREATE UNIQUE INDEX journal_by_duplicate_key ON journal (duplicate_key)
  WHERE duplicate_key <> '' AND outcome <> 'conflict';
CREATE INDEX journal_by_outcome ON journal (outcome, journal_id);

CREATE TABLE complement (
  partner         TEXT NOT NULL,
  anchor          TEXT NOT NULL,
  family          TEXT NOT NULL,
  journal_id      INTEGER NOT NULL,
  PRIMARY KEY (partner, anchor, family)
) WITHOUT ROWID;

CREATE TABLE outbox (
  outbox_id       INTEGER NOT NULL PRIMARY KEY,  -- ascending in commit order
  record_id       TEXT NOT NULL,
  destination     TEXT NOT NULL,
  order_key       TEXT NOT NULL,
  kind            TEXT NOT NULL,
  request         TEXT NOT NULL,
  control_id      TEXT NOT NULL,
  rendered        BLOB NOT NULL,
  state           INTEGER NOT NULL,  -- 0 waiting, 1 sent, 2 delivered, 3 unconfirmed, 4 stopped, 5 cancelled
  attempts        INTEGER NOT NULL,
  next_attempt    INTEGER NOT NULL,
  created         INTEGER NOT NULL,
  last_outcome    TEXT NOT NULL
);
CREATE INDEX outbox_open ON outbox (destination, outbox_id) WHERE state IN (0, 1, 4);
CREATE INDEX outbox_by_record ON outbox (record_id, outbox_id);
