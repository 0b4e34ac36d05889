/*
 * Storage options of a table and of its TOAST table outlive a change of type,
 * and the way back.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
SET pgmigrate.online_threshold = 0;
CREATE TABLE public.kept_options (id int PRIMARY KEY, v int, x text) WITH (fillfactor = 80, toast.autovacuum_enabled = off, toast.autovacuum_vacuum_threshold = 77);
INSERT INTO public.kept_options SELECT g, g, repeat('x', g) FROM generate_series(1, 100) g;
CREATE VIEW public.its_options AS
  SELECT c.reloptions, t.reloptions AS toast FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid
  WHERE c.oid = 'public.kept_options'::regclass;
SELECT pgmigrate.revision('wider', 'ALTER TABLE public.kept_options ALTER v TYPE bigint', 'ALTER TABLE public.kept_options ALTER v TYPE int', id => 'o1') IS NOT NULL AS stored;
SELECT strategy FROM pgmigrate.plan();
SELECT state FROM pgmigrate.upgrade();
SELECT * FROM public.its_options;
SELECT state FROM pgmigrate.downgrade('base');
SELECT * FROM public.its_options;
DROP VIEW public.its_options;
DROP TABLE public.kept_options;
DROP EXTENSION pgmigrate;
