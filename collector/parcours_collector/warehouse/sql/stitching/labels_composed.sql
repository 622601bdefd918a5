-- The names that the nodes of a pass have at last: the last name of the one that they took, where that went on.
INSERT INTO stitching_labels (work, pass, node, label)
SELECT
    {work:UInt64},
    {pass:UInt16},
    own.node,
    if(above.label = 0, own.label, above.label)
FROM
(
    SELECT
        node,
        label
    FROM stitching_labels
    WHERE work = {work:UInt64}
      AND pass = {own:UInt16}
) AS own
LEFT JOIN
(
    SELECT
        node,
        label
    FROM stitching_labels
    WHERE work = {work:UInt64}
      AND pass = {above:UInt16}
) AS above ON above.node = own.label
