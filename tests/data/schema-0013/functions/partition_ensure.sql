-- Makes the partitions of report and mention that hold seq upto, and all before it that the head has not passed.
-- SECURITY DEFINER: core may ask for a partition, yet owns none. ATTACH locks out no reader and no writer.
CREATE OR REPLACE FUNCTION partition_ensure(upto bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = isac, pg_temp AS $$
DECLARE
	span constant bigint := 10000000;
	part bigint;
	parent text;
	child text;
BEGIN
	PERFORM pg_advisory_xact_lock(1769169251, 4);
	FOR part IN SELECT generate_series((SELECT seq / span FROM hub_head), upto / span) LOOP
		FOREACH parent IN ARRAY ARRAY['report', 'mention'] LOOP
			child := parent || '_' || lpad(part::text, 4, '0');
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
COMMENT ON FUNCTION partition_ensure(bigint) IS 'Makes the partitions of report and mention for every seq from the head up to the given one';
REVOKE ALL ON FUNCTION partition_ensure(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION partition_ensure(bigint) TO isac_core;
SELECT partition_ensure((SELECT seq FROM hub_head) + 10000000);
