-- Whether every row of the journey index is marked as what it is: alone, or one of those that a row of `journey_walks` was made of. One row.
SELECT
    (SELECT (countIf(entry_hash != 0), sum(entry_hash)) FROM journey_index FINAL)
        = (SELECT (sum(length(members)), sum(entries_hash)) FROM journey_walks FINAL WHERE members_hash != 0) AS are_right
