-- What the projects have set about their identifiers, and the edges among theirs that are new. A project without a policy has no row.
SELECT
    policy.project AS project,
    kind,
    toUInt8(class) AS class,
    priority,
    max_per_person,
    policy.changed_at >= {since:DateTime64(3, 'UTC')} AS is_new,
    project IN
    (
        SELECT project
        FROM identity_edges
        WHERE stored_at >= {since:DateTime64(3, 'UTC')}
          AND project IN (SELECT project FROM identity_policy)
    ) AS has_news
FROM
(
    SELECT *
    FROM identity_policy FINAL
) AS policy
ORDER BY project, kind
