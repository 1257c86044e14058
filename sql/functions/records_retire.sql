-- Records of who read, was sent or was told what, past their time: at most rows_max of each table a call, the oldest first. 0 days keeps
-- them; ranges go, whatever their age, once every report in them was removed by retention: nobody can ask about these any more.
-- SECURITY DEFINER: core may retire by age, yet remove no row that it chooses.
CREATE OR REPLACE FUNCTION records_retire(read_days integer, recall_days integer, range_days integer, rows_max bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = isac, pg_temp AS $$
DECLARE
	n bigint;
	most bigint := 0;
BEGIN
	DELETE FROM read_event WHERE id IN (SELECT id FROM read_event WHERE read_days > 0 AND at < now() - make_interval(days => read_days)
		ORDER BY id LIMIT rows_max);
	GET DIAGNOSTICS n = ROW_COUNT;
	most := greatest(most, n);
	DELETE FROM recall_sent WHERE ctid IN (SELECT s.ctid FROM recall_sent s JOIN recall r ON r.id = s.recall_id
		WHERE recall_days > 0 AND r.done AND r.at < now() - make_interval(days => recall_days) ORDER BY s.recall_id LIMIT rows_max);
	GET DIAGNOSTICS n = ROW_COUNT;
	most := greatest(most, n);
	DELETE FROM feed_range WHERE id IN (SELECT id FROM feed_range WHERE closed IS NOT NULL
		AND (greatest(until_seq, maybe_seq) < (SELECT from_seq FROM retention)
			OR range_days > 0 AND closed < now() - make_interval(days => range_days)) ORDER BY id LIMIT rows_max);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN greatest(most, n);
END
$$;
COMMENT ON FUNCTION records_retire(integer, integer, integer, bigint) IS 'Removes the oldest records past their days, rows_max of each table at most; how many of the table that had most: rows_max means come again';
REVOKE ALL ON FUNCTION records_retire(integer, integer, integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION records_retire(integer, integer, integer, bigint) TO isac_core;
