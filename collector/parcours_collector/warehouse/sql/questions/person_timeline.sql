-- As `person_timeline(kind, value, project)`, by its text: what is a view is analysed once more, and so is a query around it.
/* the query of person_timeline */
ORDER BY
    project,
    person_id,
    occurred_at,
    toUInt128(id)
