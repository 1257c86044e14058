CREATE TABLE IF NOT EXISTS restore_gap (
	first_seq bigint PRIMARY KEY,
	last_seq bigint NOT NULL CHECK (last_seq >= first_seq),
	at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE restore_gap IS 'Sequence numbers that no report of this store will ever have: those that the hub may have given away between the backup it was restored from and its loss. One row a restore';
COMMENT ON COLUMN restore_gap.first_seq IS 'the first behind the head of the backup';
COMMENT ON COLUMN restore_gap.last_seq IS 'the head after the restore';
COMMENT ON COLUMN restore_gap.at IS 'when';
GRANT SELECT ON restore_gap TO isac_core;
