-- The search index: one narrow table per kind of value. A row lives in commits born <= S < died, so that pages can be
-- cut from a snapshot. `param` numbers a parameter of one resource type; `part` tells the groups of a composite
-- parameter apart (0: no composite). The main key answers "who has this value", the by_resource index "what has this
-- one". Rows that died are found by the partial _dead indexes and purged when no page cursor can ask for them.
CREATE TABLE search_param (
  param           INTEGER NOT NULL PRIMARY KEY,
  type            TEXT NOT NULL,
  code            TEXT NOT NULL  -- also "subject:identifier", "identifier:of-type", "code-value-quantity$1"
);
CREATE UNIQUE INDEX search_param_by_name ON search_param (type, code);

CREATE TABLE search_token (
  param           INTEGER NOT NULL,
  code            TEXT NOT NULL,
  resource_key    INTEGER NOT NULL,
  system          TEXT NOT NULL,
  part            INTEGER NOT NULL,
  born            INTEGER NOT NULL,
  died            INTEGER NOT NULL,
  text            TEXT NOT NULL,  -- normalised display, for :text
  PRIMARY KEY (param, code, resource_key, system, part, born)
) WITHOUT ROWID;
CREATE INDEX search_token_by_resource ON search_token (resource_key, param);
CREATE INDEX search_token_dead ON search_token (died) WHERE died < 9223372036854775807;

CREATE TABLE search_string (
  param           INTEGER NOT NULL,
  normalised      TEXT NOT NULL,
  resource_key    INTEGER NOT NULL,
  original        TEXT NOT NULL,
  part            INTEGER NOT NULL,
  born            INTEGER NOT NULL,
  died            INTEGER NOT NULL,
  PRIMARY KEY (param, normalised, resource_key, original, part, born)
) WITHOUT ROWID;
CREATE INDEX search_string_by_resource ON search_string (resource_key, param);
CREATE INDEX search_string_dead ON search_string (died) WHERE died < 9223372036854775807;

CREATE TABLE search_date (
  param           INTEGER NOT NULL,
  low             INTEGER NOT NULL,  -- [low, high) in milliseconds since 1970, UTC
  high            INTEGER NOT NULL,
  resource_key    INTEGER NOT NULL,
  part            INTEGER NOT NULL,
  born            INTEGER NOT NULL,
  died            INTEGER NOT NULL,
  PRIMARY KEY (param, low, high, resource_key, part, born)
) WITHOUT ROWID;
CREATE INDEX search_date_by_resource ON search_date (resource_key, param);
CREATE INDEX search_date_dead ON search_date (died) WHERE died < 9223372036854775807;

CREATE TABLE search_reference (
  param           INTEGER NOT NULL,
  target_id       TEXT NOT NULL,     -- the whole text where it does not end in Type/id
  resource_key    INTEGER NOT NULL,
  target_type     TEXT NOT NULL,
  base            TEXT NOT NULL,     -- '' for a relative reference
  version         TEXT NOT NULL,
  part            INTEGER NOT NULL,
  born            INTEGER NOT NULL,
  died            INTEGER NOT NULL,
  PRIMARY KEY (param, target_id, resource_key, target_type, base, version, part, born)
) WITHOUT ROWID;
CREATE INDEX search_reference_by_resource ON search_reference (resource_key, param);
CREATE INDEX search_reference_dead ON search_reference (died) WHERE died < 9223372036854775807;

CREATE TABLE search_uri (
  param           INTEGER NOT NULL,
  uri             TEXT NOT NULL,
  resource_key    INTEGER NOT NULL,
  part            INTEGER NOT NULL,
  born            INTEGER NOT NULL,
  died            INTEGER NOT NULL,
  PRIMARY KEY (param, uri, resource_key, part, born)
) WITHOUT ROWID;
CREATE INDEX search_uri_by_resource ON search_uri (resource_key, param);
CREATE INDEX search_uri_dead ON search_uri (died) WHERE died < 9223372036854775807;

-- Numbers and quantities: [low, high) as their digits reach, or as a Range or comparator says.
CREATE TABLE search_number (
  param           INTEGER NOT NULL,
  low             REAL NOT NULL,
  high            REAL NOT NULL,
  resource_key    INTEGER NOT NULL,
  part            INTEGER NOT NULL,
  born            INTEGER NOT NULL,
  died            INTEGER NOT NULL,
  PRIMARY KEY (param, low, high, resource_key, part, born)
) WITHOUT ROWID;
CREATE INDEX search_number_by_resource ON search_number (resource_key, param);
CREATE INDEX search_number_dead ON search_number (died) WHERE died < 9223372036854775807;

CREATE TABLE search_quantity (
  param           INTEGER NOT NULL,
  low             REAL NOT NULL,
  high            REAL NOT NULL,
  resource_key    INTEGER NOT NULL,
  code            TEXT NOT NULL,
  system          TEXT NOT NULL,
  unit            TEXT NOT NULL,
  part            INTEGER NOT NULL,
  born            INTEGER NOT NULL,
  died            INTEGER NOT NULL,
  PRIMARY KEY (param, low, high, resource_key, code, system, unit, part, born)
) WITHOUT ROWID;
CREATE INDEX search_quantity_by_resource ON search_quantity (resource_key, param);
CREATE INDEX search_quantity_dead ON search_quantity (died) WHERE died < 9223372036854775807;
