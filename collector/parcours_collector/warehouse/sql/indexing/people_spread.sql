-- How the identifiers of people who have several lie over all numbers of people. Grain: one row a part of 1,024 that holds any. Keys: part, from 0.
SELECT
    bitShiftRight(person_id, 54) AS part,
    count() AS identifiers
FROM dictionary('parcours.person_of')
GROUP BY part
ORDER BY part
