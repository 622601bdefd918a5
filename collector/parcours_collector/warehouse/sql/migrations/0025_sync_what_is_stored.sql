-- The log forgets what ClickHouse has stored, so stored means on the disk: a power cut right after takes nothing. Merges too: what they replace is removed.
ALTER TABLE touchpoints MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
ALTER TABLE dead_letters MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
ALTER TABLE identity_edges MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
ALTER TABLE identity_persons MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
ALTER TABLE journey_index_changes MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
