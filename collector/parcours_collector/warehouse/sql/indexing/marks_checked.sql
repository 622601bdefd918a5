-- Whether every row of the journey index is marked as what it is: alone, or one of those that a row of `journey_walks` was made of. One row.
SELECT
    (SELECT (count(), sum(cityHash64(project, identifier))) FROM journey_index FINAL WHERE NOT is_alone)
        = (SELECT (sum(length(members)), sum(entries_hash)) FROM journey_walks FINAL WHERE members_hash != 0) AS are_right
