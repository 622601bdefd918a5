-- The kinds of a project as its views see them: its own before those of every project. is_own: it has its own row.
SELECT
    name,
    argMax(channel, is_project) AS channel,
    argMax(stage, is_project) AS stage,
    argMax(need, is_project) AS need,
    argMax(valence, is_project) AS valence,
    argMax(conversion, is_project) AS conversion,
    argMax(version, is_project) AS version,
    max(is_project) AS is_own
FROM
(
    SELECT
        *,
        project != '' AS is_project
    FROM touchpoint_kinds FINAL
    WHERE project IN ('', {project:String})
)
GROUP BY name
ORDER BY name
