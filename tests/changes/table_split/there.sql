select row(a.user_id, street, city)::text from addresses a where (user_id, street, coalesce(city, '-')) not in ((1, 'Main St', 'London'), (3, 'High St', '-'))
union all select 'count' where (select count(*) from addresses) <> 2
