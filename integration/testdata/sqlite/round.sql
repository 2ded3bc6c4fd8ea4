-- A transaction with a part that is taken back.
BEGIN;
INSERT INTO rounds(what) VALUES ('round ' || (SELECT count(*) + 1 FROM rounds));
WITH RECURSIVE k(i, x) AS (
  SELECT 1, (SELECT max(n) FROM rounds) * 7919 % 65536
  UNION ALL SELECT i + 1, (x * 25173 + 13849) % 65536 FROM k WHERE i < 150)
INSERT INTO readings(round, sensor, value, note, raw)
SELECT (SELECT max(n) FROM rounds), printf('sensor-%02d', 1 + x % 12), x / 655.36, printf('%x is %s', x, CASE x / 21846 WHEN 0 THEN 'low' WHEN 1 THEN 'middle' ELSE 'high' END),
  CAST(printf('%.*c%d', x % 60, '.', x) AS BLOB) FROM k;
SAVEPOINT doubt;
UPDATE readings SET value = -value, note = upper(note) WHERE id % 3 = 0;
SELECT 'in doubt', count(*), printf('%.9g', sum(value)) FROM readings WHERE value < 0;
ROLLBACK TO doubt;
UPDATE readings SET value = value * 1.0625 WHERE sensor IN (SELECT name FROM sensors WHERE scale > 2);
DELETE FROM readings WHERE round < (SELECT max(n) FROM rounds) - 4;
-- An index that is built and used, and goes.
CREATE INDEX by_note ON readings(substr(note, -4), value) WHERE value > 20;
SELECT 'by note', count(*), min(note), max(note) FROM readings INDEXED BY by_note WHERE substr(note, -4) >= 'high' AND value > 20;
DROP INDEX by_note;
COMMIT;
-- A join with aggregates, a window and a sorter.
SELECT sensor, count(*), printf('%.12g', avg(level)), printf('%8.3f', max(level)), group_concat(DISTINCT round)
FROM levels GROUP BY sensor HAVING count(*) > 3 ORDER BY 3 DESC LIMIT 5;
SELECT id, sensor, note, length(raw), hex(substr(raw, -3)) FROM readings ORDER BY note || id % 10, value LIMIT 4 OFFSET 40;
SELECT sensor, round, printf('%.6e', value - lag(value, 1, 0) OVER w), row_number() OVER w FROM readings
WINDOW w AS (PARTITION BY sensor ORDER BY value, id) ORDER BY value DESC LIMIT 3;
-- The longest way to 1 from any number in a range: a long recursion, without tables.
WITH RECURSIVE
  start(x) AS (SELECT max(n) * 97 + 1000 FROM rounds UNION ALL SELECT x + 1 FROM start LIMIT 100),
  way(origin, x, steps) AS (
    SELECT x, x, 0 FROM start
    UNION ALL SELECT origin, CASE x % 2 WHEN 0 THEN x / 2 ELSE 3 * x + 1 END, steps + 1 FROM way WHERE x > 1)
SELECT 'longest way', origin, max(steps), (SELECT max(x) FROM way) FROM way;
-- A join of the last round with itself: of all pairs, how far they are apart.
SELECT 'pairs', count(*), printf('%.10g', sum(abs(a.value - b.value))), printf('%.6f', avg(a.value * b.value))
FROM readings a JOIN readings b ON b.round = a.round AND b.id > a.id WHERE a.round = (SELECT max(n) FROM rounds);
-- A temporary table, JSON and dates.
CREATE TEMP TABLE words AS SELECT DISTINCT note AS word FROM readings ORDER BY value;
SELECT 'words', count(*), sum(length(word)), sum(unicode(substr(word, 1 + rowid % length(word), 1)) * rowid % 997) FROM words;
SELECT json_group_array(json_object('word', word, 'at', rowid)) FROM (SELECT word, rowid FROM words WHERE word GLOB '*f* is m*' ORDER BY word LIMIT 3);
DROP TABLE words;
SELECT what, datetime(1e9 + n * 86400 * 31, 'unixepoch', 'start of month'), julianday('2000-01-01', n || ' days') FROM rounds ORDER BY n DESC LIMIT 1;
