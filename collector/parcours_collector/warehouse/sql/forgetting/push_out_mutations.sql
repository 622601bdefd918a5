-- The last mutation's text stays: this one says nothing.
ALTER TABLE parcours.touchpoints DELETE WHERE 0 SETTINGS mutations_sync = 2;
ALTER TABLE parcours.dead_letters DELETE WHERE 0 SETTINGS mutations_sync = 2;
ALTER TABLE parcours.identity_edges DELETE WHERE 0 SETTINGS mutations_sync = 2;
ALTER TABLE parcours.identity_persons DELETE WHERE 0 SETTINGS mutations_sync = 2;
ALTER TABLE parcours.journey_index DELETE WHERE 0 SETTINGS mutations_sync = 2;
ALTER TABLE parcours.journey_walks DELETE WHERE 0 SETTINGS mutations_sync = 2;
