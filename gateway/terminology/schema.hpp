/// The tables of an index. Concepts are numbered from 0 without gaps, as CodeSystem wants them.
#pragma once

#include <string_view>

namespace gateway::terminology {

constexpr std::string_view kForm = "1";  // of these tables: another form is imported again

constexpr char const* kSchema = R"(
  CREATE TABLE about(name TEXT PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE concept(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, display TEXT NOT NULL, inactive INTEGER NOT NULL);
  CREATE TABLE designation(release_id TEXT NOT NULL, concept INTEGER NOT NULL, language TEXT NOT NULL,
                           use_code TEXT NOT NULL, value TEXT NOT NULL, preferred INTEGER);
  CREATE INDEX designation_by_release_id ON designation(release_id) WHERE release_id <> '';
  CREATE INDEX designation_by_concept ON designation(concept);
  CREATE TABLE property(concept INTEGER NOT NULL, code TEXT NOT NULL, type TEXT NOT NULL, value TEXT NOT NULL);
  CREATE TABLE edge(child INTEGER NOT NULL, parent INTEGER NOT NULL, PRIMARY KEY(child, parent)) WITHOUT ROWID;)";

constexpr char const* kIndexes = R"(
  CREATE INDEX property_by_concept ON property(concept);
  CREATE INDEX property_by_value ON property(code, value, concept);
  CREATE INDEX edge_by_parent ON edge(parent, child);
  ANALYZE;)";

}  // namespace gateway::terminology
