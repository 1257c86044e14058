-- Who was sent what: filters and entitlements change, so each stretch of deliveries keeps those under which it was made.
-- No column that deliveries move is indexed, so that updates stay on their page.
CREATE TABLE IF NOT EXISTS feed_range (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	member_id integer NOT NULL REFERENCES member,
	session bigint NOT NULL,
	name text COLLATE "C" NOT NULL,
	filter text NOT NULL,
	compiled timestamptz NOT NULL,
	roles integer NOT NULL,
	groups integer[] NOT NULL,
	nets cidr[] NOT NULL,
	asns bigint[] NOT NULL,
	domains text[] NOT NULL,
	from_seq bigint NOT NULL,
	until_seq bigint NOT NULL,
	maybe_seq bigint NOT NULL,
	acked_seq bigint NOT NULL DEFAULT 0,
	opened timestamptz NOT NULL,
	closed timestamptz,
	UNIQUE (session, opened)
) WITH (fillfactor = 50);
CREATE INDEX IF NOT EXISTS feed_range_member ON feed_range (member_id);
CREATE INDEX IF NOT EXISTS feed_range_open ON feed_range (id) WHERE closed IS NULL;
COMMENT ON TABLE feed_range IS 'Who was sent what: a stretch of deliveries to one session under one filter and one entitlement. What was in it follows by matching again';
COMMENT ON COLUMN feed_range.id IS 'in the order of opening';
COMMENT ON COLUMN feed_range.member_id IS 'the subscriber';
COMMENT ON COLUMN feed_range.session IS 'number of its session while one core runs; with opened it names the row, so that a write of unknown outcome may come again';
COMMENT ON COLUMN feed_range.name IS 'of the subscription; empty: a session without a name';
COMMENT ON COLUMN feed_range.filter IS 'normal form, ages resolved';
COMMENT ON COLUMN feed_range.compiled IS 'when the filter was compiled: for what it says of now, as valid and state do';
COMMENT ON COLUMN feed_range.roles IS 'of the member then, bits as in member.roles';
COMMENT ON COLUMN feed_range.groups IS 'member_group ids of the member then, ascending';
COMMENT ON COLUMN feed_range.nets IS 'its registered networks then: what "mine" meant';
COMMENT ON COLUMN feed_range.asns IS 'its registered autonomous systems then';
COMMENT ON COLUMN feed_range.domains IS 'its registered domains then';
COMMENT ON COLUMN feed_range.from_seq IS 'deliveries begin after this one';
COMMENT ON COLUMN feed_range.until_seq IS 'everything that matched up to here was handed to the transport; behind it by one flush at most while the range is open';
COMMENT ON COLUMN feed_range.maybe_seq IS 'after an unexpected end of core: what lies above until_seq and up to here may have been sent; else until_seq or less';
COMMENT ON COLUMN feed_range.acked_seq IS 'the subscriber said in this session that everything up to here is safe';
COMMENT ON COLUMN feed_range.opened IS 'just before the first delivery';
COMMENT ON COLUMN feed_range.closed IS 'when session, filter or entitlement ended; null: still open';
GRANT SELECT, INSERT, UPDATE ON feed_range TO isac_core;
