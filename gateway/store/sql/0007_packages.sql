-- FHIR packages that operators have loaded over the admin API, as they were sent: known again after a restart.
CREATE TABLE fhir_package (
  name            TEXT NOT NULL,
  version         TEXT NOT NULL,
  loaded          INTEGER NOT NULL,
  operator        TEXT NOT NULL,
  bytes           BLOB NOT NULL,
  PRIMARY KEY (name, version)
);
