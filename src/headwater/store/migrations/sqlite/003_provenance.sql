-- What made each value (equal for most partitions of an asset), and from what, in few bytes: null where the event itself
-- is to be read.
ALTER TABLE asset_states ADD COLUMN made_by TEXT;
ALTER TABLE asset_states ADD COLUMN provenance TEXT;
ALTER TABLE asset_partitions ADD COLUMN made_by TEXT;
ALTER TABLE asset_partitions ADD COLUMN provenance TEXT;
-- A thousand partitions are read without touching the bodies.
CREATE INDEX asset_partitions_provenance ON asset_partitions (asset_id, made_by, provenance);
-- Few partitions have failed: they are found without looking at the others.
CREATE INDEX asset_partitions_failed ON asset_partitions (asset_id, partition_key) WHERE attempt_outcome = 'failed';
