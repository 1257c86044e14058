-- The register of migrations. Its own row is written like any other.
CREATE TABLE IF NOT EXISTS migration (
	number integer PRIMARY KEY,
	name text NOT NULL,
	digest bytea NOT NULL,
	applied timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE migration IS 'Which files of sql/migrations were applied here; the largest number is the schema version';
COMMENT ON COLUMN migration.number IS 'NNNN of the file name';
COMMENT ON COLUMN migration.name IS 'file name';
COMMENT ON COLUMN migration.digest IS 'BLAKE2b-256 of the file when it was applied: a released file is never edited';
COMMENT ON COLUMN migration.applied IS 'when';
GRANT SELECT ON migration TO isac_core;
