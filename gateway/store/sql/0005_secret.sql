-- Random bytes made once with the database: what seals page links and must survive a restart. Never logged or served.
CREATE TABLE secret (
  name            TEXT NOT NULL PRIMARY KEY,
  bytes           BLOB NOT NULL
) WITHOUT ROWID;
