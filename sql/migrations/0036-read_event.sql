COMMENT ON TABLE read_event IS 'Who read what out of history: a row for each answer that showed or told something. What feeds brought is in feed_range. Old rows go by records_retire';
COMMENT ON COLUMN read_event.what IS 'the request: query, preview, report, lookup, life, related, stats, why';
COMMENT ON COLUMN read_event.filter IS 'as asked, or what was asked in words; cut at 1024 bytes';
COMMENT ON COLUMN read_event.items IS 'how many items were shown, or things told';
COMMENT ON COLUMN read_event.seqs IS 'of which reports; empty: of several that it does not name';
