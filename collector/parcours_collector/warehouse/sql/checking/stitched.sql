-- When people were last joined, and for how long evidence has waited since. One row.
SELECT
    (SELECT max(finished_at) FROM parcours.stitching_runs) AS last_finished_at,
    (SELECT count() FROM parcours.identity_edges WHERE stored_at >= (SELECT max(watermark) FROM parcours.stitching_runs)) AS edges_since,
    (SELECT last_exception FROM system.dictionaries WHERE database = 'parcours' AND name = 'person_of') AS dictionary_failure
