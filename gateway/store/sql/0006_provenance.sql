-- Which message gave a version: 0 for what no message gave. Provenance is computed from the kept bytes and this number.
ALTER TABLE resource_version ADD COLUMN journal_id INTEGER NOT NULL DEFAULT 0;

-- How often the subject of a work item (a record, kind by kind) was seen, and in which messages: what is taken in again
-- once it is answered.
CREATE TABLE sighting (
  record_id       TEXT NOT NULL PRIMARY KEY,
  seen            INTEGER NOT NULL,
  first_seen      INTEGER NOT NULL,
  last_seen       INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE sighting_message (
  record_id       TEXT NOT NULL,
  journal_id      INTEGER NOT NULL,
  done            INTEGER NOT NULL,  -- 1 once it was taken in again
  PRIMARY KEY (record_id, journal_id)
) WITHOUT ROWID;
CREATE INDEX sighting_message_not_done ON sighting_message (record_id, journal_id) WHERE done = 0;

-- What operators answered into a partner's vocabulary.
CREATE TABLE partner_code (
  partner         TEXT NOT NULL,
  vocabulary      TEXT NOT NULL,
  v2_code         TEXT NOT NULL,
  fhir_system     TEXT NOT NULL,
  fhir_code       TEXT NOT NULL,
  PRIMARY KEY (partner, vocabulary, v2_code)
) WITHOUT ROWID;

-- Every set of tables that ever translated here, by its hash: what a journal row's maps_hash names.
CREATE TABLE table_set (
  hash            TEXT NOT NULL PRIMARY KEY,
  first_used      INTEGER NOT NULL,
  content         TEXT NOT NULL      -- JSON: files and profiles
);

-- What operators did: who, when, what, to which thing, how it ended. Nothing of a patient.
CREATE TABLE operator_act (
  act_id          INTEGER NOT NULL PRIMARY KEY,
  at              INTEGER NOT NULL,
  operator        TEXT NOT NULL,
  action          TEXT NOT NULL,
  object          TEXT NOT NULL,
  outcome         TEXT NOT NULL
);
