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

-- Whether a statement is taken; nothing stays of it.
create function pg_temp.runs(statement text) returns boolean language plpgsql as $$
begin
  execute statement;
  raise sqlstate 'ZZ000';
exception
  when sqlstate 'ZZ000' then return true;
  when others then return false;
end
$$;

-- Values at the edges of a type, by which conversions are tried.
create temp table edge as select kind, value from (values
  ('bool', array['true', 'false']),
  ('bytea', array['\x', '\x00ff', '\x616263', '\x' || repeat('ab', 40)]),
  ('char', array['', 'a', ' ', '1']),
  ('name', array['', 'a', 'a ', ' ', 'ab' || repeat(' ', 55), 'pg_class', 'Ünï', repeat('x', 63)]),
  ('int8', array['0', '-1', '1', '10', '32768', '2147483648', '16777217', '9007199254740993', '9223372036854775807',
    '-9223372036854775808']),
  ('int2', array['0', '-1', '1', '10', '32767', '-32768']),
  ('int4', array['0', '-1', '1', '10', '32768', '16777217', '2147483647', '-2147483648']),
  ('text', array['', 'a', 'a  ', 'ab' || repeat(' ', 60), '  ', '1', '007', 'true', 'pg_class', 'é', '日本語', repeat('x', 64), repeat('é', 300)]),
  ('oid', array['0', '1', '1259', '2147483648', '4294967295']),
  ('tid', array['(0,1)', '(4294967295,65535)']),
  ('xid', array['0', '3', '4294967295']),
  ('cid', array['0', '4294967295']),
  ('json', array['{}', '{"b": 1, "a": 2}', '{"a": 1, "a": 2}', '1.50', '1e2', 'null', ' [1] ', '1' || repeat(' ', 60), '"\u0000"', '"' || repeat('x', 64) || '"']),
  ('xml', array['', '<a/>', '<a>é</a> ', 'text', repeat('x', 64)]),
  ('point', array['(0,0)', '(1.5,-0)', '(NaN,Infinity)', '(1e300,1e-300)']),
  ('lseg', array['[(0,0),(1,1)]', '[(0.1,0.2),(1e300,-1)]', '[(-1.2345678901234e-100,2),(-1.2345678901234e-100,-1.2345678901234e-100)]']),
  ('path', array['((0,0),(1,1))', '[(0,0),(1,1)]', '[(0.1,2)]', '((-1.2345678901234e-100,2),(-1.2345678901234e-100,-1.2345678901234e-100))']),
  ('box', array['(1,1),(0,0)', '(0.1,0.2),(-3,-4)', '(1.2345678901234e-100,2),(-1.2345678901234e-100,-1.2345678901234e-100)']),
  ('polygon', array['((0,0),(1,1),(2,0))', '((0.1,0.2))', '((-1.2345678901234e-100,2),(-1.2345678901234e-100,-1.2345678901234e-100))']),
  ('line', array['{1,2,3}', '{-1,0,0.1}', '{-1.2345678901234567e+100,-1.2345678901234567e+100,-1.2345678901234567e+100}']),
  ('cidr', array['10.0.0.0/8', '10.1.2.3/32', '::/0', '2001:db8::/32']),
  ('float4', array['0', '-0', '1', '1.5', '0.1', '16777216', '3.4028235e38', '1e-45', 'NaN', 'Infinity', '-Infinity']),
  ('float8', array['0', '-0', '1', '1.5', '0.1', '9007199254740993', '0.12345678901234568', '1.7976931348623157e308',
    '5e-324', '1e20', 'NaN', 'Infinity', '-Infinity']),
  ('circle', array['<(0,0),1>', '<(0.1,0.2),1e300>', '<(-1.2345678901234567e-100,-1.2345678901234567e-100),1.2345678901234567e-100>']),
  ('money', array['0', '1.25', '-1', '92233720368547758.07', '-92233720368547758.08']),
  ('macaddr', array['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '08:00:2b:01:02:03']),
  ('macaddr8', array['00:00:00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff:ff:ff', '08:00:2b:ff:fe:01:02:03']),
  ('inet', array['10.1.2.3', '10.1.2.3/8', '10.0.0.0/8', '::1', '2001:db8::1/32']),
  ('bpchar', array['', 'a', 'a  ', '  ', '1', 'pg_class', 'é', '日本語', repeat('x', 64), repeat('é', 300)]),
  ('varchar', array['', 'a', 'a  ', 'ab' || repeat(' ', 60), '  ', '1', '007', 'true', 'pg_class', 'é', '日本語', repeat('x', 64), repeat('é', 300)]),
  ('date', array['2026-05-05', '4713-01-01 BC', '0044-03-15 BC', '5874897-12-31', 'infinity', '-infinity']),
  ('time', array['00:00', '24:00', '12:30', '12:30:15', '12:30:15.123456', '23:59:59.999999']),
  ('timestamp', array['2026-05-05', '2026-05-05 13:14:15', '2026-05-05 13:14:15.123456', '0044-03-15 BC',
    '4713-01-01 00:00:00 BC', '294276-12-31 23:59:59.999999', 'infinity', '-infinity']),
  ('timestamptz', array['2026-05-05 00:00+00', '2026-05-05 13:14:15+02', '2026-05-05 13:14:15.123456+00',
    '0044-03-15 00:00:00+00 BC', '294276-12-31 23:59:59.999999+00', 'infinity', '-infinity']),
  ('interval', array['0', '1 day', '24 hours', '30 days', '1 mon', '13 mons', '1 day 02:03:04', '02:03:04.123456', '-1 day +00:00:01',
    '178000000 years', '-1 year -2 mons +3 days', '100 hours',
    '-178956970 years -8 mons -2147483647 days -2562047788:00:54.775807',
    '-178956970 years -8 mons -2147483647 days -2562047788:00:54.775', '-178956970 years -8 mons -2147483647 days -2562047787:00:54']),
  ('timetz', array['00:00+00', '12:30:15.123456+02', '24:00-15:59', '23:59:59.999999+15:59']),
  ('bit', array['0', '1', '101', '10101', '0000000000000000', repeat('10', 40)]),
  ('varbit', array['', '0', '1', '101', '10101', '0000000000000000', repeat('10', 40)]),
  ('numeric', array['0', '1', '-1', '1.5', '2.5', '1.50', '0.1', '12345.678', '1.2345', '99999999.99', '9.99', '32768', '1e20', '1e400',
    '1e-400', '9007199254740993', '0.12345678901234567890', '999999', '99.95', '-9999', '9999.99',
    '9999999999', '9999999999.99', '99999999.995', '99999999.999', '9999999999.99999', 'NaN', 'Infinity', '-Infinity']),
  ('refcursor', array['', 'a', ' ', repeat('x', 64)]),
  ('regproc', array['-', 'now', 'abs']),
  ('regprocedure', array['-', 'abs(integer)', 'pg_create_logical_replication_slot(name,name,boolean,boolean,boolean)']),
  ('regoper', array['0', '!~']),
  ('regoperator', array['0', '+(integer,integer)']),
  ('regclass', array['-', 'pg_class', '99']),
  ('regcollation', array['-', '"C"']),
  ('regtype', array['-', 'integer']),
  ('regrole', array['-']),
  ('regnamespace', array['-', 'pg_catalog']),
  ('regconfig', array['-', 'simple']),
  ('regdictionary', array['-', 'simple']),
  ('uuid', array['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']),
  ('pg_lsn', array['0/0', 'FFFFFFFF/FFFFFFFF']),
  ('tsvector', array['', '''a'':1A ''b'':2', '''it''''s''', repeat('x', 64)]),
  ('tsquery', array['', '''a'' & !''b''', '''a'':*A', repeat('x', 64)]),
  ('txid_snapshot', array['10:20:10,14', '10:20:10,11,12,13,14,15,16,17,18,19', '1000000:2000000:1000000,1000001,1000002,1000003,1000004,1000005,1000006']),
  ('pg_snapshot', array['10:20:10,14', '10:20:10,11,12,13,14,15,16,17,18,19', '1000000:2000000:1000000,1000001,1000002,1000003,1000004,1000005,1000006']),
  ('xid8', array['0', '3', '18446744073709551615']),
  ('jsonb', array['{}', '{"a": 1, "b": [1.50, null]}', '1.50', '1e400', 'null', '"é"', '"' || repeat('x', 64) || '"']),
  ('jsonpath', array['$', '$."a"[*]?(@ > 1)', '$."' || repeat('x', 64) || '"']),
  ('aclitem', array['=r/10', 'pg_read_all_data=arwdDxt/pg_write_all_data', 'pg_execute_server_program=a*r*w*d*D*x*t*/pg_execute_server_program']),
  ('int4range', array['empty', '[1,5)', '(,)']),
  ('int8range', array['empty', '[1,5)', '(,)']),
  ('numrange', array['empty', '[1.5,5)', '(,)', '[' || repeat('1', 64) || ',)']),
  ('daterange', array['empty', '[2026-01-01,2026-02-01)', '(,)']),
  ('tsrange', array['empty', '["2026-01-01 10:00:00.123456 BC","2025-01-01 10:00:00.123456 BC")', '["2026-01-01 10:00","2026-02-01")', '(,)']),
  ('tstzrange', array['empty', '["2026-01-01 10:00:00.123456+00 BC","2026-01-01 10:00:00.123457+00")', '["2026-01-01 10:00+00","2026-02-01 00:00+00")', '(,)']),
  ('int4multirange', array['{}', '{[1,5),[7,9)}', '{[1000000001,1000000002),[1000000003,1000000004),[1000000005,1000000006)}']),
  ('int8multirange', array['{}', '{[1,5),[7,9)}', '{[1000000001,1000000002),[1000000003,1000000004),[1000000005,1000000006)}']),
  ('nummultirange', array['{}', '{[1.5,5)}', '{[' || repeat('1', 64) || ',)}']),
  ('datemultirange', array['{}', '{[2026-01-01,2026-02-01)}', '{[2026-01-01,2026-02-01),[2026-03-01,2026-04-01),[2026-05-01,2026-06-01)}']),
  ('tsmultirange', array['{}', '{["2026-01-01 10:00","2026-02-01"),["2026-03-01 10:00","2026-04-01")}']),
  ('tstzmultirange', array['{}', '{["2026-01-01 10:00+00","2026-02-01 00:00+00"),["2026-03-01 10:00+00","2026-04-01 00:00+00")}'])
) every (kind, list), unnest(list) value;

-- What a column's values become by `alter column type`: `x` all stay equal, `l` some are changed in silence, `f` some stop
-- it; null where Postgres refuses it whatever the rows, or was built without the type. A value is changed where the way there and back gives another.
create function pg_temp.conversion(from_type text, to_type text, given text[]) returns text language plpgsql as $$
declare
  same text;
  known boolean;
  kept boolean;
  one text;
  lossy boolean := false;
  failing boolean := false;
  tried boolean := false;
begin
  begin
    execute format('create temp table conversion_from (c %s)', from_type);
    execute format('alter table conversion_from alter c type %s', to_type);
  exception when datatype_mismatch then
    return null;
  end;
  drop table conversion_from;
  select pg_temp.equality(case when y.typcategory = 'A' and y.typelem <> 0 then y.typelem else y.oid end) in ('v', 'i')
    into known from pg_type y where y.oid = to_regtype(regexp_replace(from_type, '\(.*\)', ''));
  same := case when known then '%1$s is not distinct from s.c' else '(%1$s)::text is not distinct from s.c::text' end;
  execute format('create temp table conversion_from (c %s); create temp table conversion_to (c %s)', from_type, to_type);
  foreach one in array given loop
    begin
      execute format('insert into conversion_from values (%L::text::%s)', one, from_type);
    exception when others then
      continue;
    end;
    tried := true;
    begin
      insert into conversion_to select c from conversion_from;
      begin
        execute format('select ' || same || ' from conversion_from s, conversion_to t', 't.c::' || from_type) into kept;
      exception when others then
        begin
          execute format('select ' || same || ' from conversion_from s, conversion_to t', 't.c::text::' || from_type) into kept;
        exception when others then
          kept := false;
        end;
      end;
      lossy := lossy or not (kept or (select s.c::text = t.c::text from conversion_from s, conversion_to t));
    exception when others then
      failing := true;
    end;
    truncate conversion_from, conversion_to;
  end loop;
  drop table conversion_from, conversion_to;
  return case when not tried then null else case when lossy then 'l' else '' end || case when failing then 'f' else '' end
    || case when not lossy and not failing then 'x' else '' end end;
end
$$;

-- part: functions
-- Kind (function, aggregate, window), volatility, `*` a set, `+` variadic, `o` an aggregate with `within group`, a number of
-- defaults, `:` arguments `>` result.
select pg_temp.x('pg_proc', p.oid) || ' ' || p.proname,
  case p.prokind when 'a' then 'a' when 'w' then 'w' else 'f' end || pg_temp.volatility(p.oid)
    || case when p.proretset then '*' else '' end || case when p.provariadic <> 0 then '+' else '' end
    || case when exists (select from pg_aggregate g where g.aggfnoid = p.oid and g.aggkind <> 'n') then 'o' else '' end
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

-- part: conversions
-- What `alter column type` makes of values at the edges.
select '- ' || pg_temp.n(f.oid), w || ':' || pg_temp.n(t.oid)
from pg_type f, pg_type t, lateral (select pg_temp.conversion(format('pg_catalog.%I', f.typname), format('pg_catalog.%I', t.typname),
  (select array_agg(value) from edge where kind = f.typname))) c (w)
where f.typnamespace = 'pg_catalog'::regnamespace and t.typnamespace = f.typnamespace and f.oid <> t.oid and w is not null
  and f.typname in (select kind from edge) and t.typname in (select kind from edge)
order by f.oid, t.oid;

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

-- part: numbers
-- By what number the server knows a type, and its arrays.
select pg_temp.n(y.oid), w::text from pg_type y, lateral (values (1, y.oid), (2, y.typarray)) v (n, w)
where y.typtype in ('b', 'r', 'm') and y.typcategory <> 'A' and y.typarray <> 0
  and y.typnamespace = 'pg_catalog'::regnamespace and y.oid < 16384
order by 1, v.n;

-- part: columns
-- What a row of a function has that names what it gives: name `:` type.
select '- ' || p.proname, string_agg(a.name || ':' || pg_temp.n(a.type), ',' order by a.n)
from pg_proc p, unnest(p.proargnames, p.proargmodes, p.proallargtypes) with ordinality as a (name, mode, type, n)
where p.pronamespace = 'pg_catalog'::regnamespace and a.mode in ('o', 'b', 't') and p.oid < 16384 and p.prokind = 'f'
group by p.oid, p.proname order by p.proname, p.oid;

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
-- Method `:` type, `!` where it is what the type has unless another is named, `+` where its operators are leakproof.
select pg_temp.x('pg_opclass', c.oid) || ' ' || c.opcname,
  m.amname || ':' || pg_temp.n(c.opcintype) || case when c.opcdefault then '!' else '' end
    || case when (select coalesce(bool_and(p.proleakproof) filter (where a.amoprighttype = a.amoplefttype),
        bool_and(p.proleakproof), true) from pg_amop a join pg_operator o on o.oid = a.amopopr
        join pg_proc p on p.oid = o.oprcode
        where a.amopfamily = c.opcfamily and a.amoplefttype = c.opcintype and a.amoppurpose = 's') then '+' else '' end
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

-- part: conditions
-- The names of errors that PL/pgSQL knows, and their codes.
select m[2], m[1] from regexp_matches(pg_read_file((select setting from pg_config where name = 'SHAREDIR') || '/errcodes.txt'),
  '^([0-9A-Z]{5})[ \t]+E[ \t]+ERRCODE_\w+[ \t]+(\w+)', 'gn') m order by 1, 2;

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

-- part: settings
-- When it can be set (`u` in a session, `s` there by who may, `b` as a session begins, `r` in the server's files, `p` as the
-- server starts, `i` never) and what it takes: `b` a switch, `i` a whole number, `r` a number, `s` a text, `e` one of some
-- words, which follow with commas; behind a number its unit, the least and the greatest.
with words as materialized (select distinct w from pg_settings, unnest(enumvals || array['true', 'false', 'on', 'off', 'yes',
  'no', '1', '0', 'debug', 'all', 'none', 'info', 'default']) w)
select replace(name, ' ', '_'), case context when 'user' then 'u' when 'superuser' then 's' when 'sighup' then 'r'
    when 'postmaster' then 'p' when 'internal' then 'i' else 'b' end
  || case vartype when 'bool' then 'b' when 'integer' then 'i' when 'real' then 'r' when 'string' then 's' else 'e' end
  || case when vartype in ('integer', 'real') then ':' || coalesce(unit, '') || ',' || min_val || ',' || max_val
    when vartype = 'enum' and context in ('user', 'superuser') then ':' || (select string_agg(replace(w, ' ', '_'), ',' order by w)
      from words where pg_temp.runs(format('set local %I = %L', name, w))) else '' end
from pg_settings where name !~ '\.' order by 1;

-- part: fields
-- What `extract` (`x`) and `date_trunc` (`t`) take of a type.
select w, kind || ':' || t
from unnest(array['c', 'cent', 'centuries', 'century', 'd', 'day', 'days', 'dec', 'decade', 'decades', 'decs', 'dow', 'doy', 'epoch', 'h',
    'hour', 'hours', 'hr', 'hrs', 'isodow', 'isoyear', 'j', 'jd', 'julian', 'm', 'microsecon', 'microsecond', 'microseconds', 'mil', 'millennia', 'millennium',
    'millisecon', 'millisecond', 'milliseconds', 'mils', 'min', 'mins', 'minute', 'minutes', 'mon', 'mons', 'month', 'months', 'ms', 'msec',
    'msecond', 'mseconds', 'msecs', 'qtr', 'quarter', 's', 'sec', 'second', 'seconds', 'secs', 'timezone', 'timezone_h', 'timezone_hour',
    'timezone_m', 'timezone_minute', 'us', 'usec', 'usecond', 'useconds', 'usecs', 'w', 'week', 'weeks', 'y', 'year', 'years', 'yr', 'yrs']) w,
  (values ('date', '2026-05-05'), ('timestamp', '2026-05-05'), ('timestamptz', '2026-05-05'), ('time', '10:00'), ('timetz', '10:00+00'),
    ('interval', '1 day')) v (t, value),
  (values ('x', 'select extract(%I from %L::%s)'), ('t', 'select date_trunc(%L, %L::%s)')) k (kind, query)
where pg_temp.runs(format(query, w, value, t)) and not (kind = 't' and t in ('date', 'time', 'timetz'))
order by w, kind desc, t;

-- part: collations
-- Those that no library of the system brings.
select collname::text, '' from pg_collation
where collnamespace = 'pg_catalog'::regnamespace and (collprovider in ('d', 'b') or collname in ('C', 'POSIX', 'ucs_basic', 'unicode'))
  and collencoding in (-1, pg_char_to_encoding(getdatabaseencoding())) order by 1;

-- part: search
-- Configurations, dictionaries and parsers of text search.
select cfgname::text, 'c' from pg_ts_config where cfgnamespace = 'pg_catalog'::regnamespace
union all select dictname, 'd' from pg_ts_dict where dictnamespace = 'pg_catalog'::regnamespace
union all select prsname, 'p' from pg_ts_parser where prsnamespace = 'pg_catalog'::regnamespace order by 1, 2;

-- part: zones
-- Names of places that have a time of their own; a newer system knows more.
select name, '' from pg_timezone_names where name ~ '/' and name !~ '^(posix|right)/' order by 1;
