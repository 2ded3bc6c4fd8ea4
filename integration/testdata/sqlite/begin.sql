-- Large pages, of which few are cached, so that transactions spill into the database before they are
-- committed, and sorters and temporary tables into files.
PRAGMA page_size = 8192;
PRAGMA cache_size = 20;
PRAGMA temp_store = FILE;
CREATE TABLE rounds(n INTEGER PRIMARY KEY, what TEXT);
CREATE TABLE readings(id INTEGER PRIMARY KEY, round REFERENCES rounds, sensor, value REAL, note TEXT, raw BLOB);
CREATE INDEX by_sensor ON readings(sensor, value DESC);
CREATE TABLE sensors(name TEXT PRIMARY KEY, scale REAL, CHECK (scale > 0)) WITHOUT ROWID;
CREATE TABLE journal(at INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT);
CREATE TRIGGER noted AFTER DELETE ON readings WHEN old.id % 50 = 0
BEGIN INSERT INTO journal(entry) VALUES (printf('%d of %s is gone', old.id, old.sensor)); END;
CREATE VIEW levels AS SELECT sensor, round, value * scale AS level FROM readings JOIN sensors ON name = sensor;
WITH RECURSIVE k(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM k WHERE i < 12)
INSERT INTO sensors SELECT printf('sensor-%02d', i), 1 + i / 7.0 FROM k;
