-- Writes the tables beside this file from a running Postgres: `psql -XAtq -v part=functions -f catalogue.sql`, once for
-- each part (functions, operators, casts, types), in a database with the extensions whose names are known to specc.
-- A line starts with the extension (`-` for Postgres itself) and a name; the rest are its variants.

set client_min_messages = warning;

create function pg_temp.n(t oid) returns text language sql as $$
  select case
    when y.typcategory = 'A' and y.typelem <> 0 and y.typname like '\_%' then pg_temp.n(y.typelem) || '[]'
    else case y.typname
      when 'int2' then 'smallint' when 'int4' then 'int' when 'int8' then 'bigint' when 'float4' then 'real'
      when 'bool' then 'boolean' when 'bpchar' then 'char' when 'char' then 'qchar' else y.typname::text
    end
  end
  from pg_type y where y.oid = t
$$;

create function pg_temp.x(class regclass, object oid) returns text language sql as $$
  select coalesce((select e.extname::text from pg_depend d join pg_extension e on e.oid = d.refobjid
    where d.classid = class and d.objid = object and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
      and e.extname <> 'plpgsql'), '-')
$$;

create function pg_temp.volatility(p oid) returns text language sql as $$
  -- A function in SQL is inlined, and can be immutable in what it then comes to.
  select coalesce((select case when provolatile = 's' and prolang = (select oid from pg_language where lanname = 'sql')
    then 'i' else provolatile::text end from pg_proc where oid = p), 'i')
$$;

select :'part' = 'functions' as f, :'part' = 'operators' as o, :'part' = 'casts' as c, :'part' = 'types' as t \gset

\if :f
-- Kind (function, aggregate, window), volatility, `*` a set, `+` variadic, a number of defaults, `:` arguments `>` result.
select pg_temp.x('pg_proc', p.oid) || ' ' || p.proname || ' ' || string_agg(
    case p.prokind when 'a' then 'a' when 'w' then 'w' else 'f' end || pg_temp.volatility(p.oid)
      || case when p.proretset then '*' else '' end || case when p.provariadic <> 0 then '+' else '' end
      || case when p.pronargdefaults > 0 then p.pronargdefaults::text else '' end
      || ':' || coalesce((select string_agg(pg_temp.n(a), ',' order by i) from unnest(p.proargtypes) with ordinality u (a, i)), '')
      || '>' || pg_temp.n(p.prorettype), ' ' order by p.pronargs, p.oid) as line
from pg_proc p
where p.prokind <> 'p'
  and p.pronamespace in ('pg_catalog'::regnamespace, 'public'::regnamespace)
  and p.proname !~ '^(binary_upgrade_|pg_stat_get_)'
  and not exists (select from unnest(p.proargtypes || p.prorettype) a join pg_type y on y.oid = a
    where y.typname in ('internal', 'trigger', 'event_trigger', 'language_handler', 'fdw_handler', 'index_am_handler',
      'table_am_handler', 'tsm_handler', 'pg_ddl_command', 'cstring', '_cstring'))
group by pg_temp.x('pg_proc', p.oid), p.proname
order by p.proname collate "C", pg_temp.x('pg_proc', p.oid) collate "C";
\endif

\if :o
-- Volatility `:` left (empty for a prefix) `,` right `>` result.
select pg_temp.x('pg_operator', o.oid) || ' ' || o.oprname || ' ' || string_agg(
    pg_temp.volatility(o.oprcode) || ':' || case when o.oprleft = 0 then '' else pg_temp.n(o.oprleft) end || ','
      || pg_temp.n(o.oprright) || '>' || pg_temp.n(o.oprresult), ' ' order by o.oid) as line
from pg_operator o
where o.oprresult <> 0 and o.oprright <> 0
group by pg_temp.x('pg_operator', o.oid), o.oprname
order by o.oprname collate "C", pg_temp.x('pg_operator', o.oid) collate "C";
\endif

\if :c
-- A source; context (implicit, assignment, explicit), volatility `:` target.
select pg_temp.x('pg_cast', c.oid) || ' ' || pg_temp.n(c.castsource) || ' ' || string_agg(
    c.castcontext::text || pg_temp.volatility(c.castfunc) || ':' || pg_temp.n(c.casttarget), ' ' order by c.oid) as line
from pg_cast c
where c.castsource <> c.casttarget
group by pg_temp.x('pg_cast', c.oid), c.castsource
order by pg_temp.n(c.castsource) collate "C", pg_temp.x('pg_cast', c.oid) collate "C";
\endif

\if :t
-- A type; its category (`!` preferred in it), volatility of reading from text, of writing to text; a range's element.
select pg_temp.x('pg_type', y.oid) || ' ' || pg_temp.n(y.oid) || ' ' || y.typcategory::text || case when y.typispreferred then '!' else '' end
    || ' ' || pg_temp.volatility(y.typinput) || pg_temp.volatility(y.typoutput)
    || coalesce(' ' || (select pg_temp.n(r.rngsubtype) from pg_range r where y.oid in (r.rngtypid, r.rngmultitypid)), '') as line
from pg_type y
where y.typtype in ('b', 'r', 'm') and not (y.typcategory = 'A' and y.typname like '\_%')
  and y.typnamespace in ('pg_catalog'::regnamespace, 'public'::regnamespace)
order by pg_temp.n(y.oid) collate "C";
\endif
