//! Schemas of zod 4: what Postgres refuses of a row in JSON, a schema refuses before.
//!
//! Values are those of the API's own types ([`crate::typescript`]): a number is no text. What a schema cannot say stands in a
//! comment above it, and is returned as a list.

mod condition;
mod pattern;
mod value;

pub(crate) use pattern::javascript;

use crate::print::{key, member, text};
use crate::resolved::Type;
use crate::world::{Check, Column, Relation, RelationKind, World};
use condition::condition;
use smol_str::SmolStr;
use specc_analysis::checks::{Formula, Sort, conditions};
use specc_catalog::{Rule, Timing};
use std::fmt::Write as _;

/// The functions that every file has.
const PRELUDE: &str = include_str!("prelude.ts");

/// Writes the schemas; returns what they cannot say.
pub(crate) fn write(world: &World<'_>, out: &mut String) -> Vec<String> {
    let mut beyond = Vec::new();
    out.push_str("import { z } from \"zod\"\n\n");
    out.push_str(PRELUDE);
    out.push_str("\nconst enums = {\n");
    for schema in &world.schemas {
        let _ = writeln!(out, "  {}: {{", member(schema));
        for found in world.enums_of(schema) {
            let labels: Vec<String> = found.labels.iter().map(|label| text(label)).collect();
            let _ = writeln!(out, "    {}: z.enum([{}]),", member(&found.name), labels.join(", "));
        }
        out.push_str("  },\n");
    }
    out.push_str("}\n\n/** Schemas of each table's rows, of new rows, and of changes; of each view's rows, and of each enum. */\n");
    out.push_str("export const schemas = {\n");
    for schema in &world.schemas {
        let _ = writeln!(out, "  {}: {{", member(schema));
        for (name, tables) in [("Tables", true), ("Views", false)] {
            let _ = writeln!(out, "    {name}: {{");
            world.relations_of(schema, tables).for_each(|relation| Writer { world, relation }.write(out, &mut beyond));
            out.push_str("    },\n");
        }
        let _ = writeln!(out, "    Enums: enums{},\n  }},", at(schema));
    }
    out.push_str("}\n");
    beyond
}

/// A property of what stands before.
pub(crate) fn at(name: &str) -> String {
    let key = key(name);
    if key == name && name.is_ascii() { format!(".{name}") } else { format!("[{}]", text(name)) }
}

struct Writer<'w, 'c> {
    world: &'w World<'c>,
    relation: &'w Relation,
}

/// A condition of a check in TypeScript.
struct Said<'c> {
    check: &'c SmolStr,
    formula: Formula,
    not_valid: bool,
}

impl<'c> Writer<'_, 'c> {
    fn write(&self, out: &mut String, beyond: &mut Vec<String>) {
        let mut not_held = Vec::new();
        let said = self.conditions(&mut not_held);
        let mut columns = String::new();
        for column in &self.relation.columns {
            let schema = self.column(column, &said, &mut not_held);
            let _ = writeln!(columns, "          {}: {schema},", member(&column.name));
        }
        let name = format!("{}.{}", self.relation.name.schema, self.relation.name.name);
        beyond.extend(not_held.iter().map(|what| format!("`{name}`: {what}")));
        not_held.extend(self.elsewhere());
        let _ = writeln!(out, "      {}: (() => {{", member(&self.relation.name.name));
        if !not_held.is_empty() {
            out.push_str("        // Postgres alone knows:\n");
            for what in not_held {
                // A comment ends with its line.
                let _ = writeln!(out, "        // - {}", what.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
        let _ = write!(out, "        const c = {{\n{columns}        }}\n");
        let several = |said: &&Said<'_>| said.not_valid || said.formula.columns().len() != 1;
        let (before, now): (Vec<&Said<'_>>, Vec<&Said<'_>>) =
            said.iter().filter(several).partition(|said| said.not_valid);
        self.checks(out, "checks", &now, "");
        let written = if before.is_empty() { "checks" } else { "written" };
        if !before.is_empty() {
            self.checks(out, "written", &before, "...checks");
        }
        out.push_str("        return {\n          Row: db.row(z.object(c), checks),\n");
        for (part, is_insert) in [("Insert", true), ("Update", false)] {
            if !(if is_insert { self.relation.writes.0 } else { self.relation.writes.1 }) {
                continue;
            }
            let _ = writeln!(out, "          {part}: db.row(\n            z.strictObject({{");
            let is_table = self.relation.kind == RelationKind::Table;
            for column in self.relation.columns.iter().filter(|column| column.written) {
                let optional = !is_insert || column.optional || !is_table;
                let (own, optional) = (at(&column.name), if optional { ".optional()" } else { "" });
                let _ = writeln!(out, "              {}: c{own}{optional},", member(&column.name));
            }
            let absent = if is_insert && is_table { self.absent(&said) } else { String::new() };
            let _ = writeln!(out, "            }}),\n            {written},{absent}\n          ),");
        }
        out.push_str("        }\n      })(),\n");
    }

    /// The list of the checks of several columns.
    fn checks(&self, out: &mut String, name: &str, said: &[&Said<'_>], before: &str) {
        let mut items: Vec<String> = if before.is_empty() { Vec::new() } else { vec![before.to_owned()] };
        for one in said {
            let place = |name: &str| (format!("row{}", at(name)), self.type_of(name));
            let reads: Vec<String> = one.formula.columns().iter().map(|column| text(column)).collect();
            if let Ok(condition) = condition(&one.formula, &place) {
                items.push(format!("[{}, [{}], (row) => {condition}]", text(one.check), reads.join(", ")));
            }
        }
        match items.is_empty() {
            true => drop(writeln!(out, "        const {name}: Check[] = []")),
            false => {
                let _ = writeln!(
                    out,
                    "        const {name}: Check[] = [\n          {},\n        ]",
                    items.join(",\n          ")
                );
            }
        }
    }

    /// The conditions of the table's checks that can be said.
    fn conditions(&self, not_held: &mut Vec<String>) -> Vec<Said<'c>> {
        let mut all = Vec::new();
        if self.relation.kind != RelationKind::Table {
            return all;
        }
        for Check { name, text, not_valid } in self.world.checks(&self.relation.name) {
            let sort = |column: &str| self.sort(column);
            for read in conditions(text, &sort) {
                let place = |name: &str| (String::from("v"), self.type_of(name));
                match read {
                    Ok(formula) => match condition(&formula, &place) {
                        Ok(_) => all.push(Said { check: name, formula, not_valid }),
                        Err(why) => not_held.push(format!("the check `{name}` ({text}): {why}")),
                    },
                    Err(found) => not_held.push(format!("the check `{name}` ({}): {}", found.sql, found.why)),
                }
            }
        }
        all
    }

    fn find(&self, name: &str) -> Option<&Column> {
        self.relation.columns.iter().find(|column| column.name == name)
    }

    fn type_of(&self, name: &str) -> Type<'c> {
        let ty = self.find(name).and_then(|column| column.ty.as_ref());
        ty.map_or(Type::List(Box::new(Type::Plain("text".into(), Vec::new()))), |ty| self.world.below_domains(ty).0)
    }

    fn sort(&self, name: &str) -> Sort {
        let Some(column) = self.find(name) else { return Sort::Other };
        let Some(ty) = &column.ty else { return Sort::Other };
        let (found, domains) = self.world.below_domains(ty);
        match found.sort() {
            // In another collation, a text may be equal to one that is written otherwise.
            Sort::Text | Sort::Padded if column.collated || domains.iter().any(|domain| domain.collation.is_some()) => {
                Sort::Other
            }
            sort => sort,
        }
    }

    /// The schema of a column's values.
    fn column(&self, column: &Column, said: &[Said<'_>], not_held: &mut Vec<String>) -> String {
        let Some(ty) = &column.ty else { return "z.unknown()".to_owned() };
        let mut schema = value::schema(self.world, ty, column.nullable, &mut |what| {
            not_held.push(format!("`{}`: {what}", column.name));
        });
        let own = |said: &&Said<'_>| !said.not_valid && said.formula.columns() == [column.name.clone()];
        for one in said.iter().filter(own) {
            let place = |name: &str| ("v".to_owned(), self.type_of(name));
            if let Ok(condition) = condition(&one.formula, &place) {
                let message = text(&format!("check {}", one.check));
                let _ = write!(schema, ".refine(db.holds((v) => {condition}), {message})");
            }
        }
        schema
    }

    /// What columns have that are left out of a new row and that a check of several columns reads, as far as it is known.
    fn absent(&self, said: &[Said<'_>]) -> String {
        let mut known = Vec::new();
        for column in &self.relation.columns {
            if !column.written || !column.optional {
                continue;
            }
            let reads = |said: &Said<'_>| {
                let columns = said.formula.columns();
                (said.not_valid || columns.len() != 1) && columns.contains(&column.name)
            };
            if !said.iter().any(reads) {
                continue;
            }
            let value = match &column.default {
                None if column.nullable => Some("null".to_owned()),
                None => None,
                Some(default) => value::constant(&self.type_of(&column.name), &default.text),
            };
            known.extend(value.map(|value| format!("{}: {value}", member(&column.name))));
        }
        if known.is_empty() { String::new() } else { format!("\n            {{ {} }},", known.join(", ")) }
    }

    /// What is never held here: keys, references, triggers.
    fn elsewhere(&self) -> Vec<String> {
        let mut all = Vec::new();
        for constraint in self.world.constraints.get(&self.relation.name).into_iter().flatten() {
            all.push(match &constraint.rule {
                Rule::PrimaryKey { columns, .. } | Rule::Unique { columns, .. } => {
                    format!("whether ({}) is unique (`{}`)", columns.join(", "), constraint.name)
                }
                Rule::ForeignKey(key) => {
                    format!(
                        "whether `{}` has the row that ({}) refers to (`{}`)",
                        key.target.name,
                        key.columns.join(", "),
                        constraint.name
                    )
                }
                Rule::Exclude { .. } => format!("whether another row is in the way (`{}`)", constraint.name),
                Rule::Check { .. } => continue,
            });
        }
        let columns = specc_analysis::shape::table_columns(self.world.catalog, &self.relation.name).unwrap_or_default();
        for column in columns.into_iter().filter(|column| column.generated.is_some()) {
            all.push(format!("whether `{}` can be worked out", column.name));
        }
        for trigger in self.world.triggers.get(&self.relation.name).into_iter().flatten() {
            if trigger.timing != Timing::After
                && trigger.events.iter().any(|(event, _)| event == "insert" || event == "update")
            {
                all.push(format!("what the trigger `{}` makes of a row", trigger.name));
            }
        }
        all
    }
}
