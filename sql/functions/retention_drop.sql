-- What would go: partitions of report that lie wholly below a seq and are indexed, oldest first.
CREATE OR REPLACE FUNCTION retention_plan(before bigint)
RETURNS TABLE (part bigint, first_seq bigint, last_seq bigint, newest timestamptz, bytes bigint)
LANGUAGE sql STABLE SET search_path = isac, pg_temp AS $$
	SELECT p.part, greatest(p.part * r.span, 1), (p.part + 1) * r.span - 1,
		(SELECT received FROM report WHERE seq >= p.part * r.span AND seq < (p.part + 1) * r.span ORDER BY seq DESC LIMIT 1),
		(SELECT sum(pg_total_relation_size(to_regclass(partition_name(parent, p.part))))::bigint
			FROM unnest(ARRAY['report', 'mention', 'concern']) AS parent)
	FROM retention r, index_cursor m, indicator_cursor i,
		LATERAL (SELECT substring(c.relname FROM '_([0-9]+)$')::bigint AS part
			FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid WHERE h.inhparent = 'report'::regclass) p
	WHERE (p.part + 1) * r.span <= least(before, m.seq + 1, i.seq + 1)
	ORDER BY p.part
$$;
COMMENT ON FUNCTION retention_plan(bigint) IS 'The partitions that retention_drop would remove, with what they hold';
REVOKE ALL ON FUNCTION retention_plan(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention_plan(bigint) TO isac_core;
-- SECURITY DEFINER: core may ask for it, yet owns no table. Dropping locks out everybody for a moment; whoever reads for longer (a
-- dump) makes it give up rather than queue all others behind it.
CREATE OR REPLACE FUNCTION retention_drop(before bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = isac, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
	p record;
	parent text;
	kept bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(1769169251, 4);
	FOR p IN SELECT * FROM retention_plan(before) LOOP
		FOREACH parent IN ARRAY ARRAY['report', 'mention', 'concern'] LOOP
			EXECUTE format('DROP TABLE IF EXISTS %I', partition_name(parent, p.part));
		END LOOP;
		kept := p.last_seq + 1;
	END LOOP;
	UPDATE retention SET from_seq = greatest(from_seq, kept), sweep_key = '00000000-0000-0000-0000-000000000000'
		WHERE kept IS NOT NULL;
	RETURN (SELECT from_seq FROM retention);
END
$$;
COMMENT ON FUNCTION retention_drop(bigint) IS 'Removes every partition wholly below this seq; the first seq that is kept';
REVOKE ALL ON FUNCTION retention_drop(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention_drop(bigint) TO isac_core;
