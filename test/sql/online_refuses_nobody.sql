/*
 * What is kept for the way back of an online change computes with values of
 * another type than the table does, or has a null where a value does not fit.
 * No writer may fail for it.
 */
SET client_min_messages = error;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA nobody;
SET search_path = nobody, public;
SET pgmigrate.online_threshold = 0;
SET pgmigrate.online_method = 'column';
-- nothing at all makes the old value: no way back, and no crash
CREATE TABLE days (v int);
INSERT INTO days VALUES (1);
SELECT pgmigrate.revision('days', 'ALTER TABLE nobody.days ALTER v TYPE date USING date ''2026-01-01'' + v', id => 'days');
SELECT state FROM pgmigrate.upgrade('days');
SELECT state, details->>'no_way_back' AS no_way_back FROM pgmigrate.operations WHERE revision = 'days';
DROP SCHEMA nobody CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
