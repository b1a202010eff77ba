-- What watches a migration from inside the server. It belongs to the superuser; the migration's role can neither read nor change it.
CREATE SCHEMA probe;

CREATE TABLE probe.large (oid oid PRIMARY KEY, name text NOT NULL, rows bigint NOT NULL);
CREATE TABLE probe.plan (nonce text NOT NULL, ddl_stop integer, sleep_stop integer, index_gate bigint);
CREATE UNLOGGED SEQUENCE probe.look_count;
CREATE UNLOGGED SEQUENCE probe.ddl_count;
CREATE UNLOGGED SEQUENCE probe.sleep_count;
CREATE TABLE probe.last_look (dummy integer);

-- One line to the server's log: which strong locks on large tables this transaction holds, and how many rows it has read and changed.
-- RAISE LOG survives a rollback and needs no transaction id, which DROP INDEX CONCURRENTLY would not bear.
CREATE FUNCTION probe.look(p_phase text, p_tag text, p_object text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_transaction text;
    v_locks jsonb;
BEGIN
    PERFORM nextval('probe.look_count');
    SELECT max(virtualtransaction) FILTER (WHERE locktype = 'virtualxid' AND virtualtransaction = virtualxid),
           coalesce(jsonb_agg(jsonb_build_array(relation::bigint, mode)) FILTER (WHERE locktype = 'relation' AND granted
               AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')), '[]')
      INTO v_transaction, v_locks FROM pg_locks WHERE pid = pg_backend_pid();
    RAISE LOG '% %', (SELECT nonce FROM probe.plan), jsonb_build_object(
        'phase', p_phase, 'tag', p_tag, 'object', p_object, 'transaction', v_transaction, 'locks', v_locks,
        'tables', (SELECT jsonb_object_agg(l.name, jsonb_build_array(l.oid::bigint,
               pg_stat_get_xact_tuples_returned(l.oid) + pg_stat_get_xact_tuples_fetched(l.oid)
               + pg_stat_get_xact_tuples_inserted(l.oid) + pg_stat_get_xact_tuples_updated(l.oid)
               + pg_stat_get_xact_tuples_deleted(l.oid))) FROM probe.large AS l),
        'lock_timeout', current_setting('lock_timeout'), 'statement_timeout', current_setting('statement_timeout'));
END
$$;

CREATE FUNCTION probe.stop() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_terminate_backend(pg_backend_pid());
    LOOP
        PERFORM 1;
    END LOOP;
END
$$;

-- Waits while the driver holds the gate, without end even where the migration bounds its own waits.
CREATE FUNCTION probe.wait(p_gate bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = 0 AS $$
BEGIN
    PERFORM pg_advisory_lock_shared(p_gate);
    PERFORM pg_advisory_unlock_shared(p_gate);
END
$$;

CREATE FUNCTION probe.ddl_start() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_gate bigint;
BEGIN
    PERFORM probe.look('start', tg_tag, '');
    SELECT index_gate INTO v_gate FROM probe.plan;
    IF v_gate IS NOT NULL AND tg_tag = 'CREATE INDEX' THEN
        PERFORM probe.wait(v_gate);
    END IF;
END
$$;

CREATE FUNCTION probe.ddl_end() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    v_stop integer;
BEGIN
    PERFORM probe.look('end', tg_tag, (SELECT string_agg(DISTINCT object_identity, ', ') FROM pg_event_trigger_ddl_commands()));
    SELECT ddl_stop INTO v_stop FROM probe.plan;
    IF nextval('probe.ddl_count') = v_stop THEN
        PERFORM probe.stop();
    END IF;
    -- a deferred trigger looks once more when the transaction commits
    INSERT INTO probe.last_look VALUES (1);
END
$$;

CREATE FUNCTION probe.at_commit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM probe.look('commit', '', '');
    DELETE FROM probe.last_look;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER last_look AFTER INSERT ON probe.last_look DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION probe.at_commit();

-- Pauses between batches are left out: they change when something happens, not what. The server knows its own pg_sleep
-- by number, so that one is moved aside; what calls it by number is replaced.
ALTER FUNCTION pg_catalog.pg_sleep(double precision) RENAME TO pg_sleep_aside;
CREATE FUNCTION pg_catalog.pg_sleep(double precision) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF nextval('probe.sleep_count') = (SELECT sleep_stop FROM probe.plan) THEN
        PERFORM probe.stop();
    END IF;
END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.pg_sleep_for(interval) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$ BEGIN PERFORM pg_catalog.pg_sleep(0); END $$;
CREATE OR REPLACE FUNCTION pg_catalog.pg_sleep_until(timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$ BEGIN PERFORM pg_catalog.pg_sleep(0); END $$;

INSERT INTO probe.plan VALUES ('unset');
DO $$
DECLARE
    v_name text;
BEGIN
    FOREACH v_name IN ARRAY ARRAY['orders', 'order_items', 'payments', 'events', 'customers'] LOOP
        EXECUTE format('INSERT INTO probe.large SELECT %1$L::regclass, %1$L, count(*) FROM public.%1$I', v_name);
    END LOOP;
END
$$;

CREATE EVENT TRIGGER probe_start ON ddl_command_start EXECUTE FUNCTION probe.ddl_start();
CREATE EVENT TRIGGER probe_end ON ddl_command_end EXECUTE FUNCTION probe.ddl_end();
