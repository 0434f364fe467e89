-- What it takes to carry a run out: its whole plan, and where its code is. Kept while the run can still go on.
CREATE TABLE run_launches (
    run_number BIGINT PRIMARY KEY,
    body BYTEA NOT NULL
);
