ALTER TABLE recall DROP CONSTRAINT IF EXISTS recall_reason_check;
ALTER TABLE recall ADD CONSTRAINT recall_reason_check CHECK (reason IN (2, 4, 5));
COMMENT ON COLUMN recall.reason IS 'as in a GAP: 2 the content was erased, 4 the key that signed it is revoked, 5 admins withdrew it';
