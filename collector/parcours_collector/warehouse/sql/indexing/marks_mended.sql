-- Turn the marks of the journey index that are wrong. A mutation, so that no row is written again that another run, or whoever forgets a person, is replacing now.
ALTER TABLE journey_index UPDATE is_alone = NOT is_alone
WHERE is_alone = (notEmpty(times) AND (project, identifier) IN (SELECT project, arrayJoin(members) FROM parcours.journey_walks FINAL WHERE members_hash != 0))
SETTINGS mutations_sync = 1
