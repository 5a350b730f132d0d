//! Maintained counts and sums: moved by the difference that each statement makes, never recounted.
//!
//! A difference is right whoever else writes: the update of a parent waits for others that hold it and then adds to what
//! they left. Statements take the parents they change in key order, so two of them do not wait for each other.

use super::plpgsql::{
    changed, column, columns, condition, equal, list, message, no_placeholders, present, spoken, table,
};
use super::{Attach, Routine, trigger_function};
use crate::structure::tables::zero;
use crate::structure::{Room, own, table_of};
use specc_model::{Entity, FieldIx, Maintained, MaintainedFunction, Model, Relation};
use specc_sql::quote::literal;

pub(super) fn lower(room: &mut Room) {
    let model = room.model;
    for (_, entity) in own(model) {
        for (at, field) in entity.fields.iter().enumerate() {
            if let Some(maintained) = &field.maintained {
                let kept = Kept {
                    model,
                    parent: entity,
                    field: at,
                    maintained,
                    relation: model.relation(maintained.relation),
                    child: model.entity(model.relation(maintained.relation).from),
                };
                kept.guard(room);
                kept.keep(room);
            }
        }
    }
}

/// A maintained field with all that it is about.
struct Kept<'a> {
    model: &'a Model,
    parent: &'a Entity,
    field: FieldIx,
    maintained: &'a Maintained,
    relation: &'a Relation,
    child: &'a Entity,
}

impl Kept<'_> {
    /// Nobody but the triggers sets it.
    fn guard(&self, room: &mut Room) {
        let name = column(self.parent, self.field);
        let keys = self.relation.to_fields.iter().map(|f| changed(self.parent, *f));
        let key_changed = keys.collect::<Vec<_>>().join(" or ");
        let start = self.start();
        let body = format!(
            "
begin
  -- A new row has nothing to count yet. When a key changes, its rows leave the old key and come back under the new one,
  -- and are counted as they do.
  if tg_op = 'INSERT' or {key_changed} then
    new.{name} := {start};
    return new;
  end if;
  raise exception {message}
    using errcode = 'check_violation', hint = {hint},
          schema = tg_table_schema, table = tg_table_name, column = {column};
end
",
            message = message(&format!(
                "{} is kept by triggers and cannot be set",
                no_placeholders(&spoken(self.parent, self.field))
            )),
            hint = literal(&format!("leave it out: it follows {}", self.child.name.name)),
            column = literal(&self.parent.fields[self.field].name),
        );
        let meta = &self.parent.fields[self.field].meta;
        let comment = format!("Keeps {} from being set by hand.", spoken(self.parent, self.field));
        let routine = Routine::new(body, comment).definer(self.may_come_late());
        let what = ["guard", self.parent.fields[self.field].name.as_str()];
        let function = trigger_function(room, self.parent, &what, routine, meta.span);
        let trigger = ["maintained", what[1]];
        let reading = || {
            let keys = self.relation.to_fields.iter().chain([&self.field]);
            keys.map(|f| self.parent.fields[*f].name.clone()).collect::<Vec<_>>()
        };
        let insert = Attach::before("insert", &[trigger[0], trigger[1], "start"]);
        let insert = match self.may_come_late() {
            true => insert,
            false => {
                insert.when(Some(format!("new.{name} is distinct from {}", self.zero()))).reading([what[1].into()])
            }
        };
        insert.to(room, self.parent, &function, meta.span);
        // A statement of a user is at depth 0; the triggers below it are deeper.
        Attach::before("update", &trigger)
            .when(Some(format!("(old.{name} is distinct from new.{name} and pg_trigger_depth() = 0) or {key_changed}")))
            .reading(reading())
            .to(room, self.parent, &function, meta.span);
    }

    /// The rows that are counted can be there before their parent.
    fn may_come_late(&self) -> bool {
        self.relation.options.deferrable || self.relation.options.initially_deferred
    }

    /// What a new parent starts with.
    fn start(&self) -> String {
        if !self.may_come_late() {
            return self.zero().to_owned();
        }
        let keys = columns(self.parent, &self.relation.to_fields);
        let references = columns(self.child, &self.relation.fields);
        let mut conditions = vec![equal("r", &references, "new", &keys)];
        conditions.extend(self.filter());
        let value = match self.summed() {
            None => "count(*)".to_owned(),
            Some(column) => format!("coalesce(sum(r.{column}), {})", self.zero()),
        };
        format!("(select {value} from {} r where {})", table(self.child), conditions.join(" and "))
    }

    fn zero(&self) -> &'static str {
        zero(&self.parent.fields[self.field])
    }

    fn summed(&self) -> Option<String> {
        match self.maintained.function {
            MaintainedFunction::Count => None,
            MaintainedFunction::Sum => self.maintained.field.map(|f| column(self.child, f)),
        }
    }

    fn filter(&self) -> Option<String> {
        self.maintained.filter.as_ref().map(|f| condition(self.model, self.child, "r", f))
    }

    /// The triggers on what is counted.
    fn keep(&self, room: &mut Room) {
        let field = &self.parent.fields[self.field];
        let spoken = spoken(self.parent, self.field);
        let depends: Vec<_> = self.maintained.filter.iter().flat_map(|f| room.lookup.of_expr(self.model, f)).collect();
        let routine = Routine::new(self.body(), format!("Keeps {spoken} true."))
            .definer(true)
            .uses(&table_of(self.parent))
            .needs(depends);
        let function = trigger_function(room, self.parent, &["maintain", &field.name], routine, field.meta.span);
        let parent = self.parent.name.name.as_str();
        let name = |event| ["maintained", parent, field.name.as_str(), event];
        let attach = [
            Attach::after("insert", &name("insert")).statement(None, Some("changed_rows")),
            Attach::after("update", &name("update")).statement(Some("old_rows"), Some("new_rows")),
            Attach::after("delete", &name("delete")).statement(Some("changed_rows"), None),
            Attach::after("truncate", &name("truncate")).statement(None, None),
        ];
        for trigger in attach {
            trigger.to(room, self.child, &function, field.meta.span);
        }
    }

    fn body(&self) -> String {
        let name = column(self.parent, self.field);
        let references = columns(self.child, &self.relation.fields);
        let keys = columns(self.parent, &self.relation.to_fields);
        let rows = list("r", &references);
        let moved = list("m", &references);
        let mut conditions = present(self.child, "r", &self.relation.fields);
        conditions.extend(self.filter());
        let summed = self.summed();
        if let (Some(column), Some(field)) = (&summed, self.maintained.field)
            && self.child.fields[field].nullable
        {
            conditions.push(format!("r.{column} is not null"));
        }
        let filter = |indent: &str| {
            if conditions.is_empty() {
                return String::new();
            }
            format!("\n{indent}where {}", conditions.join(&format!("\n{indent}  and ")))
        };
        let (total, one, minus_one) = match &summed {
            None => ("count(*)".to_owned(), "1".to_owned(), "-1".to_owned()),
            Some(column) => (format!("sum(r.{column})"), format!("r.{column}"), format!("-r.{column}")),
        };
        format!(
            "
declare
  change record;
begin
  if tg_op = 'TRUNCATE' then
    update {parent} p set {name} = {zero} where p.{name} <> {zero};
  elsif tg_op = 'UPDATE' then
    -- What the rows were is taken away and what they are is added; most updates come out even and touch no parent.
    for change in
      select {moved}, sum(m.delta) as delta
      from (
        select {rows}, {one} as delta
        from new_rows r{inner}
        union all
        select {rows}, {minus_one}
        from old_rows r{inner}
      ) m
      group by {moved}
      having sum(m.delta) <> {zero}
      -- In key order, so that two statements never wait for each other.
      order by {moved}
    loop
      update {parent} p set {name} = p.{name} + change.delta where {this};
    end loop;
  else
    for change in
      select {rows}, case tg_op when 'INSERT' then {total} else -{total} end as delta
      from changed_rows r{outer}
      group by {rows}
      having {total} <> {zero}
      order by {rows}
    loop
      update {parent} p set {name} = p.{name} + change.delta where {this};
    end loop;
  end if;
  return null;
end
",
            parent = table(self.parent),
            zero = self.zero(),
            inner = filter("        "),
            outer = filter("      "),
            this = equal("p", &keys, "change", &references),
        )
    }
}
