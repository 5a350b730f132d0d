create function pg_temp.specc_staged(tables text[], load text, emptied text, quiet text, firing text)
returns void language plpgsql as $specc$
declare
  off oid[];
  one text;
begin
  -- Rows are put there as they are: triggers that change or refuse them are off, all constraints on.
  select coalesce(array_agg(oid), '{}') into off
    from pg_trigger
    where tgrelid = any (tables::regclass[]) and not tgisinternal and tgparentid = 0 and tgenabled = 'O'
      and (tgtype & 4 > 0 or firing is not null);
  for one in
    select format('%s disable trigger %I', tgrelid::regclass, tgname) from pg_trigger where oid = any (off)
  loop
    begin
      execute 'alter table ' || one;
    exception when insufficient_privilege then
      -- The table is somebody else's: this way no reference is looked at either, but rows come with what they refer to.
      perform set_config('session_replication_role', 'replica', true);
    end;
  end loop;
  if load <> '' then
    execute load;
  end if;
  set constraints all immediate;
  if current_setting('session_replication_role') <> 'origin' then
    perform set_config('session_replication_role', 'origin', true);
  end if;
  -- All fire again, or those that the statements are about.
  for one in
    select format('%s enable trigger %I', tgrelid::regclass, tgname) from pg_trigger
    where oid = any (off) and (firing is null or tgname ~ firing)
  loop
    begin
      execute 'alter table ' || one;
    exception when insufficient_privilege then null;
    end;
  end loop;
  -- A trigger that makes something else of a deletion hides whether the rules let it pass.
  for one in
    select format('%s disable trigger %I', tgrelid::regclass, tgname) from pg_trigger
    join pg_proc on pg_proc.oid = tgfoid
    where not tgisinternal and tgparentid = 0 and tgenabled = 'O'
      and (tgrelid = emptied::regclass and tgtype & 11 = 11
        -- Triggers that guard columns are part of the rules.
        or tgrelid = quiet::regclass and tgname !~ '^aa_columns' and proname <> 'refuse_immutable_change')
  loop
    execute 'alter table ' || one;
  end loop;
end
$specc$;
create function pg_temp.specc_trial(
  tables text[], load text, emptied text, quiet text, firing text, role text, settings text[], statements text[]
)
returns text[] language plpgsql as $specc$
declare
  said text[] := '{}';
  loaded boolean := false;
  one text;
  touched bigint;
  state text;
  message text;
  name text;
  place text;
begin
  begin
    perform pg_temp.specc_staged(tables, load, emptied, quiet, firing);
    for at in 1 .. cardinality(settings) by 2 loop
      perform set_config(settings[at], settings[at + 1], true);
    end loop;
    if role <> '' then
      execute format('set local role %I', role);
    end if;
    loaded := true;
    foreach one in array statements loop
      begin
        execute one;
        get diagnostics touched = row_count;
        said := said || format('rows %s', touched);
        raise exception using errcode = 'SPECC';
      exception
        when sqlstate 'SPECC' then null;
        when others then
          get stacked diagnostics state = returned_sqlstate, message = message_text,
            name = constraint_name, place = column_name;
          -- A column has a constraint of a name of its own in some versions only.
          name := coalesce(nullif(case when state = '23502' then place else coalesce(nullif(name, ''), place) end, ''), '-');
          said := said || format('error %s %s %s', state, replace(name, ' ', '_'), message);
      end;
    end loop;
    raise exception using errcode = 'SPECC';
  exception
    when sqlstate 'SPECC' then null;
    when others then
      if loaded then
        raise;
      end if;
      get stacked diagnostics state = returned_sqlstate, message = message_text;
      said := array[format('load %s %s', state, message)];
  end;
  return said;
end
$specc$
