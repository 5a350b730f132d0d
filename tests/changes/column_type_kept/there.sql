-- What is written to a column is written to the old one, and nothing else is.
with written as (
  select 1
)
select 'items ' || id || ' has ' || coalesce(n__old::text, 'null') from public.items, written where n__old is distinct from n
union all
select 'items ' || id || ' lost its price' from public.items where id = 1 and price__old is distinct from 1.2345
