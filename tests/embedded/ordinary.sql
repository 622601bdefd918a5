-- What an ordinary user writes; all must work, in this order. Lines of --- separate them.
---
CREATE DATABASE shop
---
CREATE TABLE shop.events (id UInt64, person UInt64, name LowCardinality(String), at DateTime64(3, 'UTC'), properties JSON, tags Map(String, Array(String)), file String DEFAULT 'none', amount Nullable(Decimal(18, 2)) CODEC(ZSTD(1)), stamp DateTime DEFAULT now() CODEC(Delta, LZ4), INDEX by_name name TYPE set(100) GRANULARITY 4, INDEX by_file file TYPE bloom_filter(0.01) GRANULARITY 1, PROJECTION per_name (SELECT name, count() GROUP BY name), CONSTRAINT positive CHECK id > 0) ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY (person, at, id) TTL toDateTime(at) + INTERVAL 10 YEAR DELETE SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 100
---
CREATE TABLE shop.people (id UInt64, email String) ENGINE = ReplacingMergeTree ORDER BY id
---
CREATE TABLE shop.daily (day Date, n AggregateFunction(count)) ENGINE = AggregatingMergeTree ORDER BY day
---
CREATE MATERIALIZED VIEW shop.to_daily TO shop.daily AS SELECT toDate(at) AS day, countState() AS n FROM shop.events GROUP BY day
---
INSERT INTO shop.events (id, person, name, at, properties, tags) VALUES (1, 1, 'viewed', '2026-01-01 10:00:00', '{"a":{"b":1}}', {'k':['v']}), (2, 1, upper('bought'), now64(3), '{}', {})
---
INSERT INTO shop.people SELECT number, concat('p', toString(number), '@example.org') FROM numbers(10)
---
SELECT 1
---
SELECT 1;
---
  /* a comment */ SELECT 1 -- the end
---
SELECT 'INTO OUTFILE ''x''', 'file(''/etc/passwd'')', 'url(''http://h'')'
---
SELECT 1 AS file, 2 AS url, 3 AS outfile, 4 AS `INTO OUTFILE`
---
SELECT file FROM shop.events
---
SELECT e.file AS "url('x')" FROM shop.events AS e WHERE e.file != 'FROM INFILE'
---
SELECT $doc$ SELECT * FROM file('x') $doc$ AS heredoc
---
WITH recent AS (SELECT * FROM shop.events WHERE at > '2020-01-01') SELECT count() FROM recent
---
WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT max(n) FROM t
---
SELECT person, row_number() OVER (PARTITION BY person ORDER BY at), lagInFrame(name) OVER w FROM shop.events WINDOW w AS (PARTITION BY person ORDER BY at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
---
SELECT windowFunnel(86400)(toDateTime(at), name = 'viewed', name = 'BOUGHT') FROM shop.events GROUP BY person
---
SELECT sumIf(id, name = 'viewed'), uniqExactMerge(s), quantilesTDigest(0.5, 0.9)(id), argMaxIf(name, at, id > 0), groupArrayArray([id]) FROM (SELECT id, name, at, uniqExactState(id) AS s FROM shop.events GROUP BY id, name, at)
---
SELECT properties.a.b, properties.^a, JSONExtractString('{"x":"y"}', 'x') FROM shop.events
---
SELECT arrayMap((x, y) -> x + y, [1, 2], [3, 4]), arrayFold((a, x) -> a + x, [1, 2], toInt64(0)), mapKeys(tags) FROM shop.events
---
SELECT * EXCEPT (stamp) REPLACE (toString(id) AS id) FROM shop.events
---
SELECT COLUMNS('id|person') APPLY(max) FROM shop.events
---
SELECT name, count() FROM shop.events GROUP BY ROLLUP(name) HAVING count() > 0 ORDER BY 2 DESC LIMIT 1 WITH TIES
---
SELECT a.id FROM shop.events AS a LEFT ANY JOIN shop.people AS b ON a.person = b.id ARRAY JOIN [1, 2] AS x
---
SELECT a.id FROM shop.events AS a ASOF JOIN shop.events AS b ON a.person = b.person AND a.at >= b.at
---
SELECT id FROM shop.people FINAL PREWHERE id > 0 WHERE id IN (SELECT person FROM shop.events) SETTINGS final = 0, max_threads = 1
---
SELECT 1 UNION ALL SELECT 2 INTERSECT SELECT 2 EXCEPT SELECT 3
---
(SELECT 1) UNION DISTINCT (SELECT 1)
---
SELECT CASE WHEN 1 THEN 'a' ELSE 'b' END, CAST(1 AS String), 1::Int8, DATE '2020-01-01', INTERVAL 1 DAY, (1, 'a').2, [1][1]
---
SELECT EXTRACT(YEAR FROM now()), toStartOfInterval(now(), INTERVAL 1 WEEK), dateDiff('day', today(), now()), position('a' IN 'ab')
---
SELECT NOT EXISTS(SELECT 1 WHERE 0), 1 BETWEEN 0 AND 2, NULL IS NULL, 'a' ILIKE 'A', 1 IN (1, 2), if(1, 2, 3), 1 ? 2 : 3
---
SELECT number FROM numbers(3) ORDER BY number WITH FILL FROM 0 TO 10 STEP 2
---
SELECT * FROM generateRandom('a UInt8, b String', 1) LIMIT 1
---
SELECT * FROM values('a UInt8, b String', (1, 'x'), (2, 'y'))
---
SELECT * FROM view(SELECT 1 AS a)
---
SELECT * FROM merge('shop', '^peo')
---
SELECT * FROM format(JSONEachRow, '{"a":1}')
---
SELECT generateUUIDv7(), UUIDv7ToDateTime(generateUUIDv7()), now64(6), rand(), hex(SHA256('x')), cityHash64('a')
---
SELECT count() FROM system.tables WHERE database = 'shop'
---
SELECT query FROM system.processes
---
SELECT 1 FORMAT JSON
---
SELECT * FROM shop.events FORMAT Parquet
---
SELECT * FROM shop.people FORMAT ArrowStream
---
SELECT * FROM shop.people FORMAT CSVWithNames SETTINGS format_csv_delimiter = ';'
---
CREATE VIEW shop.by_person AS SELECT * FROM shop.events WHERE person = {person:UInt64} AND name IN {names:Array(String)}
---
SELECT * FROM shop.by_person(person = 1, names = ['viewed'])
---
DESCRIBE TABLE shop.by_person(person = 1, names = ['viewed'])
---
DESCRIBE (SELECT * FROM shop.by_person(person = 1, names = ['viewed']))
---
desc (SELECT count() AS n FROM shop.by_person(person = toUInt64('1'), names = [upper('x')]) AS p) FORMAT JSON
---
CREATE OR REPLACE VIEW shop.by_file AS SELECT file, count() AS n FROM shop.events GROUP BY file
---
CREATE DICTIONARY shop.emails (id UInt64, email String DEFAULT '') PRIMARY KEY id SOURCE(CLICKHOUSE(DB 'shop' TABLE 'people')) LAYOUT(HASHED(SHARDS 2)) LIFETIME(MIN 0 MAX 60)
---
SELECT dictGetOrDefault('shop.emails', 'email', toUInt64(3), ''), dictHas('shop.emails', 3)
---
CREATE DICTIONARY shop.names (id UInt64, email String) PRIMARY KEY id SOURCE(CLICKHOUSE(QUERY 'SELECT id, upper(email) AS email FROM shop.people WHERE id < 5' HOST 'localhost')) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0)
---
SELECT dictGet('shop.names', 'email', tuple(toUInt64(1)))
---
SELECT * FROM dictionary('shop.emails') LIMIT 1
---
SYSTEM RELOAD DICTIONARY shop.emails
---
CREATE MATERIALIZED VIEW shop.hourly REFRESH EVERY 1 HOUR ENGINE = MergeTree ORDER BY n AS SELECT count() AS n FROM shop.events
---
SYSTEM REFRESH VIEW shop.hourly
---
SYSTEM WAIT VIEW shop.hourly
---
ALTER TABLE shop.hourly MODIFY REFRESH EVERY 2 HOUR
---
CREATE FUNCTION twice AS (x) -> x * 2
---
SELECT twice(21)
---
INSERT INTO shop.people VALUES (twice(50), 'x')
---
DROP FUNCTION twice
---
EXPLAIN SELECT * FROM shop.events
---
EXPLAIN PIPELINE SELECT count() FROM shop.events
---
EXPLAIN indexes = 1 SELECT * FROM shop.events WHERE person = 1
---
EXPLAIN AST SELECT 1
---
EXPLAIN SYNTAX SELECT 1
---
EXPLAIN ESTIMATE SELECT * FROM shop.events
---
SHOW DATABASES
---
SHOW TABLES FROM shop LIKE '%e%'
---
SHOW CREATE TABLE shop.events
---
SHOW CREATE VIEW shop.by_file
---
SHOW CREATE DICTIONARY shop.emails
---
SHOW CREATE DATABASE shop
---
SHOW COLUMNS FROM shop.events
---
SHOW FUNCTIONS LIKE 'toU%'
---
SHOW SETTINGS LIKE 'max_t%'
---
SHOW PROCESSLIST
---
SHOW GRANTS
---
SHOW INDEXES FROM shop.events
---
DESCRIBE TABLE shop.events
---
DESC shop.events
---
DESCRIBE (SELECT 1 AS a, toString(2) AS b)
---
DESCRIBE numbers(3)
---
EXISTS TABLE shop.events
---
EXISTS shop.nothing
---
EXISTS DICTIONARY shop.emails
---
USE shop
---
SET max_threads = 2
---
CHECK TABLE shop.events
---
OPTIMIZE TABLE shop.events FINAL
---
OPTIMIZE TABLE shop.people FINAL DEDUPLICATE BY id
---
ALTER TABLE shop.events ADD COLUMN url String DEFAULT concat('u', file) AFTER file, COMMENT COLUMN url 'a column called url'
---
ALTER TABLE shop.events MODIFY COLUMN url LowCardinality(String) CODEC(ZSTD(3))
---
ALTER TABLE shop.events RENAME COLUMN url TO address
---
ALTER TABLE shop.events UPDATE file = 'x' WHERE id = 1 SETTINGS mutations_sync = 1
---
ALTER TABLE shop.events DELETE WHERE id = 1000 SETTINGS mutations_sync = 1
---
ALTER TABLE shop.events ADD INDEX by_address address TYPE minmax GRANULARITY 1
---
ALTER TABLE shop.events MATERIALIZE INDEX by_address
---
ALTER TABLE shop.events MODIFY TTL toDateTime(at) + INTERVAL 20 YEAR
---
ALTER TABLE shop.events MODIFY SETTING parts_to_throw_insert = 1000
---
ALTER TABLE shop.events ADD PROJECTION latest (SELECT * ORDER BY at)
---
ALTER TABLE shop.events DROP PARTITION 202601
---
DELETE FROM shop.people WHERE id = 9
---
CREATE TABLE shop.copy AS shop.events
---
ALTER TABLE shop.copy ATTACH PARTITION 202601 FROM shop.events
---
CREATE TABLE shop.selected ENGINE = MergeTree ORDER BY id AS SELECT id, file FROM shop.events
---
CREATE OR REPLACE TABLE shop.selected (id UInt64) ENGINE = Memory
---
CREATE TEMPORARY TABLE scratch (a UInt8)
---
INSERT INTO shop.selected SETTINGS async_insert = 0 SELECT id FROM shop.events
---
INSERT INTO shop.selected (id) FORMAT JSONEachRow {"id": 4}
{"id": 5}
---
INSERT INTO TABLE shop.selected FORMAT CSV
6
7

---
INSERT INTO shop.people (id, email) VALUES (70, 'SELECT * FROM file(''x'') INTO OUTFILE ''y''')
---
INSERT INTO shop.people (id, email) VALUES (71, lower('A;B INTO OUTFILE''')), (72, 'it\'s')
---
INSERT INTO shop.people (* EXCEPT (email)) VALUES (72)
---
INSERT INTO shop.people SELECT 80, 'x' FORMAT Null
---
RENAME TABLE shop.selected TO shop.chosen
---
EXCHANGE TABLES shop.copy AND shop.chosen
---
DETACH TABLE shop.chosen
---
ATTACH TABLE shop.chosen
---
TRUNCATE TABLE shop.chosen
---
KILL QUERY WHERE query_id = 'nothing of this name' SYNC
---
KILL MUTATION WHERE database = 'nothing'
---
SYSTEM FLUSH LOGS
---
SYSTEM DROP MARK CACHE
---
SYSTEM STOP MERGES shop.events
---
SYSTEM START MERGES shop.events
---
DROP TABLE shop.chosen SYNC
---
DROP VIEW shop.by_file
---
DROP DICTIONARY shop.names
