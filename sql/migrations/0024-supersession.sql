CREATE TABLE IF NOT EXISTS supersession (
	publisher_id integer NOT NULL,
	replaced uuid NOT NULL,
	seq bigint NOT NULL,
	PRIMARY KEY (publisher_id, replaced, seq)
);
COMMENT ON TABLE supersession IS 'Derived: which reports say that they replace which. Written with index_cursor; rows outlive their reports, so readers join report';
COMMENT ON COLUMN supersession.publisher_id IS 'report.publisher_id: only a publisher''s own report is replaced';
COMMENT ON COLUMN supersession.replaced IS 'the header''s supersedes: a report_id, which may not exist';
COMMENT ON COLUMN supersession.seq IS 'report.seq of the one that replaces it';
GRANT SELECT, INSERT ON supersession TO isac_core;
-- What is indexed already: 0x52 0x10 is the head of field 10 with 16 bytes. Those two bytes elsewhere in a header make a row that
-- names no report, and readers look at the header again.
INSERT INTO supersession (publisher_id, replaced, seq)
	SELECT publisher_id, encode(substring(header FROM at + 2 FOR 16), 'hex')::uuid, seq
	FROM report CROSS JOIN LATERAL generate_series(position('\x5210'::bytea IN header), octet_length(header) - 17) AS at
	WHERE position('\x5210'::bytea IN header) > 0 AND substring(header FROM at FOR 2) = '\x5210'::bytea
	ON CONFLICT DO NOTHING;
