select 'wrong' where (select string_agg(street, ',' order by user_id) from addresses) <> 'Main St,High St'
