//! Partitions that the calendar took away and nobody dropped: their rows have left the table, and are a person's, or too old, as
//! before.
//!
//! A function finds them when it is called, by the comments that the calendar left. It answers only where it can vouch for all of
//! them: a column that the table has no more may hold anything.

use super::routines::{function, table};
use crate::types::*;
use specc_catalog::ROLLED;
use specc_sql::quote::{dollar, literal, qualified};

const NAME: &str = "left_parts";

const BODY: &str = "
declare
  part regclass;
  others text;
begin
  for part in
    select c.oid
      from pg_description d
      join pg_class c on c.oid = d.objoid and c.relkind = 'r' and not c.relispartition
      join pg_class w on w.oid = whole and w.relowner = c.relowner
      join pg_namespace n on n.oid = w.relnamespace
     where d.classoid = 'pg_class'::regclass and d.objsubid = 0
       -- By the name of the table, or by the one that it had when its partitions were made.
       and starts_with(d.description, {mark}) and left(d.description, -33) in (
         select {mark} || n.nspname || '.' || w.relname || '.'
         union all
         select obj_description(i.inhrelid, 'pg_class') from pg_inherits i where i.inhparent = whole
       )
     order by c.oid
  loop
    select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
      into others
      from pg_attribute a
     where a.attrelid = part and a.attnum > 0 and not a.attisdropped
       and not exists (select from pg_attribute b where b.attrelid = whole and b.attname = a.attname and not b.attisdropped);
    if others is not null then
      raise exception '% has columns that % has no more: %', part, whole, others
        using errcode = 'object_not_in_prerequisite_state', hint = 'drop or rename them there, or drop the table, and call again';
    end if;
    select string_agg(quote_ident(u.name), ', ')
      into others
      from unnest(needed) as u (name)
     where not exists (select from pg_attribute a where a.attrelid = part and a.attname = u.name and not a.attisdropped);
    if others is not null then
      raise exception '% has no % as % has: what its rows are is not known', part, others, whole
        using errcode = 'object_not_in_prerequisite_state', hint = 'add them there and fill them, or drop the table, and call again';
    end if;
    return next part;
  end loop;
end
";

/// Whether rows may have left the table with a partition.
pub(super) fn may_leave(entity: &Entity) -> bool {
    entity.partition_by.as_ref().is_some_and(|by| by.rolls.is_some())
}

/// The function that finds them.
pub(super) fn routine(model: &Model) -> Function {
    let doc = "Partitions that the calendar took away from a table, and that are still there, where each has the columns that \
               are needed and none that the table has no more.";
    let meta = Meta { doc: Some(doc.into()), area: super::STD.into(), ..Meta::default() };
    let mut made = function(model, NAME.into(), meta, BODY.replace("{mark}", &literal(ROLLED)));
    let param = |name: &str, ty: Type| Param { mode: Default::default(), name: name.into(), ty, default: None };
    let plain = super::super::typeref::plain;
    made.params = vec![param("whole", plain("regclass")), param("needed", Type { dims: 1, ..plain("text") })];
    made.returns = Some(Returns::SetOf(plain("regclass")));
    made.volatility = Some("stable".into());
    made
}

/// What the part is called while a loop runs.
pub(super) const PART: &str = "left_part";

fn call(model: &Model, entity: &Entity, needed: &[FieldIx]) -> String {
    let mut names: Vec<String> = needed.iter().map(|at| literal(&entity.fields[*at].name)).collect();
    names.sort();
    names.dedup();
    format!(
        "{}({}, array[{}]::text[])",
        qualified(&model.options.helper_schema, NAME),
        literal(&table(entity)),
        names.join(", ")
    )
}

/// Looks at the parts that left a table, and does nothing with them.
pub(super) fn look(model: &Model, entity: &Entity, needed: &[FieldIx]) -> String {
    format!(
        "  -- What the calendar took away has no column that nobody knows.\n  perform {};\n",
        call(model, entity, needed)
    )
}

/// A loop over the parts that left a table; what is done with each calls it [`PART`].
pub(super) fn each(model: &Model, entity: &Entity, needed: &[FieldIx], act: &str) -> String {
    let parts = call(model, entity, needed);
    format!("  -- What the calendar took away.\n  for {PART} in select {parts} loop\n{act}  end loop;\n")
}

/// A statement whose pieces stand around what is given when it runs.
pub(super) fn formatted(pieces: &[&str], given: &str) -> String {
    let pieces: Vec<String> = pieces.iter().map(|piece| piece.replace('%', "%%")).collect();
    format!("format({}, {given})", dollar(&pieces.join("%s")))
}
