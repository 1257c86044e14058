-- Makes the partitions of report, mention and concern that hold seq upto, and all before it that the head has not passed.
-- SECURITY DEFINER: core may ask for a partition, yet owns none. ATTACH locks out no reader and no writer.
CREATE OR REPLACE FUNCTION partition_ensure(upto bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = isac, pg_temp AS $$
DECLARE
	span constant bigint := (SELECT r.span FROM retention r);
	part bigint;
	parent text;
	child text;
BEGIN
	PERFORM pg_advisory_xact_lock(1769169251, 4);
	FOR part IN SELECT generate_series((SELECT seq / span FROM hub_head), upto / span) LOOP
		FOREACH parent IN ARRAY ARRAY['report', 'mention', 'concern'] LOOP
			child := partition_name(parent, part);
			CONTINUE WHEN to_regclass(child) IS NOT NULL;
			EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', child, parent);
			IF parent = 'report' THEN
				-- A report of 100 indicators stays whole in one page; larger payloads go out of line, uncompressed.
				EXECUTE format('ALTER TABLE %I SET (toast_tuple_target = 8160)', child);
			END IF;
			EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
				parent, child, part * span, (part + 1) * span);
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION partition_ensure(bigint) IS 'Makes the partitions of report, mention and concern for every seq from the head up to the given one';
REVOKE ALL ON FUNCTION partition_ensure(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION partition_ensure(bigint) TO isac_core;
CREATE OR REPLACE FUNCTION partition_name(parent text, part bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT parent || '_' || lpad(part::text, greatest(4, length(part::text)), '0') $$;
COMMENT ON FUNCTION partition_name(text, bigint) IS 'How the partition of this number is called, such as report_0003';
REVOKE ALL ON FUNCTION partition_name(text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION partition_name(text, bigint) TO isac_core;
-- As far ahead as the writer could get between two of its own calls, with small partitions, too.
CREATE OR REPLACE FUNCTION partition_ahead() RETURNS bigint
LANGUAGE sql STABLE SET search_path = isac, pg_temp AS $$ SELECT h.seq + greatest(r.span, 20000) FROM hub_head h, retention r $$;
COMMENT ON FUNCTION partition_ahead() IS 'Up to which seq there should be partitions now';
REVOKE ALL ON FUNCTION partition_ahead() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION partition_ahead() TO isac_core;
SELECT partition_ensure(partition_ahead());
