-- Until the fact `storage_id` this asset was called `former_key`.
CREATE TABLE asset_moves (
    storage_id BIGINT PRIMARY KEY,
    asset_id BIGINT NOT NULL,
    former_key TEXT COLLATE "C" NOT NULL,
    moved_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX asset_moves_by_key ON asset_moves (former_key);

-- What was recorded up to `storage_id` counts no longer; the partition "..." stands for all of the asset.
CREATE TABLE asset_wipes (
    asset_id BIGINT NOT NULL,
    partition_key TEXT COLLATE "C" NOT NULL,
    storage_id BIGINT NOT NULL,
    PRIMARY KEY (asset_id, partition_key)
);

-- A value that is older than `storage_id` was marked as wrong; no reason: the mark was taken back. "..." stands for all.
CREATE TABLE asset_invalidations (
    asset_id BIGINT NOT NULL,
    partition_key TEXT COLLATE "C" NOT NULL,
    storage_id BIGINT NOT NULL,
    marked_at DOUBLE PRECISION NOT NULL,
    reason TEXT,
    PRIMARY KEY (asset_id, partition_key)
);
