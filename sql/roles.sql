-- Roles: who may do what. Run by isacd init when its connection may create roles; on a production
-- server a database administrator runs it once, then gives the hub a connection string of isac_core.
-- Harmless when run again.
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'isac_owner') THEN
		CREATE ROLE isac_owner NOLOGIN;
	END IF;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'isac_core') THEN
		CREATE ROLE isac_core LOGIN;
	END IF;
	IF NOT pg_has_role(current_user, 'isac_owner', 'MEMBER') THEN
		EXECUTE format('GRANT isac_owner TO %I', current_user);
	END IF;
END
$$;
COMMENT ON ROLE isac_owner IS 'isac: owns schema isac; used by migrations only';
COMMENT ON ROLE isac_core IS 'isac: the broker core; appends facts, keeps what is derived, never rewrites a report';
CREATE SCHEMA IF NOT EXISTS isac AUTHORIZATION isac_owner;
COMMENT ON SCHEMA isac IS 'A hub of isac: everything it keeps';
GRANT USAGE ON SCHEMA isac TO isac_core;
DO $$
BEGIN
	-- A person with psql sees the tables without typing the schema; the broker sets its own path.
	EXECUTE format('ALTER DATABASE %I SET search_path = isac, public', current_database());
END
$$;
