CREATE TABLE IF NOT EXISTS indicator_cursor (
	single boolean PRIMARY KEY DEFAULT true CHECK (single),
	seq bigint NOT NULL
) WITH (fillfactor = 10);
COMMENT ON TABLE indicator_cursor IS 'One row: indicator is complete up to here; moved in the transaction that wrote it, which runs beside that of mention';
COMMENT ON COLUMN indicator_cursor.single IS 'always true: there is one row';
COMMENT ON COLUMN indicator_cursor.seq IS 'report.seq of the last report taken in';
INSERT INTO indicator_cursor (seq) SELECT seq FROM index_cursor ON CONFLICT DO NOTHING;
GRANT SELECT, UPDATE ON indicator_cursor TO isac_core;
COMMENT ON TABLE index_cursor IS 'One row: mention and concern are complete up to here; moved in the transaction that wrote them';
DROP FUNCTION IF EXISTS report_append(integer[], uuid[], bytea[], timestamptz, timestamptz[], integer[], integer[], smallint[], smallint[], bytea[], bytea[], bytea[], bytea[], bytea[], bytea[]);
