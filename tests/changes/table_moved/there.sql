select 'wrong' where (select string_agg(coalesce(body, '-') || kind, ',' order by id) from messages) <> 'oneletter,-letter'
