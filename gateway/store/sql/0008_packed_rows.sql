-- All index rows of one resource as one packed list (sqlite/packed_rows.hpp): what "what has this one" reads. It takes
-- the place of the by_resource indexes, which cost a second B-tree entry for every row of the index.
CREATE TABLE search_rows (
  resource_key    INTEGER NOT NULL PRIMARY KEY,
  rows            BLOB NOT NULL
);
INSERT INTO search_rows (resource_key, rows)
SELECT r.resource_key, (
  SELECT pack_rows(kind, param, part, born, died, low, high, value, first, second, third) FROM (
    SELECT 0 AS kind, param, part, born, died, 0 AS low, 0 AS high, code AS value, system AS first, text AS second, '' AS third
    FROM search_token INDEXED BY search_token_by_resource WHERE resource_key = r.resource_key
    UNION ALL
    SELECT 1, param, part, born, died, 0, 0, normalised, original, '', ''
    FROM search_string INDEXED BY search_string_by_resource WHERE resource_key = r.resource_key
    UNION ALL
    SELECT 2, param, part, born, died, low, high, '', '', '', ''
    FROM search_date INDEXED BY search_date_by_resource WHERE resource_key = r.resource_key
    UNION ALL
    SELECT 3, param, part, born, died, 0, 0, target_id, target_type, base, version
    FROM search_reference INDEXED BY search_reference_by_resource WHERE resource_key = r.resource_key
    UNION ALL
    SELECT 4, param, part, born, died, 0, 0, uri, '', '', ''
    FROM search_uri INDEXED BY search_uri_by_resource WHERE resource_key = r.resource_key
    UNION ALL
    SELECT 5, param, part, born, died, low, high, '', '', '', ''
    FROM search_number INDEXED BY search_number_by_resource WHERE resource_key = r.resource_key
    UNION ALL
    SELECT 6, param, part, born, died, low, high, code, system, unit, ''
    FROM search_quantity INDEXED BY search_quantity_by_resource WHERE resource_key = r.resource_key))
FROM resource r;

DROP INDEX search_token_by_resource;
DROP INDEX search_string_by_resource;
DROP INDEX search_date_by_resource;
DROP INDEX search_reference_by_resource;
DROP INDEX search_uri_by_resource;
DROP INDEX search_number_by_resource;
DROP INDEX search_quantity_by_resource;
