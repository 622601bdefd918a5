-- Every column of every table that could hold an identifier as text.
SELECT table, name FROM system.columns
WHERE database = 'parcours'
  AND table IN (SELECT name FROM system.tables WHERE database = 'parcours' AND engine LIKE '%MergeTree')
  AND (type LIKE '%String%')
ORDER BY table, name
