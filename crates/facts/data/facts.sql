-- The queries behind the tables beside this file. Each part gives rows of a key and a word about it; the word is empty
-- where the key says all. A key starts with an extension, or `-` for Postgres itself, where an extension can have one.

-- part: prepare
create function pg_temp.n(t oid) returns text language sql as $$
  select case
    when y.typcategory = 'A' and y.typelem <> 0 and y.typname like '\_%' then pg_temp.n(y.typelem) || '[]'
    else case y.typname
      when 'int2' then 'smallint' when 'int4' then 'int' when 'int8' then 'bigint' when 'float4' then 'real'
      when 'bool' then 'boolean' when 'bpchar' then 'char' when 'char' then '"char"' else y.typname::text
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

-- The type whose operators serve a type: itself, or what it is without a change.
create function pg_temp.served(t oid) returns setof oid language sql as $$
  select t union select casttarget from pg_cast where castsource = t and castmethod = 'b' and castcontext = 'i'
$$;

create function pg_temp.has_class(t oid, method text) returns boolean language sql as $$
  select exists (select from pg_temp.served(t) s join pg_opclass c on c.opcintype = s and c.opcdefault
    join pg_am m on m.oid = c.opcmethod where m.amname = method)
    or (select typtype from pg_type where oid = t) in ('r', 'm')
$$;

create function pg_temp.equality(t oid) returns text language sql as $$
  select case
    when (select typtype from pg_type where oid = t) in ('r', 'm') then 'v'
    when not exists (select from pg_temp.served(t) s join pg_operator o on o.oprleft = s and o.oprright = s
      where o.oprname = '=') then '-'
    when not pg_temp.has_class(t, 'btree') and not pg_temp.has_class(t, 'hash') then 'm'
    when exists (select from pg_temp.served(t) s join pg_opclass c on c.opcintype = s and c.opcdefault
      join pg_am m on m.oid = c.opcmethod and m.amname = 'btree'
      join pg_amproc p on p.amprocfamily = c.opcfamily and p.amproclefttype = s and p.amprocrighttype = s
      where p.amprocnum = 4) then 'i'
    else 'v'
  end
$$;

-- part: functions
-- Kind (function, aggregate, window), volatility, `*` a set, `+` variadic, a number of defaults, `:` arguments `>` result.
select pg_temp.x('pg_proc', p.oid) || ' ' || p.proname,
  case p.prokind when 'a' then 'a' when 'w' then 'w' else 'f' end || pg_temp.volatility(p.oid)
    || case when p.proretset then '*' else '' end || case when p.provariadic <> 0 then '+' else '' end
    || case when p.pronargdefaults > 0 then p.pronargdefaults::text else '' end
    || ':' || coalesce((select string_agg(pg_temp.n(a), ',' order by i) from unnest(p.proargtypes) with ordinality u (a, i)), '')
    || '>' || pg_temp.n(p.prorettype)
from pg_proc p
where p.prokind <> 'p'
  and p.pronamespace in ('pg_catalog'::regnamespace, 'public'::regnamespace)
  and p.proname !~ '^(binary_upgrade_|pg_stat_get_)'
  and not exists (select from unnest(p.proargtypes || p.prorettype) a join pg_type y on y.oid = a
    where y.typname in ('internal', 'trigger', 'event_trigger', 'language_handler', 'fdw_handler', 'index_am_handler',
      'table_am_handler', 'tsm_handler', 'pg_ddl_command', 'cstring', '_cstring'))
order by p.pronargs, p.oid;

-- part: operators
-- Volatility `:` left (empty for a prefix) `,` right `>` result.
select pg_temp.x('pg_operator', o.oid) || ' ' || o.oprname,
  pg_temp.volatility(o.oprcode) || ':' || case when o.oprleft = 0 then '' else pg_temp.n(o.oprleft) end || ','
    || pg_temp.n(o.oprright) || '>' || pg_temp.n(o.oprresult)
from pg_operator o
where o.oprresult <> 0 and o.oprright <> 0
order by o.oid;

-- part: casts
-- A source; context (implicit, assignment, explicit), volatility, `b` where the bytes stay as they are, `:` target.
select pg_temp.x('pg_cast', c.oid) || ' ' || pg_temp.n(c.castsource),
  c.castcontext::text || pg_temp.volatility(c.castfunc) || case when c.castmethod = 'b' then 'b' else '' end
    || ':' || pg_temp.n(c.casttarget)
from pg_cast c
where c.castsource <> c.casttarget
order by c.oid;

-- part: types
-- Category (`!` preferred in it); volatility of reading from text, of writing to text; equality (`-` none, `m` of a
-- measure, `v` of values, `i` of bytes), order and hash, storage, `c` where it has a collation, `l` where it takes a
-- length, `s` where it has parts by number or name; a range's element.
select pg_temp.x('pg_type', y.oid) || ' ' || pg_temp.n(y.oid),
  y.typcategory::text || case when y.typispreferred then '!' else '' end
    || ',' || pg_temp.volatility(y.typinput) || pg_temp.volatility(y.typoutput)
    || ',' || pg_temp.equality(y.oid) || case when pg_temp.has_class(y.oid, 'btree') then 'o' else '-' end
    || case when pg_temp.has_class(y.oid, 'hash') then 'h' else '-' end || y.typstorage::text
    || case when y.typcollation <> 0 then 'c' else '-' end || case when y.typmodin <> 0 then 'l' else '-' end
    || case when y.typsubscript <> 0 then 's' else '-' end
    || coalesce(',' || (select pg_temp.n(r.rngsubtype) from pg_range r where y.oid in (r.rngtypid, r.rngmultitypid)), '')
from pg_type y
where y.typtype in ('b', 'r', 'm') and not (y.typcategory = 'A' and y.typname like '\_%')
  and y.typnamespace in ('pg_catalog'::regnamespace, 'public'::regnamespace)
order by y.oid;

-- part: spellings
-- How the server's messages and the system's tables call a type, where one of them is not its name here.
select pg_temp.n(y.oid), w
from pg_type y, lateral (values (y.typname::text), (replace(format_type(y.oid, null), ' ', '_'))) v (w)
where y.typtype = 'b' and y.typcategory <> 'A' and y.typnamespace = 'pg_catalog'::regnamespace and w <> 'char'
  and (y.typname <> pg_temp.n(y.oid) or format_type(y.oid, null) <> pg_temp.n(y.oid)) and y.typname <> 'char'
order by 1, w = y.typname;

-- part: domains
select pg_temp.x('pg_type', y.oid) || ' ' || case when nspname = 'public' then '' else nspname || '.' end || typname, ''
from pg_type y join pg_namespace n on n.oid = typnamespace where typtype = 'd' order by 1;

-- part: pseudo_types
select typname::text, '' from pg_type where typtype = 'p' and typname not like '\_%' order by 1;

-- part: keywords
-- Unreserved, a column's name, a type's or function's name, reserved; `b` where it can be a label without `as`.
select word, catcode::text || case when barelabel then 'b' else '' end from pg_get_keywords() order by 1;

-- part: methods
-- What an index of the method can: order, be unique, have several columns, serve an exclusion, carry further columns.
select pg_temp.x('pg_am', m.oid) || ' ' || m.amname, coalesce((select string_agg(l, '' order by n)
  from (values (1, 'o', 'can_order'), (2, 'u', 'can_unique'), (3, 'm', 'can_multi_col'), (4, 'x', 'can_exclude'),
    (5, 'i', 'can_include')) v (n, l, p) where pg_indexam_has_property(m.oid, p)), '')
from pg_am m where m.amtype = 'i';

-- part: operator_classes
-- Method `:` type, `!` where it is what the type has unless another is named.
select pg_temp.x('pg_opclass', c.oid) || ' ' || c.opcname,
  m.amname || ':' || pg_temp.n(c.opcintype) || case when c.opcdefault then '!' else '' end
from pg_opclass c join pg_am m on m.oid = c.opcmethod order by c.oid;

-- part: trigger_functions
select pg_temp.x('pg_proc', oid) || ' ' || proname, '' from pg_proc
where prorettype = 'trigger'::regtype and proname not like 'RI\_%' order by 1;

-- part: privileges
-- What the owner of an object has.
select replace(k.name, ' ', '_'), replace(lower(e.privilege_type), ' ', '_')
from (values ('database', 'd'), ('foreign data wrapper', 'F'), ('foreign server', 'S'), ('function', 'f'), ('language', 'l'),
    ('large object', 'L'), ('parameter', 'p'), ('schema', 'n'), ('sequence', 's'), ('table', 'r'), ('tablespace', 't'),
    ('type', 'T')) k (name, letter),
  aclexplode(acldefault(k.letter::"char", 10)) e where e.grantee = 10 order by 2;

-- part: system_columns
select attname::text, '' from pg_attribute where attrelid = 'pg_class'::regclass and attnum < 0 order by attnum desc;

-- part: schemas
select nspname::text, '' from pg_namespace where nspowner = 10 and nspname !~ '_temp_' and nspname <> 'public' order by 1;

-- part: languages
select lanname::text, '' from pg_language order by 1;

-- part: roles
select rolname::text, '' from pg_roles where rolname ~ '^pg_' order by 1;

-- part: platform_functions
-- Volatility and result of what the platform's schemas have; this part is read in a database of the platform.
select n.nspname || '.' || p.proname, max(p.provolatile::text) || '>' || pg_temp.n(max(p.prorettype)) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname not in ('pg_catalog', 'information_schema', 'public') and n.nspname !~ '_temp_'
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
group by 1 order by 1;

-- part: extensions
select extname::text, '' from pg_extension order by 1;
