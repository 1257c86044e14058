CREATE TABLE IF NOT EXISTS concern (
	member_id integer NOT NULL,
	seq bigint NOT NULL,
	items integer NOT NULL,
	PRIMARY KEY (member_id, seq)
) PARTITION BY RANGE (seq);
COMMENT ON TABLE concern IS 'Derived: which reports touch the registered space of which members, who may see them and did not publish them. By the roster at the time of indexing; written with index_cursor';
COMMENT ON COLUMN concern.member_id IS 'whose confirmed space it touches';
COMMENT ON COLUMN concern.seq IS 'report.seq';
COMMENT ON COLUMN concern.items IS 'how many of its items do, held ones aside';
GRANT SELECT, INSERT ON concern TO isac_core;
CREATE TABLE IF NOT EXISTS concern_asked (
	member_id integer PRIMARY KEY REFERENCES member,
	seq bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE concern_asked IS 'Up to where a member has asked what concerns it, by a query whose filter is mine';
COMMENT ON COLUMN concern_asked.member_id IS 'who asked';
COMMENT ON COLUMN concern_asked.seq IS 'the answer was complete up to this report.seq';
GRANT SELECT, INSERT, UPDATE ON concern_asked TO isac_core;
-- A hub that has reports already: one partition for each of mention's, so that the index can be made anew from the start.
DO $$
DECLARE
	part bigint;
	span constant bigint := 10000000;
BEGIN
	FOR part IN SELECT right(c.relname, 4)::bigint FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
			WHERE i.inhparent = 'mention'::regclass AND to_regclass('concern_' || right(c.relname, 4)) IS NULL LOOP
		EXECUTE format('CREATE TABLE %I PARTITION OF concern FOR VALUES FROM (%s) TO (%s)',
			'concern_' || lpad(part::text, 4, '0'), part * span, (part + 1) * span);
	END LOOP;
END
$$;
