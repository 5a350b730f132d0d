select 'wrong' where (select string_agg(name || kind || coalesce(barks::text, '-'), ',' order by id) from pets) <> 'tomcat-,rexdogtrue,olddogfalse'
