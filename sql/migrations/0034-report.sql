-- Two admins took a report back: a fact about it that its publisher did not sign, and that outlives whatever is derived.
ALTER TABLE report ADD COLUMN IF NOT EXISTS withdrawn_seq bigint;
COMMENT ON COLUMN report.withdrawn_seq IS 'the head when admins withdrew it: no feed shows it any more, in history it has ended from then on; null: it stands. Written by report_withdraw only';
