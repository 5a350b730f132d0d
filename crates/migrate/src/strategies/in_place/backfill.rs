//! Rows that are there get a value, and rows that are written until it takes effect.

use crate::action_graph::Role;
use crate::planner::Builder;
use crate::schedule::Phase;
use crate::strategies::casts;
use crate::strategies::in_place::table::{Chain, temporary_name};
use smol_str::SmolStr;
use specc_catalog::{
    Body, Catalog, Column, Constraint, DataType, Function, IdRef, Kind, Object, Qualified, Returns, Rule, Table,
    TableName, Timing, Trigger, Volatility,
};
use specc_sql::quote::{ident, qualified};
use specc_sql::{Alter, Refuse, Statement, has_equality};

/// A trigger that is there for as long as a migration takes, and its function.
pub(crate) type Temporary<'d> = (&'d Object, &'d Object);

impl<'d> Builder<'d, '_> {
    /// What the author says the rows that are there shall hold.
    pub(crate) fn backfill(&self, table: &Table, column: &Column) -> Option<&'d str> {
        self.hints.backfill(&table.table, &column.name).map(|value| self.arena.text(value.text.clone()))
    }

    /// Fills what is null, once: where the value is null too, a row that needs none is done, and one that does is named.
    pub(crate) fn fill(&mut self, chain: &mut Chain, table: &'d Table, column: &'d Column, value: &'d str) {
        let name = ident(&column.name);
        // A count is there for every row.
        let is_count = self.counts.is_new(&table.table, &column.name);
        let gives_up = !is_count && self.is_volatile(value);
        let empty = self.is_null(&name, &column.ty, false);
        let mut pending = empty.clone();
        let mut refused = empty;
        if !gives_up && !is_count && self.hints.backfill(&table.table, &column.name).is_some() {
            pending.push_str(&format!(" and ({value}) is distinct from null"));
            refused.push_str(&format!(" and ({value}) is not distinct from null"));
        }
        let refuse = (!column.nullable && !is_count).then(|| Refuse {
            columns: vec![&column.name],
            rows: self.arena.text(refused),
            key: self.key(&table.table),
        });
        let was_null = self.was_null(table, column).then(|| self.arena.text(keeps_nulls(&column.name)));
        let change = Alter::Backfill {
            table: &table.table,
            set: vec![(&column.name, value)],
            was_null,
            pending: self.arena.text(pending),
            gives_up,
            refuse,
            settings: self.settings(table, column, value).to_vec(),
            divided: table.partition_by.is_some(),
            counted: self.is_counted(&table.table, &column.name),
            at_once: self.options.one,
            joins: !is_count,
        };
        self.add(chain, Role::After, Phase::Backfill, Statement::Alter(change));
    }

    /// Whether rows that are there may hold null in the column, so that a change that is abandoned gives it back.
    fn was_null(&self, table: &Table, column: &Column) -> bool {
        let before = self.from.table(&table.table).into_iter().flat_map(|o| &o.columns);
        !self.options.offline && before.into_iter().any(|own| own.name == column.name && own.nullable)
    }

    /// A column that holds what was filled in where null was, until the change is complete.
    pub(crate) fn keep_nulls(&mut self, chain: &mut Chain, table: &'d Table, column: &'d Column) -> Option<&'d Column> {
        if !self.was_null(table, column) {
            return None;
        }
        let mut ty = column.ty.clone();
        // A domain would be asked for each row.
        while ty.dims == 0
            && let Some(at) = self.to.find(IdRef::new(Kind::Domain, &ty.schema, &ty.name))
            && let Some(Object::Domain(o)) = self.to.object(at)
        {
            ty = o.base.clone();
        }
        let kept = Column {
            name: keeps_nulls(&column.name),
            ty,
            nullable: true,
            default: None,
            identity: None,
            comment: None,
            ..column.clone()
        };
        let kept = self.arena.column(kept);
        let add = self.adding(table, kept);
        self.add(chain, Role::After, Phase::Main, add);
        Some(kept)
    }

    /// What the value reads of the session, where a trigger works it out too, in the sessions of others.
    fn settings(&self, table: &Table, column: &Column, value: &str) -> &'static [(&'static str, &'static str)] {
        let follows = self.hints.backfill(&table.table, &column.name).is_some()
            && self.filled.follows(&table.table, &column.name)
            && !self.declared().is_immutable(value);
        if follows { &casts::ALL_SETTINGS } else { &[] }
    }

    /// The columns of the primary key that a table has by now and keeps.
    pub(crate) fn key(&self, table: &TableName) -> Vec<&'d str> {
        let keys = self.to.iter().filter_map(|(id, entry)| match &entry.object {
            Object::Constraint(Constraint { table: of, rule: Rule::PrimaryKey { columns, .. }, .. }) if of == table => {
                self.from.contains(id).then_some(columns)
            }
            _ => None,
        });
        let had = |name: &str| self.from.table(table).is_some_and(|o| o.columns.iter().any(|c| c.name == name));
        let mut keys = keys.map(|columns| columns.iter().map(|c| c.as_str()).collect::<Vec<_>>());
        keys.next().filter(|columns| columns.iter().all(|name| had(name))).unwrap_or_default()
    }

    /// Where something waits for the column, rows that are written until then by who does not know it hold its value too:
    /// it is worked out when a row comes without it, and again when the row changes what it was worked out from.
    pub(crate) fn follow(
        &mut self,
        chain: &mut Chain,
        table: &'d Table,
        column: &'d Column,
        value: &str,
    ) -> Option<Temporary<'d>> {
        if !self.filled.follows(&table.table, &column.name) {
            return None;
        }
        let name = temporary_name(&[&table.table.name, &column.name, "follow"]);
        let is_null = |value: &str| self.is_null(value, &column.ty, false);
        let body = following(&table.table, column, value, is_null);
        let settings = self.settings(table, column, value).iter();
        let settings = settings.map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let function = temporary_trigger_function(&table.table.schema, &name, body, settings);
        let fires = self.fires_last(&table.table, &column.name, "follow");
        let trigger = temporary_trigger(&table.table, fires, Qualified::new(table.table.schema.clone(), name));
        let both = (self.arena.object(function), self.arena.object(trigger));
        self.keep_up(chain, both);
        Some(both)
    }

    /// Begins to run them, for what a replica applies too.
    pub(crate) fn keep_up(&mut self, chain: &mut Chain, (function, trigger): Temporary<'d>) {
        self.add(chain, Role::After, Phase::Main, Statement::Create(function));
        self.add(chain, Role::After, Phase::Main, Statement::Create(trigger));
        if let Object::Trigger(o) = trigger {
            self.add(chain, Role::After, Phase::Main, Statement::Alter(Alter::SetTrigger(o)));
        }
    }

    /// A name after those of all triggers of the table.
    pub(crate) fn fires_last(&self, table: &TableName, column: &str, what: &str) -> SmolStr {
        fires_last([self.from.catalog, self.to.catalog], table, column, what)
    }

    /// Drops them when everything has switched.
    pub(crate) fn end_following(&mut self, chain: &mut Chain, (function, trigger): Temporary<'d>) {
        self.add(chain, Role::After, Phase::CutOver, Statement::DropTemporary(trigger));
        self.add(chain, Role::After, Phase::CutOver, Statement::DropTemporary(function));
    }
}

/// A name after those of all triggers that the table, its parts or a block of SQL may have (a block says what sort of
/// thing it makes in words of its own): triggers of a row fire in the order of the bytes of their names.
pub(crate) fn fires_last(states: [&Catalog; 2], table: &TableName, column: &str, what: &str) -> SmolStr {
    let find = |name: &TableName| {
        states.iter().rev().find_map(|state| match state.get(&name.id()).map(|entry| &entry.object) {
            Some(Object::Table(table)) => Some(table),
            _ => None,
        })
    };
    let whole = |name: &TableName| find(name)?.partition_of.as_ref().map(|(whole, _)| whole);
    let is_part = |name: &TableName| std::iter::successors(Some(name), |name| whole(name)).any(|of| of == table);
    let mut last: &str = "";
    for (_, entry) in states.iter().flat_map(|state| state.iter()) {
        match &entry.object {
            Object::Trigger(o) if o.name.as_str() > last && is_part(&o.table) => last = &o.name,
            Object::Sql(o) => {
                let made = o.provides.iter().filter(|id| matches!(id.kind, Kind::Trigger | Kind::Sql));
                let names = made.flat_map(|id| [id.name.as_str(), id.part.as_str()]);
                last = names.fold(last, |a: &str, b| a.max(b));
            }
            _ => {}
        }
    }
    let mut names = ["zzzz", "~~~~", "\u{10fffd}"].map(|first| temporary_name(&[first, column, what])).into_iter();
    let fallback = names.next_back().unwrap_or_default();
    names.find(|name| name.as_str() > last).unwrap_or(fallback)
}

/// The name of the column that holds what was filled in where null was.
pub(crate) fn keeps_nulls(column: &str) -> SmolStr {
    temporary_name(&[column, "filled"])
}

fn following(table: &TableName, column: &Column, value: &str, is_null: impl Fn(&str) -> String) -> String {
    let name = ident(&column.name);
    let row = |row: &str| format!("(select {value} from (select {row}.*) {})", ident(&table.name));
    let text = if has_equality(&column.ty) { "" } else { "::pg_catalog.text" };
    let same = |a: &str, b: &str| format!("{a}{text} is not distinct from {b}{text}");
    let (kept, followed) =
        (same(&format!("new.{name}"), &format!("old.{name}")), same(&format!("old.{name}"), "value"));
    format!(
        "
#variable_conflict use_column
declare
  value {of}.{name}%type;
begin
  if tg_op = 'INSERT' then
    if {new_is_null} then
      new.{name} := {new};
    end if;
  elsif {kept} then
    -- A value that somebody gave stays.
    value := {old};
    if {old_is_null} or {followed} then
      new.{name} := {new};
    end if;
  end if;
  return new;
end
",
        of = qualified(&table.schema, &table.name),
        new = row("new"),
        old = row("old"),
        new_is_null = is_null(&format!("new.{name}")),
        old_is_null = is_null(&format!("old.{name}")),
    )
}

/// The function of a trigger that is there for as long as a migration takes. Whoever writes a row need not be allowed to
/// read what it reads, so it runs as its owner.
pub(crate) fn temporary_trigger_function(
    schema: &SmolStr,
    name: &SmolStr,
    body: String,
    settings: Vec<(SmolStr, SmolStr)>,
) -> Function {
    let path = ("search_path".into(), "pg_catalog, pg_temp".into());
    Function {
        schema: schema.clone(),
        name: name.clone(),
        procedure: false,
        params: Vec::new(),
        returns: Some(Returns::Type(DataType::builtin("trigger"))),
        language: "plpgsql".into(),
        body: Body::Text(body.into()),
        volatility: Volatility::Volatile,
        strict: false,
        parallel: None,
        leakproof: false,
        security_definer: true,
        cost: None,
        rows: None,
        settings: std::iter::once(path).chain(settings).collect(),
    }
}

/// Before a row is written, by whomever.
pub(crate) fn temporary_trigger(table: &TableName, name: SmolStr, function: Qualified) -> Trigger {
    Trigger {
        table: table.clone(),
        name,
        timing: Timing::Before,
        events: vec![("insert".into(), Vec::new()), ("update".into(), Vec::new())],
        per_row: true,
        old_table: None,
        new_table: None,
        when: None,
        function,
        args: Vec::new(),
        constraint: false,
        initially_deferred: false,
        enabled: "always".into(),
    }
}
