COMMENT ON COLUMN mention.asn IS 'as the item says; else where its address lies by the hub''s database when it was indexed; null: neither';
COMMENT ON COLUMN mention.country IS 'as the item says; else where its address lies by the hub''s database when it was indexed; null: neither';
