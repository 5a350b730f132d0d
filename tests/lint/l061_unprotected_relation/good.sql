create schema private;
create materialized view private.totals as select owner_id, count(*) from notes group by owner_id;
create materialized view counts as select count(*) from notes;
revoke all on counts from anon, authenticated;
