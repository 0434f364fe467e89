-- State: small tables that answer every question. History: events, which can be trimmed without changing an answer.
-- Times are seconds since 1970 in UTC. An event and the state that follows from it are written in one transaction.

-- A process that runs runs. owner_id is never used twice, so it is also the fencing number: once the row is gone,
-- whatever its holder still wants to write is refused.
CREATE TABLE owners (
    owner_id INTEGER PRIMARY KEY AUTOINCREMENT,
    host TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    process_started TEXT NOT NULL,
    lease_expires_at REAL NOT NULL
);

-- owner_id is set while the run is unfinished and cleared when it ends.
CREATE TABLE runs (
    run_number INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL UNIQUE,
    job_name TEXT NOT NULL,
    status TEXT NOT NULL,
    tags TEXT NOT NULL,
    request TEXT NOT NULL,
    plan TEXT,
    parent_run_id TEXT,
    root_run_id TEXT,
    created_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    updated_at REAL NOT NULL,
    cause TEXT,
    owner_id INTEGER,
    history_pruned INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX runs_by_status ON runs (status, run_number);
CREATE INDEX runs_by_job ON runs (job_name, run_number);
CREATE INDEX runs_owned ON runs (owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX runs_to_prune ON runs (ended_at) WHERE history_pruned = 0;

CREATE TABLE run_tags (
    run_number INTEGER NOT NULL,
    tag_key TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    PRIMARY KEY (run_number, tag_key)
) WITHOUT ROWID;
CREATE INDEX run_tags_by_value ON run_tags (tag_key, tag_value, run_number);

-- position is the id of the first event about the step: the order in which steps began.
CREATE TABLE steps (
    run_number INTEGER NOT NULL,
    step_key TEXT NOT NULL,
    position INTEGER NOT NULL,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 1,
    started_at REAL,
    ended_at REAL,
    cause TEXT,
    PRIMARY KEY (run_number, step_key)
) WITHOUT ROWID;

-- The key is an attribute: everything else refers to the id, so a rename can keep history.
CREATE TABLE assets (
    asset_id INTEGER PRIMARY KEY AUTOINCREMENT,
    asset_key TEXT NOT NULL UNIQUE
);

-- The latest of each asset over all of its partitions; an unpartitioned asset has only this row.
CREATE TABLE asset_states (
    asset_id INTEGER PRIMARY KEY,
    materialization_id INTEGER,
    materialization_count INTEGER NOT NULL DEFAULT 0,
    data_version TEXT,
    code_version TEXT,
    attempt_id INTEGER,
    attempt_outcome TEXT,
    attempted_at REAL,
    attempt_run_id TEXT,
    attempt_cause TEXT,
    observation_id INTEGER,
    materialization TEXT,
    observation TEXT
);

CREATE TABLE asset_partitions (
    asset_id INTEGER NOT NULL,
    partition_key TEXT NOT NULL,
    materialization_id INTEGER,
    materialization_count INTEGER NOT NULL DEFAULT 0,
    data_version TEXT,
    code_version TEXT,
    attempt_id INTEGER,
    attempt_outcome TEXT,
    attempted_at REAL,
    attempt_run_id TEXT,
    attempt_cause TEXT,
    observation_id INTEGER,
    materialization TEXT,
    observation TEXT,
    PRIMARY KEY (asset_id, partition_key)
) WITHOUT ROWID;
-- Answers "which partitions are there, and how did they end" without touching the bodies.
CREATE INDEX asset_partitions_outcomes
    ON asset_partitions (asset_id, partition_key, materialization_id, attempt_outcome);

-- The latest of each check over all partitions; a check of an unpartitioned asset has only this row.
CREATE TABLE check_states (
    asset_id INTEGER NOT NULL,
    check_name TEXT NOT NULL,
    storage_id INTEGER NOT NULL,
    passed INTEGER NOT NULL,
    partition_key TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (asset_id, check_name)
) WITHOUT ROWID;

CREATE TABLE check_partitions (
    asset_id INTEGER NOT NULL,
    check_name TEXT NOT NULL,
    partition_key TEXT NOT NULL,
    storage_id INTEGER NOT NULL,
    passed INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (asset_id, check_name, partition_key)
) WITHOUT ROWID;

-- A dictionary that only grows: a deleted key keeps its ordinal, and has it again when it is added again.
CREATE TABLE dynamic_partitions (
    partitions_def_name TEXT NOT NULL,
    partition_key TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    is_deleted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (partitions_def_name, partition_key)
) WITHOUT ROWID;
CREATE UNIQUE INDEX dynamic_partitions_by_ordinal ON dynamic_partitions (partitions_def_name, ordinal);

CREATE TABLE cursors (
    cursor_key TEXT PRIMARY KEY,
    cursor_value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE events (
    storage_id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_number INTEGER,
    kind TEXT NOT NULL,
    step_key TEXT,
    asset_id INTEGER,
    partition_key TEXT,
    timestamp REAL NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX events_by_run ON events (run_number, storage_id);
CREATE INDEX events_by_asset ON events (asset_id, kind, storage_id) WHERE asset_id IS NOT NULL;
