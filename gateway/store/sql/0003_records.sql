-- Referral and transition records: the chain of events, and what is folded from it.
CREATE TABLE record_event (
  record_id       TEXT NOT NULL,
  seq             INTEGER NOT NULL,  -- from 1, without gaps
  body            TEXT NOT NULL,
  hash            TEXT NOT NULL,     -- SHA-256 over the previous event's hash and this body, hex
  commit_seq      INTEGER NOT NULL,
  PRIMARY KEY (record_id, seq)
);

CREATE TABLE record (
  record_id       TEXT NOT NULL PRIMARY KEY,
  revision        INTEGER NOT NULL,  -- counts rewrites of this row; what a read set checks
  kind            TEXT NOT NULL,
  person          TEXT NOT NULL,
  state           TEXT NOT NULL,
  owner           TEXT NOT NULL,
  since           INTEGER NOT NULL,
  due             INTEGER NOT NULL,  -- the largest integer: no clock
  open            INTEGER NOT NULL,  -- 0 once the state is final
  body            TEXT NOT NULL
);
CREATE INDEX record_open_by_due ON record (due, record_id) WHERE open = 1;
CREATE INDEX record_open_by_kind ON record (kind, due, record_id) WHERE open = 1;
CREATE INDEX record_open_by_person ON record (person, due, record_id) WHERE open = 1;
CREATE INDEX record_open_by_owner ON record (owner, due, record_id) WHERE open = 1;

CREATE TABLE peer_state (
  partner         TEXT NOT NULL,
  record_id       TEXT NOT NULL,
  state           TEXT NOT NULL,
  PRIMARY KEY (partner, record_id)
) WITHOUT ROWID;
