//! What keeps a table that is made beside another one equal to it while others write.

use super::eligible::{Moves, TableMove};
use crate::action_graph::{Role, Slot};
use crate::place::NodeId;
use crate::planner::Builder;
use crate::schedule::Phase;
use crate::strategies::in_place::backfill::{temporary_trigger, temporary_trigger_function};
use crate::strategies::in_place::table::{Chain, temporary_name};
use smol_str::SmolStr;
use specc_catalog::{Index, IndexKey, Object, Qualified, Rule, TableName, Timing, Trigger};
use specc_sql::quote::{ident, qualified};
use specc_sql::{Alter, Assign, FillTable, Statement};

/// What keeps it equal.
pub(super) struct Kept<'d> {
    /// The steps that have to be done before rows are copied.
    pub made: Vec<NodeId>,
    /// What ends it.
    pub ends: Vec<Statement<'d>>,
}

impl<'d> Builder<'d, '_> {
    /// Keeps it equal from before the first row is copied. `before` is what has to be there by then.
    pub(super) fn keep_up_table(&mut self, one: &TableMove<'d>, fill: &FillTable<'d>, before: &[NodeId]) -> Kept<'d> {
        let schema = Moves::aside(&one.to.table.schema);
        let name = temporary_name(&[&one.to.table.name, "sync"]);
        let mut settings: Vec<(SmolStr, SmolStr)> = vec![("row_security".into(), "off".into())];
        settings.extend(specc_sql::BY_INDEX.iter().map(|name| ((*name).into(), "off".into())));
        settings.extend(fill.settings.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let body = self.body(one, fill);
        let function = temporary_trigger_function(&schema, &name, body, settings);
        let function = self.arena.object(function);
        let called = Qualified::new(schema, name);
        let mut chain = Chain::new(Slot::None);
        let mut made = before.to_vec();
        let mut ends = Vec::new();
        if let Some(index) = self.finds_rows(one, fill) {
            made.push(self.add(&mut chain, Role::After, Phase::Main, Statement::Create(index)));
            ends.push(Statement::DropTemporary(index));
        }
        made.push(self.add(&mut chain, Role::After, Phase::Main, Statement::Create(function)));
        before.iter().for_each(|&node| made.iter().skip(before.len()).for_each(|&own| self.nodes.edge(node, own)));
        let mut triggers = Vec::new();
        for trigger in [rows(&one.from.table, called.clone()), truncation(&one.from.table, called)] {
            let trigger = self.arena.object(trigger);
            made.push(self.add(&mut chain, Role::After, Phase::Main, Statement::Create(trigger)));
            if let Object::Trigger(o) = trigger {
                made.push(self.add(&mut chain, Role::After, Phase::Main, Statement::Alter(Alter::SetTrigger(o))));
            }
            triggers.push(Statement::DropTemporary(trigger));
        }
        // The first of them keeps all others from the old table.
        triggers.push(Statement::DropTemporary(function));
        triggers.extend(ends);
        Kept { made, ends: triggers }
    }

    /// An index by which rows are found again, where the new table has none.
    fn finds_rows(&self, one: &TableMove<'d>, fill: &FillTable<'d>) -> Option<&'d Object> {
        let leads = |columns: &[SmolStr]| {
            columns.len() >= fill.key.len()
                && columns[..fill.key.len()].iter().all(|name| fill.key.contains(&name.as_str()))
        };
        let has = self.to.iter().any(|(_, entry)| match &entry.object {
            Object::Constraint(o) if o.table == one.to.table => match &o.rule {
                Rule::PrimaryKey { columns, .. } | Rule::Unique { columns, .. } => leads(columns),
                _ => false,
            },
            Object::Index(o) if o.table == one.to.table && o.filter.is_none() && o.method == "btree" => {
                let columns: Vec<SmolStr> = o.keys.iter().map_while(|key| key.column_name().cloned()).collect();
                leads(&columns)
            }
            _ => false,
        });
        if has {
            return None;
        }
        Some(self.arena.object(Index {
            table: (*fill.table).clone(),
            name: temporary_name(&[&one.to.table.name, "known"]),
            unique: false,
            method: "btree".into(),
            keys: fill.key.iter().map(|name| IndexKey::column(SmolStr::from(*name))).collect(),
            include: Vec::new(),
            filter: None,
            options: Default::default(),
            nulls_not_distinct: false,
        }))
    }

    /// The row with the key of what was written is made as it is by now, whatever was done to it, by whomever, in which
    /// order: a row of a divided table that moves to another part is gone and there again.
    fn body(&self, one: &TableMove<'d>, fill: &FillTable<'d>) -> String {
        let source = qualified(&one.from.table.schema, &one.from.table.name);
        let source = if one.from.partition_by.is_some() { source } else { format!("only {source}") };
        let table = qualified(&fill.table.schema, &fill.table.name);
        let own = ident(&one.from.table.name);
        let row = |of: &str| fill.key.iter().map(|name| format!("{of}.{}", ident(name))).collect::<Vec<_>>();
        let is = |of: &str| {
            let all = fill.key.iter().map(|name| format!("{own}.{name} = {of}.{name}", name = ident(name)));
            all.collect::<Vec<_>>().join(" and ")
        };
        let typed = |assign: &Assign<'_>, mut value: String| {
            if !fill.is_carried(assign) {
                value.push_str("::");
                specc_sql::push_type(&mut value, &assign.column.ty);
            }
            value
        };
        let known = &fill.set[..fill.known_by];
        // The key's values are as they are, or of another type that holds all of them.
        let found = |of: &str| {
            let all = known.iter().map(|assign| {
                let name = ident(&assign.column.name);
                format!("there.{name} = {}", typed(assign, format!("{of}.{name}")))
            });
            all.collect::<Vec<_>>().join(" and ")
        };
        let made = |of: &str| {
            let values = fill.set.iter().map(|assign| fill.named(assign));
            format!("(select {} from {source} where {}) as made", values.collect::<Vec<_>>().join(", "), is(of))
        };
        let always = |assign: &&Assign<'_>| !assign.column.identity.as_ref().is_some_and(|identity| identity.0);
        let assigned = |all: &[Assign<'_>]| {
            let all = all.iter().filter(always).map(|assign| {
                let name = ident(&assign.column.name);
                format!("{name} = made.{name}")
            });
            all.collect::<Vec<_>>().join(", ")
        };
        let columns: Vec<_> = fill.set.iter().map(|assign| ident(&assign.column.name)).collect();
        let columns = columns.join(", ");
        let rest = assigned(&fill.set[fill.known_by..]);
        let written = if rest.is_empty() {
            format!("perform from {table} as there where {};", found("new"))
        } else {
            format!(
                "update {table} as there set {rest}
    from {}
    where {};",
                made("new"),
                found("new")
            )
        };
        let all = assigned(&fill.set);
        let renumbered = if all.is_empty() {
            String::new()
        } else {
            format!(
                "
    -- It is the same row under another key: what refers to it follows.
    update {table} as there set {all}
    from {}
    where {} and not exists (select from {source} where {});",
                made("new"),
                found("old"),
                is("old"),
            )
        };
        format!(
            "
#variable_conflict use_column
begin
  if tg_op = 'TRUNCATE' then
    delete from {table};
    return null;
  end if;
  if tg_op = 'UPDATE' and row({old_key}) is distinct from row({new_key}) then{renumbered}
    delete from {table} as there
    where {gone} and not exists (select from {source} where {old});
  elsif tg_op = 'DELETE' then
    delete from {table} as there
    where {gone} and not exists (select from {source} where {old});
  end if;
  if tg_op <> 'DELETE' then
    {written}
    if not found then
      insert into {table} ({columns}) overriding system value
      select {columns} from {fresh};
    end if;
  end if;
  return null;
end
",
            old_key = row("old").join(", "),
            new_key = row("new").join(", "),
            gone = found("old"),
            old = is("old"),
            fresh = made("new"),
        )
    }
}

/// A name before those of the triggers by which Postgres holds references, so that what refers to both tables is checked
/// when both have the row.
fn fires(table: &TableName) -> SmolStr {
    temporary_name(&["RI_A", &table.name, "sync"])
}

fn rows(table: &TableName, function: Qualified) -> Trigger {
    let events = ["insert", "update", "delete"].map(|event| (event.into(), Vec::new())).to_vec();
    Trigger { timing: Timing::After, events, ..temporary_trigger(table, fires(table), function) }
}

fn truncation(table: &TableName, function: Qualified) -> Trigger {
    Trigger {
        timing: Timing::After,
        events: vec![("truncate".into(), Vec::new())],
        per_row: false,
        ..temporary_trigger(table, temporary_name(&["RI_A", &table.name, "empty"]), function)
    }
}
