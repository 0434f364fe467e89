-- owner_id is set while a process carries the backfill out. What is to change is noted by anyone, and done by the owner.
CREATE TABLE backfills (
    backfill_number INTEGER PRIMARY KEY AUTOINCREMENT,
    backfill_id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    location TEXT,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    body TEXT NOT NULL,
    wish TEXT,
    owner_id INTEGER
);
CREATE INDEX backfills_by_status ON backfills (status, backfill_number);

-- The whole plan, written once, and what became of each asset x partition so far.
CREATE TABLE backfill_plans (
    backfill_number INTEGER PRIMARY KEY,
    plan BLOB NOT NULL,
    progress BLOB
);
