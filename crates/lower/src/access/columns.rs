//! Columns that only some rules open, or that a rule closes: a trigger looks at each row, since neither a grant nor a policy
//! can tell which columns of this row may be written.
//!
//! It fires before all others, so that it sees what the client sent, and lets everyone pass whom row level security does
//! not bind.
//!
//! The names in a body are looked up by whoever writes. So that she needs no right to the schema of the helpers, where she could
//! ask them about rows that are not hers, rules that call one are asked by a function that the trigger's `when` calls: what it
//! finds is in a setting by the time the body starts, and nothing runs in between.

use super::helpers::stable;
use super::policies::{Conditions, Lowered};
use crate::behaviour::plpgsql::{column, differs, distinct, indented, over, search_path, spoken, unresolved};
use crate::expr::{Folder, Frame, RowRef};
use crate::structure::functions::trigger_function;
use crate::structure::{names, table_of};
use crate::types::data_type;
use smol_str::SmolStr;
use specc_catalog::{Body, DataType, Dependency, Entry, Returns, SqlExpr, Timing, Trigger, Volatility};
use specc_model::effective::{self, Effective, Guard, GuardedColumn, PUBLIC};
use specc_model::scope::Scope;
use specc_model::{Entity, FieldIx, Model, Rule, RuleAction};
use specc_sql::quote::{ident, literal, qualified};
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
            called.extend(conditions[at].calls.iter().cloned());
        }
        // As written, nobody is given a right to call it.
        let helps = model.options.derive && called.iter().any(|id| id.schema == model.options.helper_schema);
        let asked = helps.then(|| writer.asking());
        let mut when = (guard.command == RuleAction::Update).then(|| writer.any_changed());
        let mut needs = Vec::new();
        if let Some((entry, call)) = asked {
            let id = entry.object.id();
            // Postgres asks for this right of everyone who writes, whether it is called or not.
            lowered.found.calls.push((id.clone(), vec![PUBLIC.into()]));
            needs.push(Dependency::new(id, "its condition calls this function"));
            lowered.entries.push(entry);
            when = Some(writer.asked(when, call));
            called.clear();
        }
        let word = guard.command.word();
        let function_name = names::helper(model, entity, &["columns", word]);
        let schema = model.options.helper_schema.clone();
        let mut function = trigger_function(schema, function_name, writer.body(!needs.is_empty()).into());
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
            when,
            function: name,
            args: Vec::new(),
            constraint: false,
            initially_deferred: false,
            enabled: SmolStr::default(),
        });
        entry.area = entity.meta.area.clone();
        entry.depends = needs;
        lowered.entries.push(entry);
    }
}

/// Where the rules that let a row through are, from the trigger's condition to its body.
const HOLDING: &str = "specc.holding";

/// What Postgres passes to a function.
const MOST_ARGUMENTS: usize = 100;

/// What rules ask of the rows that are written.
struct Asked {
    params: Vec<DataType>,
    /// As the trigger's condition names them.
    given: Vec<String>,
    /// All columns among that.
    columns: Vec<SmolStr>,
    /// The name of each rule that lets the rows through.
    cases: Vec<String>,
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

    /// The function that asks the rules, and how it is called in the trigger's condition.
    fn asking(&self) -> (Entry, SqlExpr) {
        let asked = self.asked_with(false, false);
        if asked.given.len() <= MOST_ARGUMENTS {
            return self.asking_with(asked);
        }
        // Where a column is computed, the new row as a whole cannot be given to a function in a trigger's condition.
        let computed = self.entity.fields.iter().any(|field| field.generated.is_some());
        self.asking_with(self.asked_with(true, !computed))
    }

    /// What the rules ask, and of what: columns, or the old and the new row as a whole.
    fn asked_with(&self, whole_old: bool, whole_new: bool) -> Asked {
        let (mut params, mut given, mut columns) = (Vec::new(), Vec::new(), Vec::new());
        let mut row = |row: &str, expr: &SqlExpr| {
            if if row == "old" { whole_old } else { whole_new } {
                let at = given.iter().position(|other| other == row).unwrap_or_else(|| {
                    let name = &self.entity.name;
                    params.push(DataType { schema: name.schema.clone(), ..DataType::builtin(name.name.clone()) });
                    columns.extend(self.entity.fields.iter().map(|field| field.name.clone()));
                    given.push(row.to_owned());
                    given.len() - 1
                });
                return format!("select ${}.*", at + 1);
            }
            // In the order of the table: a condition may be about the row as a whole.
            let fields = self.entity.fields.iter().filter(|field| expr.columns.contains(&field.name));
            let values: Vec<String> = fields
                .map(|field| {
                    // A trigger comes before what is computed.
                    let value = match field.generated.as_deref().filter(|_| row == "new") {
                        Some(expr) => format!("({})", over(self.model, self.entity, row, expr)),
                        None => format!("{row}.{}", ident(&field.name)),
                    };
                    let at = given.iter().position(|other| *other == value).unwrap_or_else(|| {
                        params.push(data_type(self.model, &field.ty));
                        columns.push(field.name.clone());
                        given.push(value);
                        given.len() - 1
                    });
                    format!("${} as {}", at + 1, ident(&field.name))
                })
                .collect();
            format!("select {}", values.join(", "))
        };
        let cases = self
            .rules()
            .into_iter()
            .map(|at| {
                let rule = &self.entity.rules[at];
                let (who, tests) = (self.members(rule), self.tests(at, &mut row));
                let tests = tests.join("\n  and ");
                let when = match (who, tests.is_empty(), rule.forbid) {
                    (None, true, _) => "true".to_owned(),
                    (None, false, _) => tests,
                    (Some(who), true, false) => who,
                    (Some(who), false, false) => format!("({who})\n  and {tests}"),
                    (Some(_), true, true) => "true".to_owned(),
                    (Some(who), false, true) => format!("not ({who})\n  or {tests}"),
                };
                format!("case when {} then {} end", indented(&when, 2), literal(&rule.name))
            })
            .collect();
        Asked { params, given, columns, cases }
    }

    fn asking_with(&self, asked: Asked) -> (Entry, SqlExpr) {
        let Asked { params, given, columns, cases } = asked;
        let whole = params.iter().any(|ty| !ty.schema.is_empty() && *ty.name == *self.entity.name.name);
        let body = format!(
            "select set_config({}, array_remove(array[\n  {}\n], null)::text, true) is not null;",
            literal(HOLDING),
            indented(&cases.join(",\n"), 2)
        );
        let word = self.guard.command.word();
        let name = names::helper(self.model, self.entity, &["columns", word, "rules"]);
        let mut function = stable(
            self.model,
            &name,
            params,
            Returns::Type(DataType::builtin("boolean")),
            Body::Atomic(body.into()),
            false,
        );
        (function.volatility, function.parallel) = (Volatility::Volatile, None);
        let called = format!("{}({})", qualified(&self.model.options.helper_schema, &name), given.join(", "));
        let mut entry = Entry::new(function);
        entry.comment =
            Some(format!("Notes the rules that let somebody {word} a row of {}.", self.entity.name.name).into());
        entry.area = self.entity.meta.area.clone();
        let conditions = || self.rules().into_iter().map(|at| &self.conditions[at]);
        let calls = conditions().flat_map(|c| &c.calls).map(|id| (id, "it calls this function"));
        let reads = conditions().flat_map(|c| &c.queried).map(|id| (id, "it reads this"));
        entry.depends = calls.chain(reads).map(|(id, why)| Dependency::new(id.clone(), why)).collect();
        if whole {
            entry.depends.push(Dependency::new(super::table_id(self.entity), "it takes its rows"));
        }
        entry.depends.sort();
        entry.depends.dedup();
        (entry, SqlExpr { text: called.into(), columns })
    }

    /// The trigger's condition: only whom row level security binds is asked, and only where it matters.
    fn asked(&self, when: Option<SqlExpr>, call: SqlExpr) -> SqlExpr {
        let table = &self.entity.name;
        let name = literal(&qualified(&table.schema, &table.name));
        let before = when.as_ref().map(|when| format!("({}) and ", when.text)).unwrap_or_default();
        let mut columns: Vec<_> = when.into_iter().flat_map(|when| when.columns).chain(call.columns).collect();
        columns.sort();
        columns.dedup();
        SqlExpr { text: format!("{before}row_security_active({name}) and {}", call.text).into(), columns }
    }

    fn body(&self, asked: bool) -> String {
        let mut out = String::from("\n#variable_conflict use_column\ndeclare\n  holding ");
        if asked {
            let _ = writeln!(out, "constant text[] := current_setting({});\nbegin", literal(HOLDING));
            self.guard.columns.iter().for_each(|column| self.column(column, &mut out));
            out.push_str("  return new;\nend\n");
            return out;
        }
        out.push_str("text[] := '{}';\nbegin\n");
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
        let tests = self.tests(at, |row, _| format!("select {row}.*"));
        let member = self.members(rule);
        let note = format!("holding := array_append(holding, {});", literal(&rule.name));
        let holds = match tests.as_slice() {
            [] => note.clone(),
            tests => format!("if {} then\n  {note}\nend if;", indented(&tests.join("\n  and "), 0)),
        };
        let text = match (member, rule.forbid) {
            (None, _) => holds,
            (Some(member), false) => format!("if {member} then\n  {}\nend if;", indented(&holds, 2)),
            (Some(member), true) => {
                format!("if {member} then\n  {}\nelse\n  {note}\nend if;", indented(&holds, 2))
            }
        };
        let _ = writeln!(out, "  {}", indented(&text, 2));
    }

    /// Whether who writes is one whom the rule is for; none where it is for everybody.
    fn members(&self, rule: &Rule) -> Option<String> {
        let roles = effective::grantees(self.model, rule);
        let roles = roles.iter().filter(|role| *role != PUBLIC);
        let member: Vec<String> = roles.map(|role| format!("pg_has_role({}, 'usage')", literal(role))).collect();
        (!member.is_empty()).then(|| member.join(" or "))
    }

    /// What the rule asks of the rows, which `row` selects by their names.
    fn tests(&self, at: usize, mut row: impl FnMut(&str, &SqlExpr) -> String) -> Vec<String> {
        let rule = &self.entity.rules[at];
        let conditions = &self.conditions[at];
        let table = ident(&self.entity.name.name).into_owned();
        let mut over = |name: &str, expr: &Option<SqlExpr>| {
            let expr = expr.as_ref().filter(|expr| expr.text != "true")?;
            let row = row(name, expr);
            Some(format!("exists (\n    select from ({row}) as {table}\n    where {}\n  )", expr.text))
        };
        // A policy without a check asks its condition of the new row too.
        let check = if conditions.check.is_some() || !rule.exact { &conditions.check } else { &conditions.using };
        let old = (self.guard.command == RuleAction::Update).then(|| over("old", &conditions.using)).flatten();
        let new = over("new", check);
        old.into_iter().chain(new).collect()
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
        (folder.fixed, folder.looked_up) = (true, true);
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
