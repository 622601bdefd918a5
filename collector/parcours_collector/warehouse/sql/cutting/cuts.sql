SELECT
    a_kind,
    a_value,
    b_kind,
    b_value,
    reason,
    changed_at
FROM identity_cuts FINAL
WHERE project = {project:String}
  AND is_cut
ORDER BY
    changed_at,
    a,
    b
