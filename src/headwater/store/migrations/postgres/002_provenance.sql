-- What each value was made from, in few bytes: null where the event itself is to be read.
ALTER TABLE asset_states ADD COLUMN provenance TEXT;
ALTER TABLE asset_partitions ADD COLUMN provenance TEXT;
