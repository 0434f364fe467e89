-- What made each value (equal for most partitions of an asset), and from what, in few bytes: null where the event itself
-- is to be read.
ALTER TABLE asset_states ADD COLUMN made_by TEXT;
ALTER TABLE asset_states ADD COLUMN provenance TEXT;
ALTER TABLE asset_partitions ADD COLUMN made_by TEXT;
ALTER TABLE asset_partitions ADD COLUMN provenance TEXT;
-- Few partitions have failed: they are found without looking at the others.
CREATE INDEX asset_partitions_failed ON asset_partitions (asset_id, partition_key) WHERE attempt_outcome = 'failed';
