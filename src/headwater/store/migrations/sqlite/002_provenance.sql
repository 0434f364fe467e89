-- What each value was made from, in few bytes: null where the event itself is to be read.
ALTER TABLE asset_states ADD COLUMN provenance TEXT;
ALTER TABLE asset_partitions ADD COLUMN provenance TEXT;
-- A thousand partitions are read without touching the bodies.
CREATE INDEX asset_partitions_provenance ON asset_partitions (asset_id, provenance);
