-- Ends that are said lie anywhere in the half year behind a report, so a summary of blocks leaves no block out: at ten million mentions each
-- look for what has ended read half of them. Only what says an end is in this index.
DROP INDEX IF EXISTS mention_valid_until;
CREATE INDEX IF NOT EXISTS mention_ends ON mention (valid_until) WHERE valid_until IS NOT NULL;
