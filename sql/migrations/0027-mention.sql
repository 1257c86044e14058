-- What became of what a report says: derived like the rest of the row, from the reports that came later.
ALTER TABLE mention
	ADD COLUMN IF NOT EXISTS kind smallint NOT NULL DEFAULT 1,
	ADD COLUMN IF NOT EXISTS verdict smallint,
	ADD COLUMN IF NOT EXISTS ended_seq bigint,
	ADD COLUMN IF NOT EXISTS refreshed timestamptz;
COMMENT ON TABLE mention IS 'Derived: which item of which report says what about which indicator; sightings and withdrawals too. Their later columns follow from the reports behind them, in the order of seq';
COMMENT ON COLUMN mention.kind IS 'of the item: 1 indicator, 2 sighting, 3 withdrawal';
COMMENT ON COLUMN mention.verdict IS 'of a sighting: 1 positive, 2 false positive, 3 expired; null: no sighting';
COMMENT ON COLUMN mention.ended_seq IS 'the first report by which its publisher took this item back or said it anew; null: it stands';
COMMENT ON COLUMN mention.refreshed IS 'when the newest positive sighting of this item came in; null: none';
-- What ends when: said ends are found by a summary of blocks, refreshed ones are few. Default ends follow from received, which follows seq.
CREATE INDEX IF NOT EXISTS mention_valid_until ON mention USING brin (valid_until) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX IF NOT EXISTS mention_refreshed ON mention (refreshed) WHERE refreshed IS NOT NULL;
GRANT UPDATE (ended_seq, refreshed) ON mention TO isac_core;
