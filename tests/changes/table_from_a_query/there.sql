select 'wrong' where (select string_agg(name || paid, ',' order by name) from buyers) <> 'ada7,eve1'
