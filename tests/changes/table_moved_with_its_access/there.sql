select 'wrong' where (select string_agg(coalesce(text, '-') || id, ',' order by id) from messages) <> 'one1,-2'
