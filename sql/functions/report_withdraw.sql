-- One row of the log; a release of it is a row of its own. Nothing of it goes: it has ended, as if its publisher had withdrawn all of it now.
-- SECURITY DEFINER: core may end one report by this, yet change none.
CREATE OR REPLACE FUNCTION report_withdraw(withdrawn bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = isac, pg_temp AS $$
DECLARE
	head bigint;
BEGIN
	-- Not before the index is past it: what it writes later would stand.
	IF (SELECT seq FROM index_cursor) < withdrawn THEN
		RETURN false;
	END IF;
	SELECT seq INTO head FROM hub_head;
	UPDATE report SET withdrawn_seq = COALESCE(withdrawn_seq, head) WHERE seq = withdrawn;
	UPDATE mention SET ended_seq = COALESCE(ended_seq, head) WHERE seq = withdrawn AND kind = 1;
	RETURN true;
END
$$;
COMMENT ON FUNCTION report_withdraw(bigint) IS 'Admins take a report back: in no feed from now on, ended in history; false: it is not indexed yet, come again';
REVOKE ALL ON FUNCTION report_withdraw(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION report_withdraw(bigint) TO isac_core;
