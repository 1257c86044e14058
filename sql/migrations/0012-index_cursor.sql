CREATE TABLE IF NOT EXISTS index_cursor (
	single boolean PRIMARY KEY DEFAULT true CHECK (single),
	seq bigint NOT NULL
) WITH (fillfactor = 10);
COMMENT ON TABLE index_cursor IS 'One row: mention and indicator are complete up to here; moved in the transaction that wrote them';
COMMENT ON COLUMN index_cursor.single IS 'always true: there is one row';
COMMENT ON COLUMN index_cursor.seq IS 'report.seq of the last report indexed';
INSERT INTO index_cursor (seq) VALUES (0) ON CONFLICT DO NOTHING;
GRANT SELECT, UPDATE ON index_cursor TO isac_core;
