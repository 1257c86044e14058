CREATE TABLE IF NOT EXISTS indicator (
	key uuid PRIMARY KEY,
	first_seen timestamptz,
	last_seen timestamptz,
	first_seq bigint NOT NULL,
	last_seq bigint NOT NULL,
	mentions integer NOT NULL,
	type smallint NOT NULL,
	value text NOT NULL,
	addr inet,
	rdom text COLLATE "C",
	publishers integer[] NOT NULL
) WITH (fillfactor = 85);
COMMENT ON TABLE indicator IS 'Derived: one row for each (type, canonical value) ever mentioned. No column that the upsert changes is indexed, so updates stay on their page. Its counts span all audiences: never shown to a member';
COMMENT ON COLUMN indicator.key IS 'first 16 bytes of BLAKE2b-256(type || value)';
COMMENT ON COLUMN indicator.first_seen IS 'earliest first_seen that any mention states';
COMMENT ON COLUMN indicator.last_seen IS 'latest last_seen that any mention states';
COMMENT ON COLUMN indicator.first_seq IS 'first report that mentions it';
COMMENT ON COLUMN indicator.last_seq IS 'newest report that mentions it';
COMMENT ON COLUMN indicator.mentions IS 'how many mentions';
COMMENT ON COLUMN indicator.type IS 'number of proto/wire/value.def';
COMMENT ON COLUMN indicator.value IS 'canonical';
COMMENT ON COLUMN indicator.addr IS 'address or network of ipv4, ipv6, cidr, and of a url with an address as host';
COMMENT ON COLUMN indicator.rdom IS 'host labels reversed, each followed by a dot: example.evil. for evil.example; of domain, url, email';
COMMENT ON COLUMN indicator.publishers IS 'distinct publishers, the first 16';
CREATE INDEX IF NOT EXISTS indicator_addr ON indicator (addr) WHERE addr IS NOT NULL;
CREATE INDEX IF NOT EXISTS indicator_rdom ON indicator (rdom) WHERE rdom IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON indicator TO isac_core;
