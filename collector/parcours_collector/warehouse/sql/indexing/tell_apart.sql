-- Write the rows of the journey index that are marked as alone and are not, or the other way round, once more with their mark. They keep their version: a newer
-- row of another run replaces them still, and of two rows of one version each says the same of its touchpoints.
INSERT INTO journey_index (project, identifier, times, names, channels, ids, newest_receipt, is_alone, version)
SELECT
    project,
    identifier,
    times,
    names,
    channels,
    ids,
    newest_receipt,
    NOT is_alone,
    version
FROM journey_index FINAL
WHERE is_alone = (notEmpty(times) AND (project, identifier) IN (SELECT project, arrayJoin(members) FROM journey_walks FINAL WHERE members_hash != 0))
