-- Statements that would reach the host: CANARY is a file, TARGET a path, PORT a listening port. Lines of --- separate them.
---
SELECT 1 INTO OUTFILE 'TARGET'
---
select 1 into outfile 'TARGET' format CSV
---
SELECT 1 INTO/**/OUTFILE'TARGET'
---
SELECT 1 INTO -- here
OUTFILE -- there
'TARGET'
---
SELECT 1 InTo	OuTfIlE
'TARGET' TRUNCATE
---
SELECT 1 INTO OUTFILE 'TARGET' APPEND
---
SELECT 1 INTO OUTFILE 'TARGET' AND STDOUT
---
SELECT 1 INTO OUTFILE 'TARGET' COMPRESSION 'gzip' LEVEL 1
---
SELECT 1 INTO OUTFILE 'TARGET' FORMAT CSV SETTINGS max_threads = 1
---
SELECT 1 UNION ALL SELECT 2 INTO OUTFILE 'TARGET'
---
WITH 1 AS x SELECT x INTO OUTFILE 'TARGET'
---
(SELECT 1) INTO OUTFILE 'TARGET'
---
FROM t SELECT a INTO OUTFILE 'TARGET'
---
SELECT 1 INTO OUTFILE 'TARGET'
---
EXPLAIN SELECT 1 INTO OUTFILE 'TARGET'
---
EXPLAIN AST SELECT 1 INTO OUTFILE 'TARGET'
---
DESCRIBE t INTO OUTFILE 'TARGET'
---
SHOW TABLES INTO OUTFILE 'TARGET'
---
SHOW CREATE TABLE t INTO OUTFILE 'TARGET'
---
EXISTS t INTO OUTFILE 'TARGET'
---
SHOW PROCESSLIST INTO OUTFILE 'TARGET'
---
CHECK TABLE t INTO OUTFILE 'TARGET'
---
SELECT 'a' -- ' 
 INTO OUTFILE 'TARGET'
---
SELECT $x$ ' $x$ INTO OUTFILE 'TARGET'
---
SELECT 1 AS `INTO` INTO OUTFILE 'TARGET'
---
INSERT INTO t FROM INFILE 'CANARY' FORMAT LineAsString
---
INSERT INTO t FROM INFILE 'CANARY'
---
INSERT INTO t FROM/*x*/INFILE 'CANARY' COMPRESSION 'none' FORMAT CSV
---
INSERT INTO TABLE t (a) FROM INFILE 'CANARY' SETTINGS max_threads = 1 FORMAT CSV
---
insert into t from infile 'CANARY' format Values
---
INSERT INTO t FROM INFILE 'CANARY' VALUES
---
SELECT * FROM file('CANARY')
---
SELECT * FROM file('CANARY', LineAsString)
---
SELECT * FROM `file`('CANARY', 'LineAsString')
---
SELECT * FROM "file"('CANARY', 'LineAsString')
---
SELECT * FROM FILE('CANARY', 'LineAsString')
---
SELECT * FROM `fil\x65`('CANARY', 'LineAsString')
---
SELECT * FROM(SELECT * FROM/**/file/**/('CANARY','LineAsString'))
---
SELECT * FROM view(SELECT * FROM file('CANARY', 'LineAsString'))
---
SELECT * FROM viewExplain('EXPLAIN', '', (SELECT * FROM file('CANARY', 'LineAsString')))
---
SELECT * FROM viewIfPermitted(SELECT * FROM file('CANARY', 'LineAsString') ELSE null('a String'))
---
SELECT * FROM loop(file('CANARY', 'LineAsString')) LIMIT 1
---
SELECT * FROM t WHERE a IN (SELECT * FROM file('CANARY', 'LineAsString'))
---
SELECT (SELECT groupArray(line) FROM file('CANARY', 'LineAsString'))
---
SELECT * FROM t JOIN file('CANARY', 'LineAsString') AS f ON 1 = 1
---
WITH f AS (SELECT * FROM file('CANARY', 'LineAsString')) SELECT * FROM f
---
DESCRIBE file('CANARY')
---
DESCRIBE TABLE (SELECT * FROM file('CANARY', 'LineAsString'))
---
EXPLAIN SELECT * FROM file('CANARY', 'LineAsString')
---
INSERT INTO FUNCTION file('TARGET', 'CSV', 'a String') VALUES ('x')
---
INSERT INTO FUNCTION file('TARGET', 'CSV', 'a String') SELECT 'x'
---
INSERT INTO TABLE FUNCTION `file`('TARGET', 'CSV', 'a String') FORMAT CSV
x
---
INSERT INTO t SELECT * FROM file('CANARY', 'LineAsString')
---
CREATE TABLE f AS file('CANARY', 'LineAsString')
---
CREATE TABLE f ENGINE = Memory AS SELECT * FROM file('CANARY', 'LineAsString')
---
CREATE VIEW f AS SELECT * FROM file('CANARY', 'LineAsString')
---
CREATE MATERIALIZED VIEW f REFRESH EVERY 1 SECOND ENGINE = Memory AS SELECT * FROM file('CANARY', 'LineAsString')
---
CREATE TEMPORARY TABLE f AS SELECT * FROM file('CANARY', 'LineAsString')
---
ALTER TABLE t UPDATE a = (SELECT any(line) FROM file('CANARY', 'LineAsString')) WHERE 1
---
DELETE FROM t WHERE a IN (SELECT * FROM file('CANARY', 'LineAsString'))
---
KILL QUERY WHERE query_id IN (SELECT * FROM file('CANARY', 'LineAsString'))
---
SELECT * FROM url('http://127.0.0.1:PORT/', 'LineAsString')
---
SELECT * FROM s3('http://127.0.0.1:PORT/b/k', 'CSV', 'a String')
---
SELECT * FROM gcs('http://127.0.0.1:PORT/b/k', NOSIGN, 'CSV', 'a String')
---
SELECT * FROM remote('127.0.0.1:PORT', 'system', 'one')
---
SELECT * FROM remoteSecure('127.0.0.1:PORT', 'system', 'one')
---
SELECT * FROM cluster('default', 'system', 'one')
---
SELECT * FROM mysql('127.0.0.1:PORT', 'a', 'b', 'c', 'd')
---
SELECT * FROM postgresql('127.0.0.1:PORT', 'a', 'b', 'c', 'd')
---
SELECT * FROM mongodb('127.0.0.1:PORT', 'a', 'b', 'c', 'd', 'x String')
---
SELECT * FROM redis('127.0.0.1:PORT', 'k', 'k String, v String')
---
SELECT * FROM sqlite('TARGET', 't')
---
SELECT * FROM hdfs('hdfs://127.0.0.1:PORT/x', 'CSV', 'a String')
---
SELECT * FROM azureBlobStorage('http://127.0.0.1:PORT/', 'c', 'b', 'a', 'k')
---
SELECT * FROM executable('cat CANARY', 'LineAsString', 'a String')
---
SELECT * FROM python('x')
---
SELECT * FROM Python(x)
---
SELECT * FROM filesystem('CANARY')
---
SELECT * FROM eval('SELECT * FROM file(''CANARY'')')
---
SELECT * FROM deltaLakeLocal('CANARY')
---
SELECT * FROM icebergLocal('CANARY')
---
SELECT * FROM arrowstream('127.0.0.1', PORT)
---
SELECT * FROM input('a String') FORMAT CSV
---
SELECT * FROM 'CANARY'
---
SELECT * FROM `CANARY`
---
SELECT * FROM "CANARY"
---
SELECT * FROM default.`CANARY`
---
SELECT * FROM `file://CANARY`
---
SELECT * FROM 'http://127.0.0.1:PORT/x.csv'
---
SELECT * FROM merge('default', 'CANARY')
---
DESCRIBE TABLE `CANARY`
---
SHOW CREATE TABLE `CANARY`
---
INSERT INTO `TARGET` FORMAT CSV
x
---
ATTACH TABLE f FROM 'CANARY' (a String) ENGINE = MergeTree ORDER BY a
---
CREATE TABLE f CLONE AS `CANARY`
---
SELECT file('CANARY')
---
SELECT `file`('CANARY')
---
SELECT FILE('CANARY')
---
SELECT file ( 'CANARY' )
---
SELECT file/**/('CANARY')
---
SELECT `fil\x65`('CANARY')
---
SELECT 1 IN file('CANARY')
---
SELECT arrayMap(x -> file(x), ['CANARY'])
---
SELECT arrayMap(file, ['CANARY'])
---
SELECT arrayMap(`file`, ['CANARY'])
---
SELECT arrayMap((file), ['CANARY'])
---
SELECT arrayMap(FILE, ['CANARY'])
---
SELECT arrayMap(file AS f, ['CANARY'])
---
WITH file AS f SELECT arrayMap(f, ['CANARY'])
---
SELECT arraySort(file, ['CANARY'])
---
SELECT mapApply(file, map('a', 'CANARY'))
---
SELECT arrayMap(x -> arrayMax(file, [x]), ['CANARY'])
---
INSERT INTO t SELECT arrayMap(file, ['CANARY'])[1]
---
INSERT INTO t VALUES (arrayMap(file, ['CANARY'])[1])
---
SELECT * APPLY(file) FROM (SELECT 'CANARY')
---
SELECT * APPLY(x -> file(x)) FROM (SELECT 'CANARY')
---
SELECT * REPLACE (file('CANARY') AS a) FROM t
---
SELECT COLUMNS('a') APPLY file FROM (SELECT 'CANARY' AS a)
---
SELECT 1 ORDER BY file('CANARY')
---
SELECT sum(length(file('CANARY'))) OVER ()
---
SELECT count() FROM t GROUP BY file('CANARY')
---
SELECT 1 LIMIT length(file('CANARY'))
---
SELECT if(1, file('CANARY'), '')
---
SELECT transform('a', ['a'], [file('CANARY')])
---
SELECT throwIf(1, file('CANARY'))
---
WITH file('CANARY') AS x SELECT x
---
SELECT filesystemAvailable('default')
---
SELECT aiGenerate('x', 'y')
---
INSERT INTO t VALUES (file('CANARY'))
---
INSERT INTO t VALUES ('a'), (concat(file('CANARY'), ''))
---
INSERT INTO t VALUES (/* ' */ file('CANARY') /* ' */)
---
INSERT INTO t VALUES (`file`('CANARY'))
---
INSERT INTO t VALUES ((SELECT * FROM file('CANARY', 'LineAsString')))
---
INSERT INTO t FORMAT Values (file('CANARY'))
---
INSERT INTO t SETTINGS input_format_values_interpret_expressions = 1 VALUES (file('CANARY'))
---
CREATE FUNCTION peek AS (x) -> file(x)
---
CREATE FUNCTION peek AS () -> (SELECT any(line) FROM file('CANARY', 'LineAsString'))
---
CREATE TABLE f (a String DEFAULT file('CANARY')) ENGINE = Memory
---
CREATE TABLE f (a String MATERIALIZED file('CANARY')) ENGINE = Memory
---
CREATE TABLE f (a String ALIAS file('CANARY')) ENGINE = Memory
---
CREATE TABLE f (a String, CONSTRAINT c CHECK file('CANARY') != '') ENGINE = Memory
---
CREATE TABLE f (a String, INDEX i file(a) TYPE minmax) ENGINE = MergeTree ORDER BY a
---
CREATE TABLE f (a String) ENGINE = MergeTree ORDER BY file(a)
---
CREATE TABLE f (a String) ENGINE = MergeTree PARTITION BY file(a) ORDER BY a
---
CREATE TABLE f (a String, d DateTime) ENGINE = MergeTree ORDER BY a TTL d + length(file('CANARY'))
---
ALTER TABLE t ADD COLUMN b String DEFAULT file('CANARY')
---
ALTER TABLE t MODIFY COLUMN a String DEFAULT file('CANARY')
---
ALTER TABLE t ADD PROJECTION p (SELECT file(a) ORDER BY a)
---
CREATE TABLE f (a String) ENGINE = File('CSV', 'CANARY')
---
CREATE TABLE f (a String) ENGINE = `File`('CSV', 'CANARY')
---
CREATE TABLE f (a String) ENGINE = URL('http://127.0.0.1:PORT/', 'CSV')
---
CREATE TABLE f (a String) ENGINE = S3('http://127.0.0.1:PORT/b/k', 'CSV')
---
CREATE TABLE f (a String) ENGINE = MySQL('127.0.0.1:PORT', 'a', 'b', 'c', 'd')
---
CREATE TABLE f (a String) ENGINE = Distributed('default', 'default', 't')
---
CREATE TABLE f (a String) ENGINE = SQLite('TARGET', 't')
---
CREATE TABLE f (a String) ENGINE = EmbeddedRocksDB(0, 'TARGET') PRIMARY KEY a
---
CREATE TABLE f (a String) ENGINE = Executable('cat', 'CSV')
---
CREATE TABLE f (a String) ENGINE = Kafka('127.0.0.1:PORT', 't', 'g', 'CSV')
---
CREATE TABLE f (a String) ENGINE = ReplicatedMergeTree('/a', 'b') ORDER BY a
---
CREATE TABLE f (a String) ENGINE = Python(x)
---
CREATE OR REPLACE TABLE t (a String) ENGINE = File('CSV', 'CANARY')
---
CREATE MATERIALIZED VIEW f ENGINE = File('CSV', 'TARGET') AS SELECT * FROM t
---
CREATE DATABASE f ENGINE = SQLite('TARGET')
---
CREATE DATABASE f ENGINE = Filesystem('/')
---
CREATE DATABASE f ENGINE = Overlay('default')
---
CREATE DATABASE f ENGINE = MySQL('127.0.0.1:PORT', 'a', 'b', 'c')
---
CREATE DATABASE f ENGINE = S3('http://127.0.0.1:PORT/b', 'a', 'b')
---
CREATE DATABASE f ENGINE = Backup('default', File('CANARY'))
---
CREATE TABLE f (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local, path = 'TARGET/')
---
CREATE TABLE f (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = web, endpoint = 'http://127.0.0.1:PORT/')
---
CREATE TABLE f (a String) ENGINE = MergeTree ORDER BY a SETTINGS storage_policy = 'other'
---
CREATE TABLE f (a String) ENGINE = MergeTree ORDER BY a SETTINGS table_disk = 1, disk = 'x'
---
ALTER TABLE t MODIFY SETTING disk = 'x'
---
ALTER TABLE t MOVE PARTITION tuple() TO DISK 'x'
---
ALTER TABLE t FETCH PARTITION tuple() FROM '/x'
---
ALTER TABLE t FREEZE WITH NAME 'x'
---
CREATE TABLE f (a String, d Date) ENGINE = MergeTree ORDER BY a TTL d TO DISK 'x'
---
CREATE DICTIONARY f (a String) PRIMARY KEY a SOURCE(FILE(PATH 'CANARY' FORMAT 'LineAsString')) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0)
---
CREATE DICTIONARY f (a UInt64) PRIMARY KEY a SOURCE(HTTP(URL 'http://127.0.0.1:PORT/' FORMAT 'CSV')) LAYOUT(FLAT()) LIFETIME(0)
---
CREATE DICTIONARY f (a UInt64) PRIMARY KEY a SOURCE(EXECUTABLE(COMMAND 'cat CANARY' FORMAT 'CSV')) LAYOUT(FLAT()) LIFETIME(0)
---
CREATE DICTIONARY f (a UInt64) PRIMARY KEY a SOURCE(MYSQL(HOST '127.0.0.1' PORT PORT USER 'a' DB 'b' TABLE 'c')) LAYOUT(FLAT()) LIFETIME(0)
---
CREATE DICTIONARY f (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(HOST '127.0.0.1' PORT PORT TABLE 'one' DB 'system')) LAYOUT(FLAT()) LIFETIME(0)
---
CREATE DICTIONARY f (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(HOST 'example.org' TABLE 'one')) LAYOUT(FLAT()) LIFETIME(0)
---
CREATE DICTIONARY f (a UInt64, b String) PRIMARY KEY a SOURCE(CLICKHOUSE(QUERY 'SELECT 1 AS a, file(''CANARY'') AS b')) LAYOUT(FLAT()) LIFETIME(0)
---
CREATE DICTIONARY f (a UInt64, b String) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE 't' WHERE 'file(''CANARY'') != ''''')) LAYOUT(FLAT()) LIFETIME(0)
---
CREATE DICTIONARY f (a UInt64, b String) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE 't' WHERE '1 INTO OUTFILE ''TARGET''')) LAYOUT(FLAT()) LIFETIME(0)
---
CREATE DICTIONARY f (a UInt64, b String) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE 't' INVALIDATE_QUERY 'SELECT file(''CANARY'')')) LAYOUT(FLAT()) LIFETIME(MIN 0 MAX 1)
---
CREATE DICTIONARY f (a UInt64, b String DEFAULT file('CANARY')) PRIMARY KEY a SOURCE(NULL()) LAYOUT(FLAT()) LIFETIME(0)
---
CREATE DICTIONARY f (a UInt64, b String EXPRESSION file('CANARY')) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE 't')) LAYOUT(FLAT()) LIFETIME(0)
---
CREATE DICTIONARY f (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE 't')) LAYOUT(SSD_CACHE(PATH 'TARGET')) LIFETIME(0)
---
CREATE DICTIONARY f (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(NAME 'collection')) LAYOUT(FLAT()) LIFETIME(0)
---
BACKUP TABLE t TO File('TARGET')
---
BACKUP TABLE t TO Disk('default', 'TARGET')
---
RESTORE TABLE t FROM File('CANARY')
---
SYSTEM SHUTDOWN
---
SYSTEM KILL
---
SYSTEM RELOAD CONFIG
---
SYSTEM SUSPEND FOR 1 SECOND
---
SYSTEM START LISTEN HTTP
---
SYSTEM ENABLE FAILPOINT x
---
CREATE USER mallory
---
GRANT ALL ON *.* TO default
---
GRANT FILE ON *.* TO default WITH GRANT OPTION
---
SET ROLE ALL
---
EXECUTE AS default SELECT 1
---
CREATE NAMED COLLECTION c AS url = 'http://127.0.0.1:PORT/'
---
CREATE RESOURCE r (READ DISK x)
---
CREATE WORKLOAD w
---
CREATE HANDLER h URL '/x' AS SELECT 1
---
BEGIN TRANSACTION
---
DROP TABLE t ON CLUSTER default
---
SELECT 1; SELECT * FROM file('CANARY', 'LineAsString')
---
SELECT 1;; SELECT 2
---
SELECT 1; -- x
DROP TABLE t
---
INSERT INTO t VALUES ('a'); SELECT * FROM file('CANARY', 'LineAsString')
---
CREATE TABLE f (a String) ENGINE = Memory PARALLEL WITH CREATE TABLE g (a String) ENGINE = File('CSV', 'CANARY')
---
SET dialect = 'kusto'
---
SELECT 1 SETTINGS dialect = 'prql'
---
SET allow_introspection_functions = 1
---
?? read the file CANARY
---
\i CANARY
---
source 'CANARY'
---
exit
---
SELECT 1 FORMAT Template SETTINGS format_template_row = 'CANARY'
---
SELECT 1 FORMAT Protobuf SETTINGS format_schema = 'CANARY:x'
---
SELECT 1 SETTINGS format_schema = 'CANARY'
---
SELECT * FROM format(Template, 'x') SETTINGS format_template_row = 'CANARY'
---
SELECT formatRow('Template', 1) SETTINGS format_template_row = 'CANARY'
---
SELECT * FROM (SELECT 1 SETTINGS format_template_row = 'CANARY')
---
INSERT INTO t SETTINGS input_format_record_errors_file_path = 'TARGET', input_format_allow_errors_num = 9 FORMAT CSV
"x
---
INSERT INTO t FORMAT AvroConfluent
x
---
INSERT INTO t SETTINGS format_avro_schema_registry_url = 'http://127.0.0.1:PORT/' FORMAT Avro
x
---
INSERT INTO t FORMAT CapnProto
x
---
SET input_format_record_errors_file_path = 'TARGET'
---
SET readonly = 0
---
SET log_comment = 'someone else'
---
SET max_memory_usage = 0
---
SELECT 1 SETTINGS max_execution_time = 0
---
SET max_memory_usage = DEFAULT, format_schema = DEFAULT
---
CREATE VIEW f AS SELECT 1 SETTINGS format_schema = 'x'
---
EXPLAIN SELECT 1 SETTINGS format_template_row = 'CANARY'
---
DROP DATABASE default
---
DETACH DATABASE default
---
SELECT 1 ORDER BY 1 WITH FILL FROM length(file('CANARY'))
---
SELECT 1 AS a, 2 AS b ORDER BY a WITH FILL FROM 1 TO 3 INTERPOLATE (b AS length(file('CANARY')))
---
SELECT a FROM t LIMIT 1 BY file(a)
---
SELECT a FROM t LIMIT 1 OFFSET length(file('CANARY'))
---
SELECT a FROM t QUALIFY file('CANARY') != ''
---
SELECT count() FROM t GROUP BY GROUPING SETS ((file('CANARY')), (a))
---
SELECT sum(1) OVER w FROM t WINDOW w AS (PARTITION BY file('CANARY'))
---
SELECT sum(1) OVER (ORDER BY 1 ROWS BETWEEN length(file('CANARY')) PRECEDING AND CURRENT ROW)
---
SELECT * FROM t PREWHERE file('CANARY') != ''
---
SELECT * FROM t ARRAY JOIN [file('CANARY')] AS x
---
SELECT * FROM t AS l JOIN t AS r ON l.a = file('CANARY')
---
SELECT CASE file('CANARY') WHEN 'x' THEN 1 END
---
SELECT CAST(file('CANARY') AS String)
---
SELECT file('CANARY')::String
---
SELECT [file('CANARY')][1], (file('CANARY'), 1).1
---
SELECT -length(file('CANARY'))
---
SELECT 'a' LIKE file('CANARY')
---
SELECT 1 BETWEEN 0 AND length(file('CANARY'))
---
SELECT EXISTS(SELECT file('CANARY'))
---
SELECT quantile(0.5)(length(file('CANARY')))
---
SELECT sumIf(1, file('CANARY') != '')
---
SELECT INTERVAL length(file('CANARY')) DAY
---
SELECT EXTRACT(YEAR FROM toDate(file('CANARY')))
---
SELECT substring(file('CANARY') FROM 1 FOR 99)
---
SELECT position('c' IN file('CANARY'))
---
SELECT trim(BOTH 'x' FROM file('CANARY'))
---
SELECT DATEADD(day, length(file('CANARY')), now())
---
SELECT * FROM numbers(length(file('CANARY')))
---
SELECT * FROM values('a String', file('CANARY'))
---
SELECT * FROM by_name(name = file('CANARY'))
---
SELECT * FROM by_name(name = (SELECT any(line) FROM file('CANARY', 'LineAsString')))
---
SELECT * FROM (SELECT 1) SETTINGS max_threads = 1, format_schema = 'CANARY'
---
(SELECT 1 SETTINGS format_schema = 'CANARY') UNION ALL SELECT 2
---
CREATE TABLE f (a String TTL now() + length(file('CANARY'))) ENGINE = MergeTree ORDER BY tuple()
---
CREATE TABLE f (a String) ENGINE = MergeTree ORDER BY a SAMPLE BY file(a)
---
CREATE TABLE f (a String, PROJECTION p (SELECT file(a) GROUP BY file(a))) ENGINE = MergeTree ORDER BY a
---
CREATE TABLE f (a String CODEC(file('CANARY'))) ENGINE = Memory
---
CREATE TABLE f (a String STATISTICS(file)) ENGINE = MergeTree ORDER BY a
---
CREATE TABLE f (a AggregateFunction(file, String)) ENGINE = Memory
---
CREATE MATERIALIZED VIEW f REFRESH EVERY 1 HOUR TO t AS SELECT file('CANARY') AS a
---
CREATE MATERIALIZED VIEW f ENGINE = MergeTree ORDER BY file(a) AS SELECT a FROM t
---
ALTER TABLE t MODIFY TTL now() + length(file('CANARY'))
---
ALTER TABLE t MODIFY ORDER BY (a, file(a))
---
ALTER TABLE t ADD INDEX i file(a) TYPE minmax
---
ALTER TABLE t ADD CONSTRAINT c CHECK file('CANARY') = ''
---
ALTER TABLE t UPDATE a = file('CANARY') WHERE 1
---
ALTER TABLE t DELETE WHERE file('CANARY') != ''
---
UPDATE t SET a = file('CANARY') WHERE 1
---
DELETE FROM t WHERE file('CANARY') != ''
---
KILL MUTATION WHERE file('CANARY') != ''
---
CREATE INDEX i ON t (file(a)) TYPE minmax
---
INSERT INTO t (a) SELECT file('CANARY')
---
INSERT INTO t WITH file('CANARY') AS x SELECT x
---
EXPLAIN SYNTAX SELECT file('CANARY')
---
EXPLAIN QUERY TREE SELECT file('CANARY')
---
DESCRIBE (SELECT file('CANARY'))
---
SHOW TABLES WHERE file('CANARY') != ''
---
SHOW COLUMNS FROM t WHERE file('CANARY') != ''
---
SHOW INDEXES FROM t WHERE file('CANARY') != ''
---
SHOW SETTINGS LIKE 'x' INTO OUTFILE 'TARGET'
---
SHOW TABLES LIMIT length(file('CANARY'))
---
OPTIMIZE TABLE t PARTITION file('CANARY')
---
ALTER TABLE t DROP PARTITION file('CANARY')
---
SELECT * FROM t SAMPLE length(file('CANARY'))
---
SELECT * FROM loop(url('http://127.0.0.1:PORT/', 'CSV', 'a String')) LIMIT 1
---
SELECT * FROM format(CSV, file('CANARY'))
---
SELECT * FROM generateRandom(file('CANARY'))
---
SELECT dictGet(file('CANARY'), 'a', 1)
---
CREATE DICTIONARY f (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(QUERY 'SELECT 1 FORMAT CSV; SELECT 2')) LAYOUT(FLAT()) LIFETIME(0)
---
RENAME DATABASE default TO x
---
DROP DATABASE system
---
DETACH DATABASE system
---
RENAME DATABASE system TO x
---
TRUNCATE DATABASE system
---
DROP DATABASE INFORMATION_SCHEMA
---
DETACH DATABASE INFORMATION_SCHEMA
---
RENAME DATABASE INFORMATION_SCHEMA TO x
---
TRUNCATE DATABASE INFORMATION_SCHEMA
---
DROP DATABASE information_schema
---
DETACH DATABASE information_schema
---
RENAME DATABASE information_schema TO x
---
TRUNCATE DATABASE information_schema
---
DROP DATABASE `system`
---
DETACH DATABASE `system`
---
RENAME DATABASE `system` TO x
---
TRUNCATE DATABASE `system`
---
DROP DATABASE "syst\x65m"
---
DETACH DATABASE "syst\x65m"
---
RENAME DATABASE "syst\x65m" TO x
---
TRUNCATE DATABASE "syst\x65m"
---
DROP TABLE system.one
---
drop/**/view IF EXISTS system . one SYNC
---
DETACH TABLE system.one
---
RENAME TABLE system.one TO x
---
CREATE OR REPLACE TABLE system.one (a String) ENGINE = Memory
---
CREATE OR REPLACE VIEW system.one AS SELECT 1
---
CREATE VIEW system.x AS SELECT 1
---
DROP TABLE `system`.`one`
---
drop/**/view IF EXISTS `system` . `one` SYNC
---
DETACH TABLE `system`.`one`
---
RENAME TABLE `system`.`one` TO x
---
CREATE OR REPLACE TABLE `system`.`one` (a String) ENGINE = Memory
---
CREATE OR REPLACE VIEW `system`.`one` AS SELECT 1
---
CREATE VIEW `system`.x AS SELECT 1
---
DROP TABLE information_schema.tables
---
drop/**/view IF EXISTS information_schema . tables SYNC
---
DETACH TABLE information_schema.tables
---
RENAME TABLE information_schema.tables TO x
---
CREATE OR REPLACE TABLE information_schema.tables (a String) ENGINE = Memory
---
CREATE OR REPLACE VIEW information_schema.tables AS SELECT 1
---
CREATE VIEW information_schema.x AS SELECT 1
---
DROP TABLE INFORMATION_SCHEMA.TABLES
---
drop/**/view IF EXISTS INFORMATION_SCHEMA . TABLES SYNC
---
DETACH TABLE INFORMATION_SCHEMA.TABLES
---
RENAME TABLE INFORMATION_SCHEMA.TABLES TO x
---
CREATE OR REPLACE TABLE INFORMATION_SCHEMA.TABLES (a String) ENGINE = Memory
---
CREATE OR REPLACE VIEW INFORMATION_SCHEMA.TABLES AS SELECT 1
---
CREATE VIEW INFORMATION_SCHEMA.x AS SELECT 1
---
DETACH TABLE system.one PERMANENTLY
---
TRUNCATE TABLE system.one
---
TRUNCATE ALL TABLES FROM system
---
DROP TABLE IF EXISTS nothing, system.one
---
EXCHANGE TABLES t AND system.one
---
RENAME TABLE t TO system.t
---
ALTER TABLE system.one ADD COLUMN a String
---
ALTER TABLE system.one DELETE WHERE 1
---
ALTER DATABASE system MODIFY COMMENT 'x'
---
DELETE FROM system.one WHERE 1
---
UPDATE system.one SET dummy = 1 WHERE 1
---
INSERT INTO system.one VALUES (1)
---
INSERT INTO system.one SELECT 1
---
OPTIMIZE TABLE system.one
---
CREATE INDEX i ON system.one (dummy) TYPE minmax
---
CREATE TABLE system.x (a String) ENGINE = Memory
---
CREATE MATERIALIZED VIEW f TO system.one AS SELECT 1 AS dummy
---
ALTER TABLE t MOVE PARTITION tuple() TO TABLE system.one
---
CREATE DICTIONARY system.x (a UInt64) PRIMARY KEY a SOURCE(NULL()) LAYOUT(FLAT()) LIFETIME(0)
---
DESCRIBE TABLE by_name(name = file('CANARY'))
---
DESCRIBE (SELECT * FROM by_name(name = file('CANARY')))
---
DESCRIBE by_name(name = (SELECT any(line) FROM file('CANARY', 'LineAsString')))
---
DESCRIBE (SELECT arrayMap(file, ['CANARY']))
---
DESCRIBE (SELECT catboostEvaluate('CANARY', 1))
---
DESCRIBE (SELECT * FROM by_name(name = 'x') INTO OUTFILE 'TARGET')
---
DESCRIBE by_name(name = 'x') INTO OUTFILE 'TARGET'
---
DESCRIBE (SELECT 1 SETTINGS format_schema = 'CANARY')
---
DESCRIBE TABLE by_name(name = 'x') SETTINGS format_schema = 'CANARY'
---
DESC url('http://127.0.0.1:PORT/', 'LineAsString')
