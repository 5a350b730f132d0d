//! Columns that only some rules open, or that a rule closes: a trigger looks at each row, since neither a grant nor a policy
//! can tell which columns of this row may be written.
//!
//! It fires before all others, so that it sees what the client sent, and lets everyone pass whom row level security does
//! not bind.

use super::policies::{Conditions, Lowered};
use crate::behaviour::plpgsql::{column, differs, distinct, indented, search_path, spoken, unresolved};
use crate::expr::{Folder, Frame, RowRef};
use crate::structure::functions::trigger_function;
use crate::structure::{names, table_of};
use smol_str::SmolStr;
use specc_catalog::{Dependency, Entry, SqlExpr, Timing, Trigger};
use specc_model::effective::{self, Effective, Guard, GuardedColumn, PUBLIC};
use specc_model::scope::Scope;
use specc_model::{Entity, FieldIx, Model, Rule, RuleAction};
use specc_sql::quote::{ident, literal};
use std::fmt::Write;

pub(super) fn lower(
    model: &Model,
    entity: &Entity,
    effective: &Effective<'_>,
    conditions: &[Conditions],
    reached: &[SmolStr],
    lowered: &mut Lowered,
) {
    for guard in &effective.guards {
        let writer = Writer { model, entity, guard, conditions };
        let mut called = Vec::new();
        for at in writer.rules() {
            let grantees = effective::grantees(model, &entity.rules[at]);
            let roles = match grantees.iter().any(|role| role == PUBLIC) {
                true => reached.to_vec(),
                false => grantees,
            };
            lowered.found.calls.extend(conditions[at].calls.iter().map(|id| (id.clone(), roles.clone())));
            // A body that is text looks names up when it runs, as whoever writes.
            if conditions[at].calls.iter().any(|id| id.schema == model.options.helper_schema) {
                lowered.found.visitors.extend(roles);
            }
            called.extend(conditions[at].calls.iter().cloned());
        }
        let word = guard.command.word();
        let function_name = names::helper(model, entity, &["columns", word]);
        let schema = model.options.helper_schema.clone();
        let mut function = trigger_function(schema, function_name, writer.body().into());
        let exprs = writer.rules().into_iter().flat_map(|at| [&entity.rules[at].when, &entity.rules[at].check]);
        let formulas: Vec<_> = exprs.flatten().map(|expr| &expr.formula).collect();
        let path = search_path(model, formulas.iter().copied());
        let span = writer.rules().first().map_or(entity.meta.span, |at| entity.rules[*at].span);
        lowered.diagnostics.extend(unresolved(model, entity, formulas.into_iter(), &path, span));
        function.settings = vec![("search_path".into(), path.into())];
        let name = specc_catalog::Qualified::new(function.schema.clone(), function.name.clone());
        let mut entry = Entry::new(function);
        let list: Vec<_> = guard.columns.iter().map(|c| entity.fields[c.field].name.as_str()).collect();
        entry.comment = Some(format!("Lets rules decide who may {word} {}.", list.join(", ")).into());
        entry.area = entity.meta.area.clone();
        entry.depends = called.into_iter().map(|id| Dependency::new(id, "its body calls this function")).collect();
        entry.depends.sort();
        entry.depends.dedup();
        lowered.entries.push(entry);
        let mut entry = Entry::new(Trigger {
            table: table_of(entity),
            name: names::joined(&["aa_columns", word]),
            timing: Timing::Before,
            events: vec![(word.into(), Vec::new())],
            per_row: true,
            old_table: None,
            new_table: None,
            when: (guard.command == RuleAction::Update).then(|| writer.any_changed()),
            function: name,
            args: Vec::new(),
            constraint: false,
            initially_deferred: false,
            enabled: SmolStr::default(),
        });
        entry.area = entity.meta.area.clone();
        lowered.entries.push(entry);
    }
}

struct Writer<'a> {
    model: &'a Model,
    entity: &'a Entity,
    guard: &'a Guard<'a>,
    conditions: &'a [Conditions],
}

impl Writer<'_> {
    /// The rules that the guard asks, in the order of the spec.
    fn rules(&self) -> Vec<usize> {
        let named = |rule: &Rule| {
            self.guard
                .columns
                .iter()
                .any(|c| c.opened_by.iter().flatten().chain(&c.closed_by).any(|other| std::ptr::eq(*other, rule)))
        };
        self.entity.rules.iter().enumerate().filter(|(_, rule)| named(rule)).map(|(at, _)| at).collect()
    }

    fn any_changed(&self) -> SqlExpr {
        let fields = self.guard.columns.iter().map(|c| c.field);
        let text: Vec<String> = fields.clone().map(|field| differs(self.model, self.entity, field)).collect();
        let mut columns: Vec<SmolStr> = fields.map(|field| self.entity.fields[field].name.clone()).collect();
        columns.sort();
        SqlExpr { text: text.join(" or ").into(), columns }
    }

    fn body(&self) -> String {
        let mut out = String::from("\n#variable_conflict use_column\ndeclare\n  holding text[] := '{}';\nbegin\n");
        out.push_str("  if not row_security_active(coalesce(pg_partition_root(tg_relid), tg_relid)) then\n");
        out.push_str("    return new;\n  end if;\n");
        for at in self.rules() {
            self.rule(at, &mut out);
        }
        self.guard.columns.iter().for_each(|column| self.column(column, &mut out));
        out.push_str("  return new;\nend\n");
        out
    }

    /// Notes a rule that lets the row through: an allowing one that is for who is asking, a forbidding one that is not or
    /// is satisfied.
    fn rule(&self, at: usize, out: &mut String) {
        let rule = &self.entity.rules[at];
        let tests = self.tests(at);
        let roles = effective::grantees(self.model, rule);
        let member: Vec<String> = roles
            .iter()
            .filter(|role| *role != PUBLIC)
            .map(|role| format!("pg_has_role({}, 'usage')", literal(role)))
            .collect();
        let note = format!("holding := array_append(holding, {});", literal(&rule.name));
        let holds = match tests.as_slice() {
            [] => note.clone(),
            tests => format!("if {} then\n  {note}\nend if;", indented(&tests.join("\n  and "), 0)),
        };
        let text = match (member.is_empty(), rule.forbid) {
            (true, _) => holds,
            (false, false) => format!("if {} then\n  {}\nend if;", member.join(" or "), indented(&holds, 2)),
            (false, true) => {
                format!("if {} then\n  {}\nelse\n  {note}\nend if;", member.join(" or "), indented(&holds, 2))
            }
        };
        let _ = writeln!(out, "  {}", indented(&text, 2));
    }

    fn tests(&self, at: usize) -> Vec<String> {
        let rule = &self.entity.rules[at];
        let conditions = &self.conditions[at];
        let table = ident(&self.entity.name.name).into_owned();
        let over = |row: &str, expr: &Option<SqlExpr>| {
            let expr = expr.as_ref().filter(|expr| expr.text != "true")?;
            Some(format!("exists (\n    select from (select {row}.*) as {table}\n    where {}\n  )", expr.text))
        };
        // A policy without a check asks its condition of the new row too.
        let check = if conditions.check.is_some() || !rule.exact { &conditions.check } else { &conditions.using };
        let old = (self.guard.command == RuleAction::Update).then(|| over("old", &conditions.using)).flatten();
        old.into_iter().chain(over("new", check)).collect()
    }

    fn column(&self, guarded: &GuardedColumn<'_>, out: &mut String) {
        let names = |rules: &[&Rule]| rules.iter().map(|rule| rule.name.to_string()).collect::<Vec<_>>();
        let array = |names: &[String]| {
            let quoted: Vec<_> = names.iter().map(|name| literal(name)).collect();
            format!("array[{}]", quoted.join(", "))
        };
        if let Some(rules) = &guarded.opened_by {
            let names = names(rules);
            let said = match names.as_slice() {
                [one] => format!("rule {one} opens it, and does not let this row through"),
                many => format!("rules {} open it, and none lets this row through", many.join(", ")),
            };
            self.refuse(guarded.field, &format!("not holding && {}", array(&names)), &said, out);
        }
        for rule in &guarded.closed_by {
            let said = format!("rule {} closes it", rule.name);
            self.refuse(guarded.field, &format!("not {} = any (holding)", literal(&rule.name)), &said, out);
        }
    }

    fn refuse(&self, field: FieldIx, unless: &str, said: &str, out: &mut String) {
        let name = column(self.entity, field);
        let given = match self.guard.command {
            RuleAction::Update => Some(differs(self.model, self.entity, field)),
            _ => self.given(field),
        };
        let verb = if self.guard.command == RuleAction::Update { "changed" } else { "set" };
        let action = match given {
            Some(_) => {
                let message = format!("{} cannot be {verb}: {said}", spoken(self.entity, field));
                let table = &self.entity.name;
                format!(
                    "raise exception using\n      message = {},\n      errcode = 'insufficient_privilege',\n      schema = {}, table = {}, column = {};",
                    literal(&message),
                    literal(&table.schema),
                    literal(&table.name),
                    literal(&self.entity.fields[field].name),
                )
            }
            // Whether a value is the client's own cannot be told from one that is made anew for each row.
            None => format!("new.{name} := {};", self.default(field)),
        };
        let when = given.map_or_else(|| unless.to_owned(), |given| format!("{given} and {unless}"));
        let _ = writeln!(out, "  if {when} then\n    {action}\n  end if;");
    }

    fn default(&self, field: FieldIx) -> String {
        let default = self.entity.fields[field].default.as_ref();
        let Some(expr) = default else { return "null".to_owned() };
        let mut folder = Folder::new(self.model, Frame::of(&Scope::of(self.entity.id), &[RowRef::Bare]));
        folder.fixed = true;
        folder.text(&expr.formula)
    }

    /// Whether a new row has something else than the default; `None` where the default is another one each time.
    fn given(&self, field: FieldIx) -> Option<String> {
        let f = &self.entity.fields[field];
        let name = column(self.entity, field);
        match &f.default {
            _ if f.identity.is_some() => None,
            None => Some(format!("new.{name} is not null")),
            Some(expr) if expr.formula.is_constant() => {
                let (new, default) = (format!("new.{name}"), self.default(field));
                Some(distinct(self.model, self.entity, field, &new, &default))
            }
            Some(_) => None,
        }
    }
}
