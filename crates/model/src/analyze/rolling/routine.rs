//! The function that makes partitions ahead, moves rows out of the default one, and takes old ones away.
//!
//! A call is one transaction, and does one thing: what is missing, or one old partition. It asks the database what is there
//! and compares that with the calendar, so a call that was cut off, or never came, is made good by the next one.

use super::super::classes::{function, setting};
use crate::types::*;
use smol_str::SmolStr;
use specc_catalog::{LONGEST_NAME, ROLLED, clip, rolled_as};
use specc_sql::quote::{literal, qualified};

/// The name of the function for an entity whose partitions are made by the calendar.
pub fn rolling_function(options: &Options, entity: &Entity) -> Qualified {
    let name = match entity.name.schema == options.default_schema {
        true => format!("roll_{}", entity.name.name),
        false => format!("roll_{}_{}", entity.name.schema, entity.name.name),
    };
    Qualified { schema: options.helper_schema.clone(), name: clip(&name, LONGEST_NAME).into() }
}

/// The function, and the job that calls it where the platform has jobs.
pub(super) fn routine(model: &Model, entity: &Entity, rolls: &Rolls) -> (Function, Option<Schedule>) {
    let name = rolling_function(&model.options, entity);
    let doc = format!(
        "Makes the partitions of {} that the calendar asks for by this time, or takes an old one away; says how many. Call it until it says 0.",
        entity.name.name
    );
    let meta =
        Meta { doc: Some(doc.into()), area: entity.meta.area.clone(), span: entity.meta.span, ..Meta::default() };
    let mut made = function(model, name.name.clone(), meta.clone(), body(model, entity, rolls));
    made.params.push(Param {
        mode: SmolStr::default(),
        name: "clock".into(),
        ty: super::super::typeref::plain("timestamptz"),
        default: None,
    });
    made.returns = Some(Returns::Type(super::super::typeref::plain("bigint")));
    // Days and months begin at midnight UTC, whatever the server's zone is. Who waits for a lock gives way before Postgres
    // looks for circles and ends somebody else's transaction.
    made.settings.extend([
        setting("timezone", "UTC"),
        setting("datestyle", "ISO, YMD"),
        setting("lock_timeout", "200ms"),
    ]);
    made.depends = vec![Object::Entity(entity.id)];
    let job = (model.options.target == Target::Supabase).then(|| Schedule {
        meta: Meta { doc: None, ..meta },
        name: name.name.clone(),
        cron: "*/5 * * * *".into(),
        command: format!("select {}(now())", qualified(&name.schema, &name.name)).into(),
        depends: Vec::new(),
    });
    (made, job)
}

/// How the names of partitions begin.
pub(in super::super) fn stem(entity: &Entity) -> &str {
    clip(&entity.name.name, LONGEST_NAME - 16)
}

/// How the names of partitions end, which begins with the year in four digits.
fn ending(every: Every) -> &'static str {
    match every {
        Every::Day => "_YYYY_MM_DD",
        Every::Week => "_IYYY\"w\"IW",
        Every::Month => "_YYYY_MM",
        Every::Quarter => "_YYYY\"q\"Q",
        Every::Year => "_YYYY",
    }
}

/// What partitions have of storage parameters, as Postgres keeps them.
fn parameters(entity: &Entity) -> String {
    let all: Vec<String> = entity.options.iter().map(|o| literal(&format!("{}={}", o.name.text, o.value))).collect();
    format!("array[{}]::text[]", all.join(", "))
}

fn body(model: &Model, entity: &Entity, rolls: &Rolls) -> String {
    let whole = qualified(&entity.name.schema, &entity.name.name);
    let field = &entity.fields[rolls.field];
    let zone = match super::moment(model, &field.ty).as_deref() {
        Some("timestamptz") => "+00",
        _ => "",
    };
    let form = match super::moment(model, &field.ty).as_deref() {
        Some("date") => "YYYY-MM-DD",
        _ => "YYYY-MM-DD HH24:MI:SS",
    };
    let values = Values {
        whole: literal(&whole),
        schema: literal(&entity.name.schema),
        stem: literal(stem(entity)),
        column: literal(&field.name),
        unit: literal(rolls.every.word()),
        step: literal(&rolls.every.interval(1)),
        ending: literal(ending(rolls.every)),
        form: literal(&format!("{form}{zone}")),
        ahead: rolls.ahead,
        unlogged: if entity.unlogged { "unlogged " } else { "" },
        mark: literal(ROLLED),
        said: literal(&format!("{ROLLED}{}.{}.", entity.name.schema, entity.name.name)),
        parameters: parameters(entity),
    };
    let old = rolls.keep.map_or(String::new(), |(number, unit)| old(&values, &unit.interval(number), &rolls.then));
    format!("{}{}{old}{}", head(&values), make(&values), align(&values))
}

/// What stands in the body, each as it is written there.
struct Values {
    whole: String,
    schema: String,
    stem: String,
    column: String,
    unit: String,
    step: String,
    ending: String,
    form: String,
    ahead: u32,
    unlogged: &'static str,
    mark: String,
    said: String,
    parameters: String,
}

/// The parts with their bounds; `rolled` are those that a function like this made.
const PARTS: &str = "
    select c.oid, c.relname, b.low, b.high,
           starts_with(coalesce(obj_description(c.oid, 'pg_class'), ''), {mark}) as rolled
      from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
     cross join regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \\((.*)\\) TO \\((.*)\\)$') as e(ends)
     cross join lateral (
       select case e.ends[1] when 'MINVALUE' then '-infinity' else btrim(e.ends[1], '''')::timestamp end as low,
              case e.ends[2] when 'MAXVALUE' then 'infinity' else btrim(e.ends[2], '''')::timestamp end as high
     ) b
     where i.inhparent = whole and e.ends is not null";

fn parts(v: &Values) -> String {
    PARTS.replace("{mark}", &v.mark)
}

fn head(v: &Values) -> String {
    let Values { whole, .. } = v;
    format!(
        "
#variable_conflict use_variable
declare
  whole constant regclass := {whole};
  today constant timestamp := clock::timestamp;
  others oid;
  n int := 0;
  since timestamp := '0001-01-01';
  slot timestamp;
  gap tsrange;
  part record;
  fresh text;
  base text;
  columns text;
  woken text[];
  forced boolean;
  held text;
  said text;
  made bigint := 0;
begin
  -- One call at a time: the other one does what is to do.
  if not pg_try_advisory_xact_lock('pg_class'::regclass::oid::int, whole::oid::int) then
    return 0;
  end if;
  others := (select nullif(partdefid, 0) from pg_partitioned_table where partrelid = whole);
  forced := coalesce((select relforcerowsecurity from pg_class where oid = others), false);
"
    )
}

fn make(v: &Values) -> String {
    let Values { schema, stem, column, unit, step, ending, form, ahead, unlogged, said, .. } = v;
    let parts = parts(v);
    let last = u64::from(*ahead) + 1;
    format!(
        "
  <<slots>>
  loop
    if n < {last} then
      slot := date_trunc({unit}, today) + n * interval {step};
      n := n + 1;
    else
      -- When nothing is missing, what the default one holds is moved, a partition in each call.
      exit when made > 0 or others is null;
      -- Policies that bind the owner too would hide rows from this.
      if forced then
        execute format('alter table only %s no force row level security', others::regclass);
      end if;
      -- What is past the last years that Postgres can reckon with stays.
      execute format('select date_trunc(%L, min(%I)::timestamp) from only %s where isfinite(%I) and %I >= %L and %I < %L',
        {unit}, {column}, others::regclass, {column}, {column}, to_char(since, {form}), {column}, '294270-01-01') into slot;
      exit when slot is null;
      since := slot + interval {step};
    end if;
    loop
      -- What no partition holds of this time: others may begin or end in its middle.
      select r.r into gap
        from unnest(tsmultirange(tsrange(slot, slot + interval {step})) - (
               select coalesce(range_agg(tsrange(p.low, p.high)), '{{}}') from ({parts}) as p
             )) as r
       order by 1 limit 1;
      exit when gap is null;
      -- A name that is taken is left to who has it.
      base := {stem} || to_char(slot, {ending});
      fresh := base;
      for other in 2 .. 1000 loop
        exit when to_regclass(format('%I.%I', {schema}, fresh)) is null
          and to_regtype(format('%I.%I', {schema}, fresh)) is null;
        fresh := base || '_' || other;
      end loop;
      held := null;
      for attempt in 1 .. 20 loop
        begin
          -- Who writes has chosen the default partition for a row by the time it waits for that one: so it waits before.
          execute format('lock table only %s in %s mode', whole,
            case when others is null then 'share update exclusive' else 'share row exclusive' end);
          if others is not null then
            execute format('lock table only %s in access exclusive mode', others::regclass);
            -- A row that others refer to cannot leave the table, even for a moment.
            for part in
              select k.conrelid::regclass as child,
                     string_agg(format('c.%I = d.%I', a.attname, b.attname), ' and ') as joined
                from pg_constraint k
               cross join unnest(k.conkey, k.confkey) as u(own, far)
                join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.own
                join pg_attribute b on b.attrelid = k.confrelid and b.attnum = u.far
               where k.contype = 'f' and k.confrelid = whole and k.conparentid = 0
               group by k.oid, k.conrelid
            loop
              execute format('select %L where exists (select from %s c join only %s d on %s where d.%I >= %L and d.%I < %L)',
                part.child, part.child, others::regclass, part.joined, {column}, to_char(lower(gap), {form}),
                {column}, to_char(upper(gap), {form})) into held;
              exit when held is not null;
            end loop;
          end if;
          exit when held is not null;
          execute format('create {unlogged}table %I.%I (like %s including defaults including constraints '
            'including generated including storage including compression)', {schema}, fresh, whole);
          for part in
            select distinct x.grantee
              from pg_class c cross join aclexplode(c.relacl) x
             where c.oid = format('%I.%I', {schema}, fresh)::regclass and x.grantee <> c.relowner
          loop
            execute format('revoke all on %I.%I from %s', {schema}, fresh,
              case part.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(part.grantee)) end);
          end loop;
          execute format('comment on table %I.%I is %L', {schema}, fresh, {said});
          if others is not null then
            -- Rows change their place, which is no event: their triggers rest.
            woken := '{{}}';
            columns := (
              select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
               where a.attrelid = whole and a.attnum > 0 and not a.attisdropped and a.attgenerated = '');
            for part in
              select t.tgname, case t.tgenabled when 'A' then 'always ' when 'R' then 'replica ' else '' end as how
                from pg_trigger t
               where t.tgrelid = others and not t.tgisinternal and t.tgenabled <> 'D'
            loop
              execute format('alter table only %s disable trigger %I', others::regclass, part.tgname);
              woken := woken || format('alter table only %s enable %strigger %I', others::regclass, part.how, part.tgname);
            end loop;
            if forced then
              execute format('alter table only %s no force row level security', others::regclass);
            end if;
            execute format('with gone as (delete from only %s where %I >= %L and %I < %L returning *) '
              'insert into %I.%I (%s) select %s from gone', others::regclass, {column}, to_char(lower(gap), {form}),
              {column}, to_char(upper(gap), {form}), {schema}, fresh, columns, columns);
            foreach said in array woken loop
              execute said;
            end loop;
          end if;
          execute format('alter table %s attach partition %I.%I for values from (%L) to (%L)', whole, {schema}, fresh,
            to_char(lower(gap), {form}), to_char(upper(gap), {form}));
          exit;
        exception when lock_not_available or deadlock_detected then
          if attempt = 20 then
            raise;
          end if;
        end;
        perform pg_sleep(0.05 + 0.1 * random());
      end loop;
      if held is not null then
        raise warning 'rows of % from % on stay in its default partition: % refers to them', whole, lower(gap), held;
        exit;
      end if;
      made := made + 1;
    end loop;
  end loop slots;
  if forced then
    execute format('alter table only %s force row level security', others::regclass);
  end if;
"
    )
}

/// What becomes of a partition that is older than it may be.
fn old(v: &Values, interval: &str, then: &Then) -> String {
    let Values { unit, schema, said, .. } = v;
    let parts = parts(v);
    let interval = literal(interval);
    // So that what is done to it later is seen.
    let left = format!(
        "
        execute format('comment on table %s is %L', part.oid::regclass, {said} || ' ' || {});",
        rolled_as("part.oid")
    );
    let what = match then {
        Then::Detach => left,
        Then::Drop => "
        execute format('drop table %s', part.oid::regclass);"
            .to_owned(),
        Then::Archive(to) => {
            let to = literal(to);
            format!(
                "
        -- A name that is taken there is left to who has it.
        base := part.relname;
        fresh := base;
        for other in 2 .. 1000 loop
          exit when to_regclass(format('%I.%I', {to}, fresh)) is null
            and (fresh = base or to_regclass(format('%I.%I', {schema}, fresh)) is null);
          fresh := left(base, 58) || '_' || other;
        end loop;
        if fresh <> base then
          execute format('alter table %s rename to %I', part.oid::regclass, fresh);
        end if;
        execute format('alter table %s set schema %I', part.oid::regclass, {to});{left}"
            )
        }
    };
    format!(
        "
  -- Old ones go when nothing is missing, one in each call.
  <<old>>
  for part in
    select p.* from ({parts}) as p
     where made = 0 and p.rolled and p.high <= date_trunc({unit}, today) - interval {interval}
     order by p.low
  loop
    for attempt in 1 .. 20 loop
      begin
        execute format('lock table only %s in access exclusive mode', whole);
        execute format('alter table %s detach partition %s', whole, part.oid::regclass);{what}
        made := 1;
        exit old;
      exception
        when lock_not_available or deadlock_detected then
          if attempt = 20 then
            raise;
          end if;
        when foreign_key_violation then
          get stacked diagnostics said = message_text;
          raise warning '% stays a part of %: %', part.oid::regclass, whole, said;
          exit;
      end;
      perform pg_sleep(0.05 + 0.1 * random());
    end loop;
  end loop old;
"
    )
}

/// What a new column setting, another owner or row level security of the table say of those that are there.
fn align(v: &Values) -> String {
    let Values { said, parameters, mark, .. } = v;
    let parts = parts(v);
    format!(
        "
  -- What Postgres does not hand on to partitions.
  for part in
    select p.oid, p.oid::regclass as name, c.relowner, c.relrowsecurity, c.relforcerowsecurity, c.relreplident,
           coalesce(c.reloptions, '{{}}')
             || array(select 'toast.' || o from pg_class t, unnest(t.reloptions) o where t.oid = c.reltoastrelid) as options,
           w.relowner as owner, w.relrowsecurity as rls, w.relforcerowsecurity as forced, w.relreplident as identity
      from ({parts}) as p
      join pg_class c on c.oid = p.oid
      join pg_class w on w.oid = whole
     where p.rolled
  loop
    if obj_description(part.oid, 'pg_class') <> {said} then
      -- Another name: those that went say it too.
      for held in
        select format('comment on table %s is %L', c.oid::regclass, {said} || right(d.description, 33))
          from pg_description d
          join pg_class c on c.oid = d.objoid and c.relkind = 'r' and not c.relispartition and c.relowner = part.owner
         where d.classoid = 'pg_class'::regclass and d.objsubid = 0
           and left(d.description, -33) = obj_description(part.oid, 'pg_class')
           and not exists (select from pg_class t join pg_namespace s on s.oid = t.relnamespace
                            where t.relkind = 'p' and left(d.description, -33) = {mark} || s.nspname || '.' || t.relname || '.')
      loop
        execute held;
      end loop;
      execute format('comment on table %s is %L', part.name, {said});
    end if;
    if part.relrowsecurity <> part.rls then
      execute format('alter table %s %s row level security', part.name, case when part.rls then 'enable' else 'disable' end);
    end if;
    if part.relforcerowsecurity <> part.forced then
      execute format('alter table %s %s row level security', part.name, case when part.forced then 'force' else 'no force' end);
    end if;
    if part.relreplident <> part.identity and part.identity in ('d', 'f', 'n') then
      execute format('alter table %s replica identity %s', part.name,
        case part.identity when 'f' then 'full' when 'n' then 'nothing' else 'default' end);
    end if;
    for said in select split_part(o, '=', 1) from unnest(part.options) o where o <> all ({parameters}) loop
      execute format('alter table %s reset (%s)', part.name, said);
    end loop;
    for said in select o from unnest({parameters}) o where o <> all (part.options) loop
      execute format('alter table %s set (%s)', part.name, said);
    end loop;
    for said in
      select format('alter column %I ', a.attname) || s.change
        from pg_attribute a
        join pg_attribute b on b.attrelid = part.oid and b.attname = a.attname
       cross join lateral (
         select 'set statistics ' || coalesce(a.attstattarget, -1) as change
          where a.attstattarget is distinct from b.attstattarget
         union all
         select 'set storage ' || case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end
          where a.attstorage <> b.attstorage
         union all
         select 'set compression ' || case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' else 'default' end
          where a.attcompression <> b.attcompression
         union all
         select 'reset (' || split_part(o, '=', 1) || ')' from unnest(b.attoptions) o
          where o <> all (coalesce(a.attoptions, '{{}}'))
         union all
         select 'set (' || o || ')' from unnest(a.attoptions) o
          where o <> all (coalesce(b.attoptions, '{{}}'))
       ) s
       where a.attrelid = whole and a.attnum > 0 and not a.attisdropped
    loop
      execute format('alter table %s %s', part.name, said);
    end loop;
    -- Last: who gives a table away may change it no more.
    if part.relowner <> part.owner then
      execute format('alter table %s owner to %I', part.name, pg_get_userbyid(part.owner));
    end if;
  end loop;
  -- Those that went are as closed as their table is.
  for part in
    select c.oid::regclass as name, w.relrowsecurity as rls, w.relforcerowsecurity as forced
      from pg_description d
      join pg_class c on c.oid = d.objoid and c.relkind = 'r' and not c.relispartition
      join pg_class w on w.oid = whole and w.relowner = c.relowner
     where d.classoid = 'pg_class'::regclass and d.objsubid = 0 and left(d.description, -33) = {said}
       and (c.relrowsecurity, c.relforcerowsecurity) <> (w.relrowsecurity, w.relforcerowsecurity)
  loop
    execute format('alter table %s %s row level security, %s row level security', part.name,
      case when part.rls then 'enable' else 'disable' end, case when part.forced then 'force' else 'no force' end);
  end loop;
  return made;
end
"
    )
}
