-- What changed of an asset's partitions since a storage id is found without looking at the others, and all of them are read
-- in order of time without touching the bodies.
DROP INDEX asset_partitions_outcomes;
CREATE INDEX asset_partitions_by_attempt ON asset_partitions (asset_id, attempt_id)
    INCLUDE (partition_key, materialization_id, attempt_outcome);
-- Counts how often something recorded of the asset's partitions was taken back: sets kept before that are no longer true.
ALTER TABLE assets ADD COLUMN forgotten BIGINT NOT NULL DEFAULT 0;
-- The partitions of an asset as sets, as of a storage id: what can be read again from asset_partitions, only quicker.
-- `space` says what the numbers in the sets mean.
CREATE TABLE partition_sets (
    asset_id BIGINT PRIMARY KEY,
    space TEXT NOT NULL,
    up_to BIGINT NOT NULL,
    forgotten BIGINT NOT NULL,
    body BYTEA NOT NULL
);
