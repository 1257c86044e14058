-- No foreign keys here: a trigger a row costs more than the row, and the writer is the only one to insert.
CREATE TABLE IF NOT EXISTS report (
	seq bigint NOT NULL,
	received timestamptz NOT NULL,
	created timestamptz NOT NULL,
	publisher_id integer NOT NULL,
	audience_id integer NOT NULL,
	item_count integer NOT NULL,
	kind smallint NOT NULL,
	tlp smallint NOT NULL,
	report_id uuid NOT NULL,
	key_id bytea NOT NULL,
	signature bytea NOT NULL,
	leaf bytea NOT NULL,
	header bytea NOT NULL,
	held bytea,
	payload bytea,
	PRIMARY KEY (seq)
) PARTITION BY RANGE (seq);
ALTER TABLE report ALTER signature SET STORAGE PLAIN, ALTER key_id SET STORAGE PLAIN, ALTER leaf SET STORAGE PLAIN;
ALTER TABLE report ALTER payload SET STORAGE EXTERNAL, ALTER header SET STORAGE EXTERNAL;
COMMENT ON TABLE report IS 'The only fact: what a member signed, as it arrived. Appended, never changed; everything else is derived from it';
COMMENT ON COLUMN report.seq IS 'position in the log, from 1, without gaps';
COMMENT ON COLUMN report.received IS 'the hub''s clock at the commit; never decreases with seq';
COMMENT ON COLUMN report.created IS 'the publisher''s clock, from the header';
COMMENT ON COLUMN report.publisher_id IS 'member.id';
COMMENT ON COLUMN report.audience_id IS 'audience.id';
COMMENT ON COLUMN report.item_count IS 'from the header';
COMMENT ON COLUMN report.kind IS 'from the header: 1 indicator, 2 sighting ...';
COMMENT ON COLUMN report.tlp IS 'from the header: 1 clear ... 5 red';
COMMENT ON COLUMN report.report_id IS 'from the header: chosen by the publisher';
COMMENT ON COLUMN report.key_id IS 'from the header: member_key.key_id';
COMMENT ON COLUMN report.signature IS 'Ed25519 over the header';
COMMENT ON COLUMN report.leaf IS 'SHA-256(0x00 || header || signature): leaf seq-1 of the log';
COMMENT ON COLUMN report.header IS 'exact bytes';
COMMENT ON COLUMN report.held IS 'bitmap of items held back (bit i of byte i/8); null: none';
COMMENT ON COLUMN report.payload IS 'exact bytes: the items and the secret of their salts; null: erased';
GRANT SELECT, INSERT ON report TO isac_core;
