-- Dead letters of one source that wait, in the order of their ids, from the one after `after` on. Larger payloads come empty: they are no events.
SELECT
    id,
    code,
    event_name,
    if(length(payload) > {max_payload_bytes:UInt64}, '', payload) AS payload
FROM dead_letters FINAL
WHERE project = {project:String}
  AND source = {source:String}
  AND replayed_at IS NULL
  AND ({code:Nullable(String)} IS NULL OR code = {code:Nullable(String)})
  AND ({name:Nullable(String)} IS NULL OR event_name = {name:Nullable(String)})
  AND id > {after:UUID}
ORDER BY id
LIMIT {most:UInt64}
