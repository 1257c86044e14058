-- A member's life: invited, enrolled, left, erased; and a quota of its own.
ALTER TABLE member ADD COLUMN IF NOT EXISTS invited_roles integer, ADD COLUMN IF NOT EXISTS left_at timestamptz,
	ADD COLUMN IF NOT EXISTS erased_at timestamptz,
	ADD COLUMN IF NOT EXISTS quota_per_s bigint CHECK (quota_per_s > 0), ADD COLUMN IF NOT EXISTS quota_burst bigint CHECK (quota_burst > 0),
	ADD COLUMN IF NOT EXISTS quota_bytes_per_min bigint CHECK (quota_bytes_per_min > 0);
COMMENT ON COLUMN member.roles IS 'bits: 1 publisher, 2 subscriber, 4 analyst, 8 tracer, 16 admin, 32 auditor, 64 invited (may do nothing but join)';
COMMENT ON COLUMN member.invited_roles IS 'the roles that it gets by joining; null: it was not invited, or has joined';
COMMENT ON COLUMN member.left_at IS 'when it left, for good; null: it has not';
COMMENT ON COLUMN member.erased_at IS 'when an admin ordered that what it published be erased; null: nobody did';
COMMENT ON COLUMN member.quota_per_s IS 'reports it may submit a second; null: as the hub''s settings say';
COMMENT ON COLUMN member.quota_burst IS 'reports at once, on top of that; null: as the hub''s settings say';
COMMENT ON COLUMN member.quota_bytes_per_min IS 'bytes it may submit a minute; null: as the hub''s settings say';
CREATE TABLE IF NOT EXISTS read_event (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT now(),
	member_id integer NOT NULL,
	what text NOT NULL,
	filter text NOT NULL,
	items integer NOT NULL,
	seqs bigint[] NOT NULL
);
CREATE INDEX IF NOT EXISTS read_event_at ON read_event USING brin (at);
CREATE INDEX IF NOT EXISTS read_event_member ON read_event (member_id, id);
COMMENT ON TABLE read_event IS 'Who read what out of history: a row for each page that was answered. What feeds brought is in feed_range';
COMMENT ON COLUMN read_event.id IS 'in order';
COMMENT ON COLUMN read_event.at IS 'when it was answered';
COMMENT ON COLUMN read_event.member_id IS 'who asked';
COMMENT ON COLUMN read_event.what IS 'the request: query, preview';
COMMENT ON COLUMN read_event.filter IS 'as asked, cut at 1024 bytes';
COMMENT ON COLUMN read_event.items IS 'how many items were shown';
COMMENT ON COLUMN read_event.seqs IS 'of which reports';
GRANT SELECT, INSERT ON read_event TO isac_core;
