-- The least node of every component as the name of all its nodes: a name that no order of arrival and no lot has a part in.
INSERT INTO stitching_labels (work, pass, node, label)
WITH named AS
    (
        SELECT
            node,
            label
        FROM stitching_labels
        WHERE work = {work:UInt64}
          AND pass = {named:UInt16}
    )
SELECT
    {work:UInt64},
    {pass:UInt16},
    named.node,
    components.least_node
FROM named
INNER JOIN
(
    SELECT
        label,
        min(node) AS least_node
    FROM named
    GROUP BY label
) AS components ON components.label = named.label
