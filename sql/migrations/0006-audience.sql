CREATE TABLE IF NOT EXISTS audience (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 16),
	tlp smallint NOT NULL,
	groups integer[] NOT NULL,
	recipients integer[] NOT NULL
);
COMMENT ON TABLE audience IS 'Interned: who may see a report. There are few; whether a member is in one is decided by one C function, member_may_see';
COMMENT ON COLUMN audience.id IS 'what a report points to';
COMMENT ON COLUMN audience.digest IS 'equal for equal audiences';
COMMENT ON COLUMN audience.tlp IS '1 clear, 2 green, 3 amber, 4 amber+strict, 5 red';
COMMENT ON COLUMN audience.groups IS 'member_group ids, ascending; empty: not narrowed';
COMMENT ON COLUMN audience.recipients IS 'member ids, ascending; only with red';
GRANT SELECT, INSERT ON audience TO isac_core;
