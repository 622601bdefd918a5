-- Say that the moves of these walks are all kept.
INSERT INTO journey_moves (walks_hash) VALUES ({walks_hash:UInt64})
