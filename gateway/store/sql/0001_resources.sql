-- Resources and their versions. Every row about one resource carries its resource_key, so that rows can be placed by it.
CREATE TABLE store_state (
  one             INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),  -- the one row that a commit group locks
  commit_seq      INTEGER NOT NULL,
  last_updated    INTEGER NOT NULL,  -- the newest lastUpdated given out: it never goes back, whatever the clock does
  purged_seq      INTEGER NOT NULL   -- searches at an older commit_seq have lost index rows
);
INSERT INTO store_state (one, commit_seq, last_updated, purged_seq) VALUES (1, 0, 0, 0);

CREATE TABLE resource (
  resource_key    INTEGER NOT NULL PRIMARY KEY,  -- ascending in commit order
  type            TEXT NOT NULL,
  id              TEXT NOT NULL
);
CREATE UNIQUE INDEX resource_by_id ON resource (type, id);
CREATE INDEX resource_by_type ON resource (type, resource_key);

CREATE TABLE resource_version (
  version_key     INTEGER NOT NULL PRIMARY KEY,  -- ascending in commit order: what history pages by
  resource_key    INTEGER NOT NULL,
  version_id      INTEGER NOT NULL,
  type            TEXT NOT NULL,
  last_updated    INTEGER NOT NULL,  -- milliseconds since 1970, UTC
  commit_seq      INTEGER NOT NULL,
  deleted         INTEGER NOT NULL,
  source          TEXT NOT NULL,
  interaction     TEXT NOT NULL,
  crc32c          INTEGER NOT NULL,  -- over type/id/version_id and the content
  content         TEXT NOT NULL      -- canonical JSON as served; '' when deleted
);
CREATE UNIQUE INDEX resource_version_by_id ON resource_version (resource_key, version_id);
CREATE INDEX resource_version_by_type ON resource_version (type, version_key);

-- Business keys: (space, name) points at one target.
CREATE TABLE business_key (
  space           TEXT NOT NULL,
  name            TEXT NOT NULL,
  target          TEXT NOT NULL,
  PRIMARY KEY (space, name)
) WITHOUT ROWID;
CREATE INDEX business_key_by_target ON business_key (space, target, name);
