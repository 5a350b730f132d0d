-- Stands in for Citus on a plain Postgres: functions of the same names and signatures that note where rows are, and refuse what
-- Citus refuses, as far as the catalogs of Postgres say it.

create schema citus_standin;
grant usage on schema citus_standin to public;

create table citus_standin.tables (
  relation  regclass primary key,
  kind      text     not null check (kind in ('distributed', 'reference')),
  col       text,
  colocated int
);

create sequence citus_standin.groups;

create function citus_standin.refuse(rule text, relation regclass) returns void language plpgsql as $$
begin
  raise exception '%: %', rule, relation using errcode = 'feature_not_supported';
end $$;

-- What Citus looks at when a table is distributed, and when something of it is made later.
create function citus_standin.check_table(wanted regclass) returns void language plpgsql as $$
declare
  t citus_standin.tables;
  far citus_standin.tables;
  key record;
  position int;
  own_place int;
  far_place int;
begin
  select * into t from citus_standin.tables where relation = wanted;
  if t.kind = 'distributed' then
    select attnum into strict position from pg_attribute where attrelid = wanted and attname = t.col;
    if exists (select from pg_attribute where attrelid = wanted and attnum = position and attgenerated <> '') then
      perform citus_standin.refuse('E0326', wanted);
    end if;
    -- Postgres has no other way to say whether a type has a hash.
    begin
      execute format('select from (select %I as v from %s limit 0) a join (select %1$I as v from %2$s limit 0) b using (v) group by v', t.col, wanted);
      if (select amopmethod from pg_amop o join pg_attribute a on a.attrelid = wanted and a.attnum = position
           join pg_type y on y.oid = a.atttypid
          where amopmethod = (select oid from pg_am where amname = 'hash')
            and (o.amoplefttype = case when y.typtype = 'd' then y.typbasetype else y.oid end
              or exists (select from pg_cast c where c.castmethod = 'b' and c.castcontext = 'i' and c.castsource = y.oid and c.casttarget = o.amoplefttype)
              or o.amoplefttype = 'anyenum'::regtype and y.typtype = 'e'
              or o.amoplefttype = 'anyarray'::regtype and y.typelem <> 0 and y.typlen = -1 and y.typcategory = 'A'
              or o.amoplefttype = 'anyrange'::regtype and y.typtype = 'r')
          limit 1) is null then
        perform citus_standin.refuse('E0326', wanted);
      end if;
    exception when undefined_function then
      perform citus_standin.refuse('E0326', wanted);
    end;
    for key in select i.indexrelid, i.indkey, i.indnkeyatts, i.indisexclusion, c.conexclop
      from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.contype = 'x'
     where i.indrelid = wanted and (i.indisunique or i.indisexclusion)
    loop
      if not exists (
        select from generate_series(0, key.indnkeyatts - 1) n
         where key.indkey[n] = position
           and (not key.indisexclusion or (select oprname from pg_operator where oid = key.conexclop[n + 1]) = '=')
      ) then
        perform citus_standin.refuse('E0321', wanted);
      end if;
    end loop;
  elsif t.kind = 'reference' then
    if (select relkind from pg_class where oid = wanted) = 'p' then
      perform citus_standin.refuse('E0327', wanted);
    end if;
  end if;
  if t.kind is not null then
    if exists (select from pg_trigger where tgrelid = wanted and not tgisinternal) then
      perform citus_standin.refuse('E0324', wanted);
    end if;
    if exists (select from pg_policy where polrelid = wanted
                and (polqual::text like '%{SUBLINK%' or polwithcheck::text like '%{SUBLINK%')) then
      perform citus_standin.refuse('E0325', wanted);
    end if;
    if exists (select from pg_attribute where attrelid = wanted and attidentity <> '' and atttypid <> 'bigint'::regtype) then
      perform citus_standin.refuse('E0326', wanted);
    end if;
  end if;
  for key in select * from pg_constraint where contype = 'f' and conrelid = wanted and conparentid = 0 loop
    far := null;
    select * into far from citus_standin.tables where relation = key.confrelid;
    if t.kind is null then
      if far.kind = 'distributed' then
        perform citus_standin.refuse('E0322', wanted);
      end if;
    elsif t.kind = 'reference' then
      if far.kind = 'distributed' then
        perform citus_standin.refuse('E0322', wanted);
      elsif far.kind is null and (key.confdeltype not in ('a', 'r') or key.confupdtype not in ('a', 'r')) then
        perform citus_standin.refuse('E0323', wanted);
      end if;
    else
      own_place := array_position(key.conkey, position::smallint);
      if far.kind is null or far.kind = 'distributed' and far.colocated <> t.colocated then
        perform citus_standin.refuse('E0322', wanted);
      end if;
      if far.kind = 'distributed' then
        far_place := (select array_position(key.confkey, attnum) from pg_attribute where attrelid = key.confrelid and attname = far.col);
        if own_place is null or own_place is distinct from far_place then
          perform citus_standin.refuse('E0322', wanted);
        end if;
      end if;
      if own_place is not null and (key.confdeltype in ('n', 'd') or key.confupdtype in ('n', 'd', 'c')) then
        perform citus_standin.refuse('E0323', wanted);
      end if;
    end if;
  end loop;
end $$;

-- All tables, as they are in the end: what was made after a table was distributed, too.
create function citus_standin.check_all() returns void language plpgsql as $$
declare
  r record;
begin
  for r in select c.oid::regclass as relation from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p') and not c.relispartition and n.nspname not in ('pg_catalog', 'information_schema', 'citus_standin')
  loop
    perform citus_standin.check_table(r.relation);
  end loop;
end $$;

create type citus_standin.distribution_type as enum ('hash', 'range', 'append');

create function public.create_distributed_table(
  table_name regclass, distribution_column text, distribution_type citus_standin.distribution_type default 'hash',
  colocate_with text default 'default', shard_count int default null
) returns void language plpgsql as $$
declare
  other citus_standin.tables;
  colocated int;
begin
  if exists (select from citus_standin.tables where relation = table_name) then
    raise exception 'table % is already distributed', table_name;
  end if;
  if colocate_with in ('none', 'default') then
    colocated := nextval('citus_standin.groups');
  else
    select * into other from citus_standin.tables where relation = colocate_with::regclass;
    if other.kind is distinct from 'distributed'
      or (select atttypid from pg_attribute where attrelid = table_name and attname = distribution_column)
        <> (select atttypid from pg_attribute where attrelid = other.relation and attname = other.col) then
      perform citus_standin.refuse('E0320', table_name);
    end if;
    colocated := other.colocated;
  end if;
  insert into citus_standin.tables values (table_name, 'distributed', distribution_column, colocated);
  perform citus_standin.check_table(table_name);
end $$;

create function public.create_reference_table(table_name regclass) returns void language plpgsql as $$
begin
  if exists (select from citus_standin.tables where relation = table_name) then
    raise exception 'table % is already distributed', table_name;
  end if;
  insert into citus_standin.tables values (table_name, 'reference');
  perform citus_standin.check_table(table_name);
end $$;

create function public.undistribute_table(table_name regclass, cascade_via_foreign_keys boolean default false)
returns void language plpgsql as $$
begin
  if not exists (select from citus_standin.tables where relation = table_name) then
    raise exception 'cannot undistribute table because the table is not distributed';
  end if;
  if not cascade_via_foreign_keys
    and exists (select from pg_constraint where contype = 'f' and table_name in (conrelid, confrelid) and conrelid <> confrelid) then
    raise exception 'cannot undistribute table % because it has foreign keys', table_name;
  end if;
  delete from citus_standin.tables where relation = table_name;
end $$;
