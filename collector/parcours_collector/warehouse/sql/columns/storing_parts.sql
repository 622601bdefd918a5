-- In how many parts each column of touchpoints is stored. Grain: one row a column. Not counted: parts that compute it when they are read.
SELECT
    column,
    count() AS parts
FROM system.parts_columns
WHERE database = 'parcours' AND table = 'touchpoints' AND active
GROUP BY column
