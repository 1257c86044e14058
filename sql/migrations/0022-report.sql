ALTER TABLE report ADD COLUMN IF NOT EXISTS release_of bigint;
COMMENT ON COLUMN report.release_of IS 'null: a report that a member sent; else the seq of the report whose header, signature and payload this row repeats, because items that were held there are released: those that are not held here';
CREATE INDEX IF NOT EXISTS report_release_of ON report (release_of) WHERE release_of IS NOT NULL;
