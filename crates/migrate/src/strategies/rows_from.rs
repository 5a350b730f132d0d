//! A new table whose rows come from a query: filled in batches and kept up by triggers until what they came from goes, or all
//! at once where nobody writes.

use crate::action_graph::{Role, Slot};
use crate::place::{NewPlace, NodeId, Planned};
use crate::planner::Builder;
use crate::schedule::Phase;
use crate::strategies::casts;
use crate::strategies::filled_table::walked_by;
use crate::strategies::in_place::backfill::{temporary_trigger, temporary_trigger_function};
use crate::strategies::in_place::table::{Chain, temporary_name};
use smol_str::SmolStr;
use specc_analysis::Target;
use specc_analysis::catalog::Known;
use specc_catalog::{Object, Qualified, RowsBranch, RowsFrom, Table, TableName, Timing, Trigger};
use specc_sql::quote::{ident, literal, qualified};
use specc_sql::{Alter, Assign, FillTable, InsertFrom, Statement};

/// One part of what a table gets.
struct Part<'d> {
    branch: &'d RowsBranch,
    source: &'d Table,
    key: Vec<&'d str>,
    set: Vec<Assign<'d>>,
    known_by: usize,
    settings: Vec<(&'static str, &'static str)>,
}

impl<'d> Builder<'d, '_> {
    /// Gives new tables their rows.
    pub(crate) fn rows_from(&mut self) -> Planned {
        let hints = self.hints;
        for &new in &self.set.added {
            let Some(Object::Table(table)) = self.to.object(new) else { continue };
            let froms: Vec<&'d RowsFrom> = hints.froms.iter().filter(|from| from.table == table.table).collect();
            if !froms.is_empty() {
                self.rows_of(new, table, &froms)?;
            }
        }
        Ok(())
    }

    fn rows_of(&mut self, new: NewPlace, table: &'d Table, froms: &[&'d RowsFrom]) -> Planned {
        let mut parts = Vec::new();
        for from in froms {
            let own: Option<Vec<Part<'d>>> =
                from.branches.iter().map(|branch| self.part(table, from, branch)).collect();
            // Beside others, rows have to be found again, to be written when their source is.
            match own.filter(|own| !own.is_empty()) {
                Some(own) if self.options.offline || own.iter().all(|part| part.known_by > 0) => parts.extend(own),
                _ => {
                    let filled = self.at_once(new, table, from);
                    self.then_goes(&table.table, &[filled])?;
                }
            }
        }
        let shared = parts.len() + froms.iter().filter(|from| from.branches.is_empty()).count() > 1;
        let made = self.nodes.with(new, &[Role::Make]);
        let slot = Slot::New(new);
        let (mut chains, mut filled) = (Vec::new(), Vec::new());
        for (at, part) in parts.iter().enumerate() {
            let mut chain = Chain::new(slot);
            if !self.options.offline {
                let followed = self.kept_up(&mut chain, table, part, at);
                chains.push(followed);
            }
            let fill = FillTable {
                table: &table.table,
                set: part.set.clone(),
                source: part.source,
                alias: Some(&part.branch.alias),
                key: part.key.clone(),
                only: part.branch.filter.as_deref(),
                known_by: part.known_by,
                done: None,
                settings: part.settings.clone(),
                quiet: false,
                shared,
                at_once: self.options.offline,
            };
            filled.push(self.fill_table(&mut chain, slot, fill));
        }
        // Rows come when the table is there, and whoever reads it waits for all of them.
        for node in self.nodes.with(slot, &[Role::After]) {
            made.iter().for_each(|&made| self.nodes.edge(made, node));
        }
        let mut last = filled.clone();
        for (function, triggers) in chains {
            for object in triggers.into_iter().chain([function]) {
                let before = *last.last().unwrap_or(&filled[0]);
                let gone = self.nodes.push(Slot::None, Role::After, Phase::CutOver, Statement::DropTemporary(object));
                self.nodes.edge(before, gone);
                filled.iter().for_each(|&filled| self.nodes.edge(filled, gone));
                last.push(gone);
            }
        }
        self.opened_when_filled(table, &filled);
        self.then_goes(&table.table, &last)
    }

    /// A part that reads one table by its key; none where that cannot be.
    fn part(&self, table: &'d Table, from: &'d RowsFrom, branch: &'d RowsBranch) -> Option<Part<'d>> {
        let source = self.from.table(&branch.table)?;
        let key = walked_by(self.from, source)?;
        let mut set = Vec::new();
        for (name, value) in from.columns.iter().zip(&branch.values) {
            let column = table.columns.iter().find(|column| column.name == *name)?;
            if self.is_volatile(value) {
                return None;
            }
            set.push(Assign { column, value: value.as_str() });
        }
        let mut known_by = 0;
        if let Some(known) = walked_by(self.to, table)
            && known.iter().all(|name| from.columns.contains(name))
        {
            known_by = known.len();
            set.sort_by_key(|assign| known.iter().position(|name| *name == assign.column.name).unwrap_or(known_by));
        }
        let fixed = branch.values.iter().chain(&branch.filter).all(|value| self.declared().is_immutable(value));
        let settings = if fixed { Vec::new() } else { casts::ALL_SETTINGS.to_vec() };
        Some(Part { branch, source, key: key.iter().map(SmolStr::as_str).collect(), set, known_by, settings })
    }

    /// All rows of a query in one statement, while nobody writes what it reads.
    fn at_once(&mut self, new: NewPlace, table: &'d Table, from: &'d RowsFrom) -> NodeId {
        let texts = Known::new(self.from.catalog);
        let query: &'d str = if from.query.is_empty() { "" } else { &from.query };
        let mut of: Vec<&'d TableName> = Vec::new();
        for found in texts.of_query(query).references {
            if let Target::Relation(name) = found.target
                && let Some(read) = self.from.table(&TableName::new(name.schema, name.name))
                && !of.contains(&&read.table)
            {
                of.push(&read.table);
            }
        }
        let columns = from.columns.iter().map(SmolStr::as_str).collect();
        let insert = InsertFrom { table: &table.table, columns, query, of };
        let made = self.nodes.with(new, &[Role::Make]);
        let node =
            self.nodes.push(Slot::New(new), Role::After, Phase::Main, Statement::Alter(Alter::InsertFrom(insert)));
        made.into_iter().for_each(|made| self.nodes.edge(made, node));
        node
    }

    /// What is written to the source from now on is written to the table too.
    fn kept_up(
        &mut self,
        chain: &mut Chain,
        table: &'d Table,
        part: &Part<'d>,
        at: usize,
    ) -> (&'d Object, Vec<&'d Object>) {
        let source = &part.source.table;
        let number = if at == 0 { String::new() } else { at.to_string() };
        let name = temporary_name(&[&table.table.name, &format!("{}{number}", source.name), "rows"]);
        let settings = part.settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let function = temporary_trigger_function(&source.schema, &name, following(table, part), settings);
        let function = self.arena.object(function);
        let called = Qualified::new(source.schema.clone(), name.clone());
        // Before those of foreign keys, which would find that rows of the table refer to what goes.
        let first = temporary_name(&["0000", &format!("{}{number}", table.table.name), "rows"]);
        let row = Trigger {
            timing: Timing::After,
            events: ["insert", "update", "delete"].map(|event| (event.into(), Vec::new())).to_vec(),
            ..temporary_trigger(source, first, called.clone())
        };
        let whole = Trigger {
            events: vec![("truncate".into(), Vec::new())],
            per_row: false,
            ..temporary_trigger(source, temporary_name(&[&name, "whole"]), called)
        };
        let triggers: Vec<&'d Object> = [row, whole].into_iter().map(|trigger| self.arena.object(trigger)).collect();
        self.add(chain, Role::After, Phase::Main, Statement::Create(function));
        for &trigger in &triggers {
            self.add(chain, Role::After, Phase::Main, Statement::Create(trigger));
            if let Object::Trigger(o) = trigger {
                self.add(chain, Role::After, Phase::Main, Statement::Alter(Alter::SetTrigger(o)));
            }
        }
        (function, triggers)
    }

    /// Nobody sees the table while only some of its rows are there.
    fn opened_when_filled(&mut self, table: &Table, filled: &[NodeId]) {
        if self.options.offline {
            return;
        }
        for (place, _, entry) in self.to.places() {
            if matches!(&entry.object, Object::Grant(o) if o.on == table.table.id()) {
                for node in self.nodes.of(place).to_vec() {
                    self.nodes[node].phase = self.nodes[node].phase.max(Phase::CutOver);
                    filled.iter().for_each(|&filled| self.nodes.edge(filled, node));
                }
            }
        }
    }

    /// What the rows came from goes after that.
    fn then_goes(&mut self, table: &TableName, after: &[NodeId]) -> Planned {
        let gone: Vec<_> = self.moving.after_table(table).cloned().collect();
        gone.iter().try_for_each(|source| self.goes_after(source, after))
    }
}

/// The values that a row of the source gives, none where it is not one of those that are taken.
fn made(part: &Part<'_>, row: &str) -> String {
    let values = part.set.iter().map(|assign| format!("{} as {}", assign.value, ident(&assign.column.name)));
    let filter = part.branch.filter.as_ref().map(|filter| format!(" where {filter}")).unwrap_or_default();
    format!(
        "select {} from (select {row}.*) as {}{filter}",
        values.collect::<Vec<_>>().join(", "),
        ident(&part.branch.alias)
    )
}

fn following(table: &Table, part: &Part<'_>) -> String {
    let to = qualified(&table.table.schema, &table.table.name);
    let name = |assign: &Assign<'_>| ident(&assign.column.name).into_owned();
    let (known, rest) = part.set.split_at(part.known_by);
    let list =
        |all: &[Assign<'_>], one: &dyn Fn(&Assign<'_>) -> String| all.iter().map(one).collect::<Vec<_>>().join(", ");
    let same = |a: &str, b: &str| {
        known.iter().map(|one| format!("{a}.{0} = {b}.{0}", name(one))).collect::<Vec<_>>().join(" and ")
    };
    let given = if rest.is_empty() {
        "do nothing".to_owned()
    } else {
        format!("do update set {}", list(rest, &|one| format!("{0} = excluded.{0}", name(one))))
    };
    let refused = literal(&format!(
        "the rows of {}.{} move to {}.{}: it cannot be truncated until that is done",
        part.source.table.schema, part.source.table.name, table.table.schema, table.table.name
    ));
    format!(
        "
#variable_conflict use_column
begin
  if tg_op = 'TRUNCATE' then
    raise exception using errcode = 'object_in_use', message = {refused};
  end if;
  if tg_op <> 'INSERT' then
    delete from {to} as there
    using ({old}) as made
    where {there}
      and (tg_op = 'DELETE' or not exists (select from ({new}) as now where {now}));
  end if;
  if tg_op <> 'DELETE' then
    insert into {to} ({columns}) overriding system value
    {new}
    on conflict ({key}) {given};
  end if;
  return null;
end
",
        old = made(part, "old"),
        new = made(part, "new"),
        there = same("there", "made"),
        now = same("now", "there"),
        columns = list(&part.set, &name),
        key = list(known, &name),
    )
}
