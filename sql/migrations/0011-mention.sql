CREATE TABLE IF NOT EXISTS mention (
	key uuid NOT NULL,
	seq bigint NOT NULL,
	first_seen timestamptz,
	last_seen timestamptz,
	valid_from timestamptz,
	valid_until timestamptz,
	asn bigint,
	publisher_id integer NOT NULL,
	item smallint NOT NULL,
	type smallint NOT NULL,
	confidence smallint,
	severity smallint,
	held boolean NOT NULL,
	country text,
	raw text,
	tags text[] NOT NULL,
	PRIMARY KEY (seq, item)
) PARTITION BY RANGE (seq);
COMMENT ON TABLE mention IS 'Derived: which item of which report says what about which indicator';
COMMENT ON COLUMN mention.key IS 'indicator.key';
COMMENT ON COLUMN mention.seq IS 'report.seq';
COMMENT ON COLUMN mention.first_seen IS 'as the item says; null: not said';
COMMENT ON COLUMN mention.last_seen IS 'as the item says; null: not said';
COMMENT ON COLUMN mention.valid_from IS 'as the item says; null: not said';
COMMENT ON COLUMN mention.valid_until IS 'as the item says; null: not said';
COMMENT ON COLUMN mention.asn IS 'as the item says; null: not said';
COMMENT ON COLUMN mention.publisher_id IS 'report.publisher_id';
COMMENT ON COLUMN mention.item IS 'number of the item in its report, from 0';
COMMENT ON COLUMN mention.type IS 'indicator.type';
COMMENT ON COLUMN mention.confidence IS '0..100; null: not said';
COMMENT ON COLUMN mention.severity IS '0..10; null: not said';
COMMENT ON COLUMN mention.held IS 'held back: in no feed, and in history only for its publisher and analysts';
COMMENT ON COLUMN mention.country IS 'as the item says; null: not said';
COMMENT ON COLUMN mention.raw IS 'as first seen, when the item gives it; null: the same as the value';
COMMENT ON COLUMN mention.tags IS 'as the item says';
CREATE INDEX IF NOT EXISTS mention_key ON mention (key, seq);
GRANT SELECT, INSERT ON mention TO isac_core;
