create view open_notes with (security_invoker = on) as select * from notes where open;
create view private.all_notes as select * from notes;
create view late as select 1 as one;
alter view late set (security_invoker = true);
