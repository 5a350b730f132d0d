//! A case as statements for a real database.
//!
//! Rows are inserted as they are: what does not matter is filled in with any value of its type. Whoever runs it takes care
//! that no reference, check or trigger gets in the way, since a case has only the columns that decide.

use crate::case::{Case, CaseRow, Held, Step, Through};
use crate::sorts::{Source, Val};
use specc_facts::{Family, family};
use specc_model::formula::{Node, Read, Row};
use specc_model::{Base, Entity, EntityId, FieldIx, Model, Object, RuleAction, Type};
use specc_sql::quote;

/// Statements that make a case, and the one that it is about.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Inserts, for whoever row level security does not bind.
    pub rows: Vec<String>,
    /// The role of the session.
    pub role: String,
    /// The key of who asks, if anybody does.
    pub viewer: Option<String>,
    /// Claims beside it: keys and value.
    pub claims: Vec<(Vec<String>, Option<String>)>,
    /// What is done, one after the other: each touches, or reads, one row where it is allowed.
    pub statements: Vec<String>,
    /// The same where a change names no row and reads no column, so that it needs no right to read.
    pub blind: Vec<String>,
}

impl Case {
    /// The statements; none where a value cannot be given (a computed column).
    pub fn replay(&self, model: &Model) -> Option<Replay> {
        let writer = Writer { case: self, model };
        let there = self.rows.iter().enumerate().filter(|(at, _)| self.is_there(*at));
        let there = targets_first(model, there.map(|(_, row)| row).collect());
        let rows: Option<Vec<String>> = there.into_iter().map(|row| writer.insert(row, false)).collect();
        let key = model.viewer.and_then(|viewer| model.entity(viewer).key.as_ref().map(|key| (viewer, key.fields[0])));
        let (mut viewer, mut claims) = (None, Vec::new());
        for (source, held) in &self.session {
            match source {
                Source::Viewer => {
                    let (entity, field) = key?;
                    viewer = writer.raw(entity, field, held);
                }
                Source::Claim(keys) => {
                    let value = match held {
                        Held::Value(Val::Text(text)) => Some(text.to_string()),
                        Held::Value(Val::Number(_, digits)) => Some(digits.to_string()),
                        Held::Value(Val::Other(number)) => Some(format!("other {number}")),
                        Held::Value(Val::Key(entity, number)) => Some(uuid(*entity, *number)),
                        Held::Null | Held::Truth(_) => None,
                    };
                    claims.push((keys.iter().map(ToString::to_string).collect(), value));
                }
                _ => {}
            }
        }
        let mut rows = rows?;
        if self.steps.iter().any(|step| matches!(step.through, Some(Through::View(_)))) {
            rows.extend(refreshed(model));
        }
        let role = self.role.to_string();
        let all = |blind| self.steps.iter().map(|step| writer.statement(step, blind)).collect::<Option<Vec<String>>>();
        Some(Replay { rows, role, viewer, claims, statements: all(false)?, blind: all(true)? })
    }
}

struct Writer<'a> {
    case: &'a Case,
    model: &'a Model,
}

/// A key as a UUID.
fn uuid(entity: EntityId, number: u16) -> String {
    format!("{:08x}-0000-4000-8000-{:012x}", entity.0 + 1, u32::from(number) + 1)
}

impl Writer<'_> {
    fn table(&self, entity: EntityId) -> String {
        let name = &self.model.entity(entity).name;
        quote::qualified(&name.schema, &name.name)
    }

    fn statement(&self, step: &Step, blind: bool) -> Option<String> {
        let row = |at: Option<usize>| self.case.rows.get(at?);
        if step.command == RuleAction::Insert {
            return self.insert(row(step.new)?, true);
        }
        let old = row(step.old)?;
        if let Some(through) = step.through {
            return self.read_through(old, through);
        }
        let table = self.table(old.entity);
        let found = match blind && step.command != RuleAction::Select {
            true => String::new(),
            false => format!(" where {}", self.found(old)?),
        };
        Some(match step.command {
            RuleAction::Select => format!("select from {table}{found}"),
            RuleAction::Delete => format!("delete from {table}{found}"),
            RuleAction::Insert | RuleAction::Update => {
                let (entity, new) = (self.model.entity(old.entity), row(step.new)?);
                let set = new.values.iter().map(|(field, held)| match self.path(new, *field) {
                    Some(path) => Some(format!("{} = {path}", quote::ident(&entity.fields[*field].name))),
                    None => self.equals(entity, *field, Some(held)),
                });
                let mut set = set.collect::<Option<Vec<String>>>()?;
                if set.is_empty() {
                    set.push(self.equals(entity, *step.open.first()?, None)?);
                }
                format!("update {table} set {}{found}", set.join(", "))
            }
        })
    }

    /// A query of a view, or of what a function gives, for the row.
    fn read_through(&self, row: &CaseRow, through: Through) -> Option<String> {
        let (from, selects) = match through {
            Through::View(at) => {
                let name = &self.model.views[at].name;
                (quote::qualified(&name.schema, &name.name), crate::queries::selects(self.model, at))
            }
            Through::Function(at) => (self.call(at)?, &[][..]),
        };
        // Columns that are given as they are tell the row from others.
        let mut found = Vec::new();
        if let (Through::View(at), [select]) = (through, selects) {
            for ((name, _), output) in self.model.views[at].output.iter().zip(&select.output) {
                let Node::Column(Row::Query(alias, entity), field) = &output.bare().node else { continue };
                let once = select.tables.iter().filter(|from| from.of == Read::Entity(*entity)).count() == 1;
                let key = self.model.entity(*entity).key.as_ref().is_some_and(|key| key.fields.contains(field));
                if *entity == row.entity && once && key && select.tables.iter().any(|from| from.name == *alias) {
                    let value = self.value(self.model.entity(*entity), *field, self.held(row, *field).as_ref())?;
                    found.push(format!("{} = {value}", quote::ident(name)));
                }
            }
        }
        let filter = if found.is_empty() { String::new() } else { format!(" where {}", found.join(" and ")) };
        Some(format!("select from {from}{filter}"))
    }

    /// A call with the arguments of the case; null for one that does not matter.
    fn call(&self, at: usize) -> Option<String> {
        let function = &self.model.functions[at];
        let inputs = function.params.iter().enumerate().filter(|(_, param)| param.mode != "out");
        let args: Option<Vec<String>> = inputs
            .map(|(place, param)| {
                let held = self.case.session.iter().find(|(source, _)| *source == Source::Argument(at, place));
                self.argument(&param.ty, held.map(|(_, held)| held))
            })
            .collect();
        let name = quote::qualified(&function.name.schema, &function.name.name);
        Some(format!("{name}({})", args?.join(", ")))
    }

    fn argument(&self, ty: &Type, held: Option<&Held>) -> Option<String> {
        Some(match held {
            None | Some(Held::Null) => "null".to_owned(),
            Some(Held::Truth(truth)) => truth.to_string(),
            Some(held) => quote::text(&self.text(ty, held)?),
        })
    }

    /// What only this row is: it has this key, or where the table made that, these values.
    fn found(&self, row: &CaseRow) -> Option<String> {
        let entity = self.model.entity(row.entity);
        let key = entity.key.as_ref().map_or(&[][..], |key| key.fields.as_slice());
        let unknown = key.is_empty() || key.iter().any(|field| row.left.contains(field));
        let parts: Option<Vec<String>> = match unknown {
            false => key.iter().map(|field| self.equals(entity, *field, self.held(row, *field).as_ref())).collect(),
            true => {
                let known = row.values.iter().filter(|(field, held)| !row.left.contains(field) && *held != Held::Null);
                known.map(|(field, held)| self.equals(entity, *field, Some(held))).collect()
            }
        };
        parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join(" and "))
    }

    fn equals(&self, entity: &Entity, field: FieldIx, held: Option<&Held>) -> Option<String> {
        Some(format!("{} = {}", quote::ident(&entity.fields[field].name), self.value(entity, field, held)?))
    }

    /// What a column of a row holds; a key that nobody read is made of the row's number.
    fn held(&self, row: &CaseRow, field: FieldIx) -> Option<Held> {
        let held = row.values.iter().find(|(other, _)| *other == field).map(|(_, held)| held.clone());
        held.or_else(|| row.number.map(|number| Held::Value(Val::Key(row.entity, number))))
    }

    /// An insert of a row, with any value for what has to be there and does not matter.
    fn insert(&self, row: &CaseRow, by_client: bool) -> Option<String> {
        let entity = self.model.entity(row.entity);
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for (field, column) in entity.fields.iter().enumerate() {
            let held = row.values.iter().find(|(other, _)| *other == field).map(|(_, held)| held);
            if held.is_some() && column.generated.is_some() {
                return None;
            }
            let is_key = entity.key.as_ref().is_some_and(|key| key.fields.contains(&field));
            let fallback = if is_key { self.held(row, field) } else { None };
            let held = held.cloned().or(fallback);
            let needed = !column.nullable && column.default.is_none() && column.identity.is_none();
            let skipped = column.generated.is_some() || column.maintained.is_some() && by_client;
            if needed && !skipped && row.left.contains(&field) {
                return None;
            }
            if skipped || held.is_none() && !needed || row.left.contains(&field) {
                continue;
            }
            names.push(quote::ident(&column.name).into_owned());
            let path = self.path(row, field);
            values.push(path.or_else(|| self.value(entity, field, held.as_ref()))?);
        }
        let table = self.table(row.entity);
        let over = if by_client { "" } else { " overriding system value" };
        // The buckets of the spec are there.
        let kept = if by_client || !entity.external { "" } else { " on conflict do nothing" };
        Some(format!("insert into {table} ({}){over} values ({}){kept}", names.join(", "), values.join(", ")))
    }

    /// A path of which folders matter.
    fn path(&self, row: &CaseRow, field: FieldIx) -> Option<String> {
        let of = row.folders.iter().filter(|(other, ..)| *other == field);
        let deepest = of.clone().filter(|(.., held)| *held != Held::Null).map(|(_, nth, _)| *nth).max()?;
        let text = Type { base: Base::Builtin("text".into()), args: Vec::new(), dims: 0 };
        let folder = |nth: u8| match of.clone().find(|(_, other, _)| *other == nth) {
            Some((.., held)) => self.text(&text, held),
            None => Some("any".to_owned()),
        };
        let folders: Option<Vec<String>> = (1..=deepest).map(folder).collect();
        Some(quote::text(&format!("{}/file", folders?.join("/"))))
    }

    /// The SQL of a value of a column; any value where nothing is said.
    fn value(&self, entity: &Entity, field: FieldIx, held: Option<&Held>) -> Option<String> {
        let ty = &entity.fields[field].ty;
        Some(match held {
            Some(Held::Null) => "null".to_owned(),
            Some(Held::Truth(truth)) => truth.to_string(),
            Some(held) if is_time(ty) => match held {
                // The same whenever it is read, on one day.
                Held::Value(Val::Other(number)) => format!("current_date + {}", i32::from(*number) - self.now()),
                _ => quote::text(&self.raw(entity.id, field, held)?),
            },
            Some(held) => quote::text(&self.raw(entity.id, field, held)?),
            None => self.any(ty)?,
        })
    }

    /// The time of the statement among the times of the case.
    fn now(&self) -> i32 {
        let time = self.case.session.iter().find_map(|(source, held)| match (source, held) {
            (Source::Session(_), Held::Value(Val::Other(number))) => Some(i32::from(*number)),
            _ => None,
        });
        time.unwrap_or(0)
    }

    /// The text of a value.
    fn raw(&self, entity: EntityId, field: FieldIx, held: &Held) -> Option<String> {
        self.text(&self.model.entity(entity).fields[field].ty, held)
    }

    /// The text of a value of a type.
    fn text(&self, ty: &Type, held: &Held) -> Option<String> {
        let Base::Builtin(name) = &ty.base else {
            return match held {
                Held::Value(Val::Text(text)) => Some(text.to_string()),
                Held::Value(Val::Other(_)) => self.label(ty),
                _ => None,
            };
        };
        let Held::Value(value) = held else { return None };
        let family = family(name);
        Some(match value {
            Val::Text(text) => text.to_string(),
            Val::Number(_, digits) => digits.to_string(),
            Val::Key(entity, number) if family == Family::Uuid => uuid(*entity, *number),
            Val::Other(number) if family == Family::Json => format!("\"other {number}\""),
            Val::Other(number) if family == Family::Uuid => uuid(EntityId(0xffff), *number),
            Val::Key(_, number) if family.is_number() => (u32::from(*number) + 1).to_string(),
            Val::Other(number) if family.is_number() => (u32::from(*number) + 1000).to_string(),
            Val::Key(_, number) if is_time(ty) => format!("2026-01-{:02}", number % 28 + 1),
            Val::Key(entity, number) => uuid(*entity, *number),
            Val::Other(number) => format!("other {number}"),
        })
    }

    fn label(&self, ty: &Type) -> Option<String> {
        let Base::Enum(id) = ty.base else { return None };
        self.model.enums[id.0 as usize].labels.first().map(|label| label.name.to_string())
    }

    fn any(&self, ty: &Type) -> Option<String> {
        if ty.dims > 0 {
            return Some("'{}'".to_owned());
        }
        if let Base::Domain(id) = ty.base {
            return self.any(&self.model.domains[id.0 as usize].base);
        }
        let Base::Builtin(name) = &ty.base else {
            return self.label(ty).map(|label| quote::text(&label)).or_else(|| Some("'x@example.com'".to_owned()));
        };
        let value = match family(name) {
            Family::Uuid => "gen_random_uuid()",
            Family::Json => "'{}'",
            Family::Boolean => "false",
            Family::Network => "'10.0.0.1'",
            Family::Bytes => "'\\x00'",
            Family::Interval => "'1 day'",
            Family::Search => "''",
            Family::Moment => "now()",
            Family::Time => "'12:00'",
            Family::Text => "left(gen_random_uuid()::text, 8)",
            _ => "1",
        };
        Some(value.to_owned())
    }
}

/// The same rows, those first to which others refer.
fn targets_first<'c>(model: &Model, mut rows: Vec<&'c CaseRow>) -> Vec<&'c CaseRow> {
    let mut ordered = Vec::new();
    while !rows.is_empty() {
        let waits = |row: &CaseRow| {
            let refers = model.entity(row.entity).outgoing.iter().map(|id| model.relation(*id).to);
            refers.into_iter().any(|to| to != row.entity && rows.iter().any(|other| other.entity == to))
        };
        // In a circle, the first goes first.
        let at = rows.iter().position(|row| !waits(row)).unwrap_or(0);
        ordered.push(rows.remove(at));
    }
    ordered
}

/// What fills the materialized views, those first that others read.
fn refreshed(model: &Model) -> Vec<String> {
    let mut made: Vec<usize> = Vec::new();
    let all: Vec<usize> = (0..model.views.len()).collect();
    // A view reads none that reads it, so each round makes one at least.
    for _ in &all {
        for at in &all {
            let reads = |object: &Object| matches!(object, Object::View(other) if !made.contains(other));
            if !made.contains(at) && !model.views[*at].depends.iter().any(reads) {
                made.push(*at);
            }
        }
    }
    let stored = made.into_iter().map(|at| &model.views[at]).filter(|view| view.materialized);
    stored
        .map(|view| format!("refresh materialized view {}", quote::qualified(&view.name.schema, &view.name.name)))
        .collect()
}

fn is_time(ty: &Type) -> bool {
    ty.dims == 0 && matches!(&ty.base, Base::Builtin(name) if family(name) == Family::Moment)
}
