-- Every property that has, or had, a column of its own. Grain: one row a property.
SELECT
    touchpoint,
    property,
    kind,
    is_wanted,
    updated_at
FROM parcours.hot_columns FINAL
ORDER BY touchpoint, property
