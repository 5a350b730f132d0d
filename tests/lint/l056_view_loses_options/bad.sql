create view open_notes with (security_invoker) as select id from notes;
create or replace view open_notes as select id, body from notes;
