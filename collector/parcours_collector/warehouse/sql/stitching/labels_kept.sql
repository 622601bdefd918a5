-- Take over into the judged pass the labels of every node that no judgement touched.
INSERT INTO stitching_labels (work, pass, node, label)
SELECT
    {work:UInt64},
    {pass:UInt16} + 1,
    node,
    label
FROM stitching_labels
WHERE work = {work:UInt64}
  AND pass = {pass:UInt16}
  AND node NOT IN
  (
      SELECT node
      FROM stitching_labels
      WHERE work = {work:UInt64}
        AND pass = {pass:UInt16} + 1
  )
