CREATE TABLE IF NOT EXISTS retention (
	single boolean PRIMARY KEY DEFAULT true CHECK (single),
	span bigint NOT NULL CHECK (span >= 1000),
	from_seq bigint NOT NULL DEFAULT 1,
	sweep_key uuid
) WITH (fillfactor = 10);
COMMENT ON TABLE retention IS 'One row: how reports are laid out in partitions, and what retention has removed';
COMMENT ON COLUMN retention.single IS 'always true: there is one row';
COMMENT ON COLUMN retention.span IS 'sequence numbers a partition; chosen when the hub is made, never changed';
COMMENT ON COLUMN retention.from_seq IS 'every report below was removed by retention; 1: none';
COMMENT ON COLUMN retention.sweep_key IS 'indicator rows up to this key are true again after the last removal; null: all are';
-- A hub that has partitions already has those of 10 million. A new one may have been asked for another size (isacd init --span).
INSERT INTO retention (span)
	SELECT CASE WHEN EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'report'::regclass) THEN 10000000
		ELSE COALESCE(NULLIF(current_setting('isac.span', true), '')::bigint, 10000000) END
	ON CONFLICT DO NOTHING;
GRANT SELECT ON retention TO isac_core;
