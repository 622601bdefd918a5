-- How the touchpoints of identifiers lie over all numbers, every copy counted. Grain: one row a part of 1,024 that holds any. Keys: part, from 0.
-- Not counted: touchpoints of nobody.
SELECT
    bitShiftRight(identifier, 54) AS part,
    count() AS touchpoints
FROM touchpoints
WHERE identifier != 0
GROUP BY part
ORDER BY part
