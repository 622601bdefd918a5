-- What a mutation replaced lies on the disk for minutes, and its own text for ever; not after an erasure.
ALTER TABLE parcours.touchpoints MODIFY SETTING old_parts_lifetime = 1, cleanup_delay_period = 1, cleanup_delay_period_random_add = 0, max_cleanup_delay_period = 2, finished_mutations_to_keep = 1;
ALTER TABLE parcours.dead_letters MODIFY SETTING old_parts_lifetime = 1, cleanup_delay_period = 1, cleanup_delay_period_random_add = 0, max_cleanup_delay_period = 2, finished_mutations_to_keep = 1;
ALTER TABLE parcours.identity_edges MODIFY SETTING old_parts_lifetime = 1, cleanup_delay_period = 1, cleanup_delay_period_random_add = 0, max_cleanup_delay_period = 2, finished_mutations_to_keep = 1;
ALTER TABLE parcours.identity_persons MODIFY SETTING old_parts_lifetime = 1, cleanup_delay_period = 1, cleanup_delay_period_random_add = 0, max_cleanup_delay_period = 2, finished_mutations_to_keep = 1;
ALTER TABLE parcours.journey_index MODIFY SETTING old_parts_lifetime = 1, cleanup_delay_period = 1, cleanup_delay_period_random_add = 0, max_cleanup_delay_period = 2, finished_mutations_to_keep = 1;
ALTER TABLE parcours.journey_walks MODIFY SETTING old_parts_lifetime = 1, cleanup_delay_period = 1, cleanup_delay_period_random_add = 0, max_cleanup_delay_period = 2, finished_mutations_to_keep = 1;
ALTER TABLE parcours.identity_cuts MODIFY SETTING old_parts_lifetime = 1, cleanup_delay_period = 1, cleanup_delay_period_random_add = 0, max_cleanup_delay_period = 2, finished_mutations_to_keep = 1;
ALTER TABLE parcours.identity_moves MODIFY SETTING old_parts_lifetime = 1, cleanup_delay_period = 1, cleanup_delay_period_random_add = 0, max_cleanup_delay_period = 2, finished_mutations_to_keep = 1;
