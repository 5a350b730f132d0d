//! Maintained values are set by the triggers that keep them and by nobody else: one guard for all of an entity.

use super::keep::{Kept, kept_by};
use super::plpgsql::{by_hand, changed, column, columns, equal, message, no_placeholders, table};
use super::{Attach, Routine, trigger_function};
use crate::structure::Room;
use specc_model::{Entity, FieldIx};
use specc_sql::quote::literal;

pub(super) fn lower(room: &mut Room, parent: &Entity) {
    let kept = kept_by(room.model, parent);
    let Some(first) = kept.first() else { return };
    let span = parent.fields[first.field].meta.span;
    let late = kept.iter().any(Kept::may_come_late);
    let comment = format!("Keeps what triggers count for {} from being set by hand.", parent.name.name);
    let filters = kept.iter().filter_map(|k| k.maintained.filter.as_deref());
    let routine = Routine::new(body(parent, &kept), comment).definer(late).reads(filters);
    let function = trigger_function(room, parent, &["guard_kept"], routine, span);

    let names = kept.iter().map(|k| parent.fields[k.field].name.clone());
    let mut reading: Vec<_> = names.collect();
    let differs: Vec<_> = kept.iter().map(|k| changed(k.model, parent, k.field)).collect();
    let start: Vec<_> =
        kept.iter().map(|k| format!("new.{} is distinct from {}", column(parent, k.field), k.zero())).collect();
    let insert = Attach::before("insert", &["kept", "start"]);
    let insert = if late { insert } else { insert.when(Some(start.join(" or "))).reading(reading.clone()) };
    insert.to(room, parent, &function, span);

    let mut keys: Vec<_> = kept.iter().flat_map(|k| k.relation.to_fields.iter().copied()).collect();
    keys.sort_unstable();
    keys.dedup();
    reading.extend(keys.iter().map(|f| parent.fields[*f].name.clone()));
    let moved: Vec<_> = keys.iter().map(|f| changed(room.model, parent, *f)).collect();
    let by_hand = by_hand(room.model, parent);
    Attach::before("update", &["kept"])
        .when(Some(format!("(({}) and {by_hand}) or {}", differs.join(" or "), moved.join(" or "))))
        .reading(reading)
        .to(room, parent, &function, span);
}

fn body(parent: &Entity, kept: &[Kept]) -> String {
    let start: Vec<_> = kept.iter().map(|k| format!("new.{} := {};", column(parent, k.field), start(k))).collect();
    let mut resets: Vec<(&[FieldIx], Vec<String>)> = Vec::new();
    for (k, set) in kept.iter().zip(&start) {
        match resets.iter_mut().find(|(keys, _)| *keys == k.relation.to_fields) {
            Some((_, sets)) => sets.push(set.clone()),
            None => resets.push((&k.relation.to_fields, vec![set.clone()])),
        }
    }
    let model = kept[0].model;
    let moved = |keys: &[FieldIx]| keys.iter().map(|f| changed(model, parent, *f)).collect::<Vec<_>>().join(" or ");
    let resets = resets
        .iter()
        .map(|(keys, sets)| format!("\n  if {} then\n    {}\n  end if;", moved(keys), sets.join("\n    ")))
        .collect::<String>();
    let by_hand = kept.iter().map(|k| {
        let (key, value) = (moved(&k.relation.to_fields), changed(k.model, parent, k.field));
        format!("\n    when not ({key}) and {value} then {}", literal(&parent.fields[k.field].name))
    });
    format!(
        "
<<guard>>
declare
  kept text;
begin
  -- A new row has nothing to count yet.
  if tg_op = 'INSERT' then
    {start}
    return new;
  end if;
  guard.kept := case{by_hand}
  end;
  if guard.kept is not null then
    raise exception {message}, guard.kept
      using errcode = 'check_violation', hint = 'leave it out: it follows the rows that it counts',
            schema = tg_table_schema, table = tg_table_name, column = guard.kept;
  end if;
  -- When a key changes, its rows leave the old key and come back under the new one, and are counted as they do.{resets}
  return new;
end
",
        start = start.join("\n    "),
        by_hand = by_hand.collect::<String>(),
        message = message(&format!("{}.% is kept by triggers and cannot be set", no_placeholders(&parent.name.name))),
    )
}

/// What a new parent starts with.
fn start(kept: &Kept) -> String {
    if !kept.may_come_late() {
        return kept.zero().to_owned();
    }
    let keys = columns(kept.model, kept.parent, &kept.relation.to_fields);
    let references = columns(kept.model, kept.child, &kept.relation.fields);
    let mut conditions = vec![equal("r", &references, "new", &keys)];
    conditions.extend(kept.filter());
    let value = match kept.summed() {
        None => "count(*)".to_owned(),
        Some(column) => format!("coalesce(sum(r.{column}), {})", kept.zero()),
    };
    format!("(select {value} from {} r where {})", table(kept.child), conditions.join(" and "))
}
