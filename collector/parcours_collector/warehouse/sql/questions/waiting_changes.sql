SELECT count() AS changes
FROM journey_index_changes
