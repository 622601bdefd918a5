-- The rules of one project for its identifiers. Grain: one row a kind.
SELECT kind, class, priority, max_per_person, max_strong, window_seconds, blocked
FROM identity_policy FINAL
WHERE project = {project:String}
ORDER BY class, priority, kind
