CREATE TABLE IF NOT EXISTS hub_head (
	single boolean PRIMARY KEY DEFAULT true CHECK (single),
	seq bigint NOT NULL,
	received timestamptz NOT NULL
) WITH (fillfactor = 10);
COMMENT ON TABLE hub_head IS 'One row: the newest committed position. Sequence numbers come from here, under the log''s lock, so that order of assignment is order of visibility';
COMMENT ON COLUMN hub_head.single IS 'always true: there is one row';
COMMENT ON COLUMN hub_head.seq IS 'seq of the newest report; 0: none yet';
COMMENT ON COLUMN hub_head.received IS 'its received time; the next is never earlier';
INSERT INTO hub_head (seq, received) VALUES (0, '-infinity') ON CONFLICT DO NOTHING;
GRANT SELECT, UPDATE ON hub_head TO isac_core;
