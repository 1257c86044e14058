CREATE TABLE IF NOT EXISTS report_key (
	publisher_id integer NOT NULL,
	report_id uuid NOT NULL,
	seq bigint NOT NULL,
	received timestamptz NOT NULL,
	header_hash bytea NOT NULL,
	PRIMARY KEY (publisher_id, report_id)
);
COMMENT ON TABLE report_key IS 'Idempotency, for the store''s life: which report_id a member used and what its receipt said. Not partitioned: it outlives the report';
COMMENT ON COLUMN report_key.publisher_id IS 'member.id';
COMMENT ON COLUMN report_key.report_id IS 'chosen by the publisher; unique with it';
COMMENT ON COLUMN report_key.seq IS 'report.seq';
COMMENT ON COLUMN report_key.received IS 'report.received, for the same receipt again';
COMMENT ON COLUMN report_key.header_hash IS 'BLAKE2b-256 of the header: the same bytes give 208, others 409';
GRANT SELECT, INSERT ON report_key TO isac_core;
