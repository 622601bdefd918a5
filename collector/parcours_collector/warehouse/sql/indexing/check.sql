-- What the index and the table say of everybody's touchpoints: how many, and a sum of hashes that differs if one of them does. One row.
SELECT
    (SELECT (count(), sum(cityHash64(project, person_id, at_ms, name, channel))) FROM parcours.walks_indexed ARRAY JOIN times AS at_ms, names AS name, channels AS channel) AS indexed,
    (SELECT (count(), sum(cityHash64(project, person_id, toUnixTimestamp64Milli(occurred_at), name, channel))) FROM parcours.touchpoints_unique WHERE person_id != 0) AS stored
