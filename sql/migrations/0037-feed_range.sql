-- Which closed stretches hold a report is found by an index. It is on a column of its own, null while a stretch is open: deliveries move
-- until_seq, and their updates still touch no indexed column. Open ones are few, and have feed_range_open.
ALTER TABLE feed_range ADD COLUMN IF NOT EXISTS span int8range GENERATED ALWAYS AS
	(CASE WHEN closed IS NOT NULL THEN int8range(from_seq, greatest(from_seq, until_seq, maybe_seq), '(]') END) STORED;
COMMENT ON COLUMN feed_range.span IS 'once closed: what may have been sent, above from_seq and up to until_seq or maybe_seq; null: still open';
CREATE INDEX IF NOT EXISTS feed_range_span ON feed_range USING gist (span) WHERE span IS NOT NULL;
