-- The sum of a pass's labels. Labels only fall from pass to pass, so an unchanged sum means unchanged labels.
SELECT sum(toUInt128(label)) AS total
FROM stitching_labels
WHERE work = {work:UInt64}
  AND pass = {pass:UInt16}
