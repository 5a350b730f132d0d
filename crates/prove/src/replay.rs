//! A case as statements for a real database.
//!
//! Rows are inserted as they are: what does not matter is filled in with any value of its type. A case that is not whole
//! ([`Case::complete`]) has only the columns that decide, and whoever runs it takes care that no reference, check or trigger
//! gets in the way.

use crate::case::{Case, CaseRow, Held, Step, Through};
use crate::fill::{Fill, Samples, is_time, uuid};
use crate::matrix::Way;
use crate::shape::shaped;
use crate::sorts::{Source, Val};
use crate::whole::{is_spread, unique_columns};
use smol_str::SmolStr;
use specc_facts::{Family, family};
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

/// A column of what a statement is about, and a value.
#[derive(Clone, Debug)]
pub struct Given {
    /// Its name there.
    pub name: SmolStr,
    /// The column that it is, or that the view passes on.
    pub column: (EntityId, FieldIx),
    /// The value, as an expression.
    pub sql: String,
}

impl Given {
    fn equals(&self) -> String {
        format!("{} = {}", quote::ident(&self.name), self.sql)
    }
}

/// What a statement names and gives.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// By what a row is found; nothing: every row.
    pub found: Vec<Given>,
    /// What a new row holds, or what is changed.
    pub values: Vec<Given>,
}

impl Case {
    /// The statements; none where a value cannot be given (a computed column).
    pub fn replay(&self, model: &Model) -> Option<Replay> {
        let samples = Samples::new();
        let fill = Fill::new(model, &samples);
        let all = |keyed: Way| {
            let way = |step: &Step| if step.command == RuleAction::Insert { Way::Values } else { keyed };
            let one = |step: &Step| self.statement(&fill, step, way(step), step.old.or(step.new));
            self.steps.iter().map(one).collect::<Result<Vec<String>, String>>().ok()
        };
        let (statements, blind) = (all(Way::Keyed)?, all(Way::All)?);
        Some(Replay { statements, blind, ..self.loaded(&fill).ok()? })
    }

    /// The rows and who asks, with values as `fill` has them, and nothing that is done.
    ///
    /// # Errors
    /// The column whose value cannot be given, with the reason.
    pub fn loaded(&self, fill: &Fill<'_>) -> Result<Replay, String> {
        let writer = Writer { case: self, fill };
        let there = self.rows.iter().enumerate().filter(|(at, _)| self.is_there(*at));
        let there = targets_first(fill.model, there.collect());
        let rows: Result<Vec<String>, String> = there.into_iter().map(|(at, row)| writer.insert(row, at)).collect();
        let mut rows = rows?;
        let stored = |step: &Step| matches!(step.through, Some(Through::View(at)) if is_stored(fill.model, at, 0));
        if self.steps.iter().any(stored) {
            rows.extend(refreshed(fill.model));
        }
        let (mut viewer, mut claims) = (None, Vec::new());
        for (source, held) in &self.session {
            match source {
                Source::Viewer => {
                    viewer = match (fill.viewer(), held) {
                        (Some((entity, field)), _) => writer.raw(entity, field, held),
                        (None, Held::Value(Val::Other(number))) => Some(uuid(EntityId(0xffff), *number)),
                        (None, _) => fill.claim(source, held),
                    };
                }
                Source::Claim(keys) => {
                    let kind = self.kinds.iter().find(|(other, _)| other == source);
                    let like = kind.and_then(|(_, (entity, field))| writer.raw(*entity, *field, held));
                    let value = like.or_else(|| fill.claim(source, held));
                    claims.push((keys.iter().map(ToString::to_string).collect(), value));
                }
                _ => {}
            }
        }
        let role = self.role.to_string();
        Ok(Replay { rows, role, viewer, claims, statements: Vec::new(), blind: Vec::new() })
    }

    /// The columns of the row of this place that get a value when the owner inserts it, and the SQL of each.
    ///
    /// # Errors
    /// As [`Case::loaded`].
    pub fn columns(&self, fill: &Fill<'_>, at: usize) -> Result<Vec<(FieldIx, String)>, String> {
        let row = self.rows.get(at).ok_or("it has no row")?;
        let given = Writer { case: self, fill }.given(row, at, false)?;
        Ok(given.into_iter().map(|one| (one.column.1, one.sql)).collect())
    }

    /// A step, done in this way to the row of this place.
    ///
    /// # Errors
    /// As [`Case::loaded`].
    pub fn statement(&self, fill: &Fill<'_>, step: &Step, way: Way, row: Option<usize>) -> Result<String, String> {
        Writer { case: self, fill }.statement(step, way, row)
    }

    /// What [`Case::statement`] names and gives, for who writes it otherwise than as SQL.
    ///
    /// # Errors
    /// As [`Case::loaded`].
    pub fn named(&self, fill: &Fill<'_>, step: &Step, way: Way, row: Option<usize>) -> Result<Named, String> {
        Writer { case: self, fill }.named(step, way, row)
    }

    /// The tables of its rows, each once, in their order.
    pub fn tables(&self) -> Vec<EntityId> {
        let mut tables = Vec::new();
        for (_, row) in self.rows.iter().enumerate().filter(|(at, _)| self.is_there(*at)) {
            if !tables.contains(&row.entity) {
                tables.push(row.entity);
            }
        }
        tables
    }
}

struct Writer<'a> {
    case: &'a Case,
    fill: &'a Fill<'a>,
}

/// Schema and name of an entity's table, quoted.
pub fn table(model: &Model, entity: EntityId) -> String {
    let name = &model.entity(entity).name;
    quote::qualified(&name.schema, &name.name)
}

/// The name of a column, quoted.
fn column(entity: &Entity, field: FieldIx) -> String {
    quote::ident(&entity.fields[field].name).into_owned()
}

impl Writer<'_> {
    fn statement(&self, step: &Step, way: Way, at: Option<usize>) -> Result<String, String> {
        let named = self.named(step, way, at)?;
        let list = |given: &[Given], and: &str| given.iter().map(Given::equals).collect::<Vec<_>>().join(and);
        let found = match named.found.is_empty() {
            false => format!(" where {}", list(&named.found, " and ")),
            // Reading without a condition shows whether the row is among what is seen only by its key.
            true => String::new(),
        };
        let view = |at: usize| {
            let name = &self.fill.model.views[at].name;
            quote::qualified(&name.schema, &name.name)
        };
        if let Some(through) = step.through.filter(|_| step.command == RuleAction::Select) {
            let from = match through {
                Through::View(at) => view(at),
                Through::Function(at) => self.call(at)?,
            };
            return Ok(format!("select from {from}{found}"));
        }
        let id = self.of(step, at)?;
        let entity = self.fill.model.entity(id);
        let table = match step.through {
            Some(Through::View(at)) => view(at),
            _ => table(self.fill.model, id),
        };
        let keys = || -> Vec<String> {
            let key = entity.key.iter().flat_map(|key| &key.fields);
            key.map(|field| column(entity, *field)).collect()
        };
        Ok(match step.command {
            RuleAction::Select => format!("select from {table}{found}"),
            RuleAction::Delete => format!("delete from {table}{found}"),
            RuleAction::Insert => {
                let values = inserted(&table, &named.values, "", "");
                match way {
                    Way::Returning => format!("{values} returning {}", keys().join(", ")),
                    Way::Conflict => format!("{values} on conflict ({}) do nothing", keys().join(", ")),
                    _ => values,
                }
            }
            RuleAction::Update => format!("update {table} set {}{found}", list(&named.values, ", ")),
        })
    }

    /// The entity that a step is about.
    fn of(&self, step: &Step, at: Option<usize>) -> Result<EntityId, String> {
        let row = |at: Option<usize>| self.case.rows.get(at?);
        row(at).or_else(|| row(step.old.or(step.new))).map(|row| row.entity).ok_or_else(|| "it has no row".to_owned())
    }

    fn named(&self, step: &Step, way: Way, at: Option<usize>) -> Result<Named, String> {
        let row = at.and_then(|at| self.case.rows.get(at));
        let mut named = Named::default();
        if let Some(through) = step.through.filter(|_| step.command == RuleAction::Select) {
            if let (Through::View(view), Some(row)) = (through, row) {
                for (name, field) in crate::queries::passed_on(self.fill.model, view, row.entity) {
                    let sql = self.value(row.entity, field, self.held(row, field).as_ref(), 0)?;
                    named.found.push(Given { name: name.clone(), column: (row.entity, field), sql });
                }
            }
            return Ok(named);
        }
        let id = self.of(step, at)?;
        let entity = self.fill.model.entity(id);
        if let (Way::Keyed, Some(row)) = (way, row) {
            named.found = self.found(row)?;
        }
        match step.command {
            RuleAction::Select | RuleAction::Delete => {}
            RuleAction::Insert => {
                let (row, at) = row.zip(at).ok_or("it has no row")?;
                named.values = self.given(row, at, true)?;
            }
            RuleAction::Update => {
                let new = step.new.and_then(|at| self.case.rows.get(at)).ok_or("it changes nothing")?;
                let set = new.values.iter().map(|(field, held)| match self.path(new, *field) {
                    Some(path) => Ok(given(entity, *field, path)),
                    None => self.holds(id, *field, Some(held)),
                });
                named.values = set.collect::<Result<_, String>>()?;
                if named.values.is_empty() {
                    let unlike = unique_columns(entity);
                    let free = step.open.iter().find(|field| !unlike.contains(field));
                    let free = free.ok_or("it could change nothing but its key and what is unique")?;
                    named.values.push(self.holds(id, *free, None)?);
                }
            }
        }
        if let Some(Through::View(view)) = step.through {
            let shown = crate::queries::shown_as(self.fill.model, view, id);
            for given in [&mut named.found, &mut named.values] {
                given.retain_mut(|one| {
                    let as_shown = shown.iter().find(|(_, field)| *field == one.column.1);
                    as_shown.map(|(name, _)| one.name = SmolStr::clone(name)).is_some()
                });
            }
        }
        Ok(named)
    }

    /// A call with the arguments of the case; null for one that does not matter.
    fn call(&self, at: usize) -> Result<String, String> {
        let function = &self.fill.model.functions[at];
        let inputs = function.params.iter().enumerate().filter(|(_, param)| param.mode != "out");
        let args: Result<Vec<String>, String> = inputs
            .map(|(place, param)| {
                let held = self.case.session.iter().find(|(source, _)| *source == Source::Argument(at, place));
                let given = self.argument(at, place, &param.ty, held.map(|(_, held)| held));
                given.ok_or_else(|| format!("there is no value for `{}`", param.name))
            })
            .collect();
        let name = quote::qualified(&function.name.schema, &function.name.name);
        Ok(format!("{name}({})", args?.join(", ")))
    }

    fn argument(&self, function: usize, place: usize, ty: &Type, held: Option<&Held>) -> Option<String> {
        Some(match held {
            None | Some(Held::Null) => "null".to_owned(),
            Some(Held::Truth(truth)) => truth.to_string(),
            Some(held) => quote::text(&self.text(&Source::Argument(function, place), ty, held)?),
        })
    }

    /// What only this row is: it has this key, or where the table made that, these values.
    fn found(&self, row: &CaseRow) -> Result<Vec<Given>, String> {
        let entity = self.fill.model.entity(row.entity);
        let key = entity.key.as_ref().map_or(&[][..], |key| key.fields.as_slice());
        let unknown = key.is_empty() || key.iter().any(|field| row.left.contains(field));
        let parts: Vec<Given> = match unknown {
            false => {
                let parts = key.iter().map(|field| self.holds(row.entity, *field, self.held(row, *field).as_ref()));
                parts.collect::<Result<_, _>>()?
            }
            true => {
                let known = row.values.iter().filter(|(field, held)| !row.left.contains(field) && *held != Held::Null);
                known.map(|(field, held)| self.holds(row.entity, *field, Some(held))).collect::<Result<_, _>>()?
            }
        };
        if parts.is_empty() { Err("nothing tells its row from others".to_owned()) } else { Ok(parts) }
    }

    fn holds(&self, id: EntityId, field: FieldIx, held: Option<&Held>) -> Result<Given, String> {
        Ok(given(self.fill.model.entity(id), field, self.value(id, field, held, 0)?))
    }

    /// What a column of a row holds; a key that nobody read is made of the row's number.
    fn held(&self, row: &CaseRow, field: FieldIx) -> Option<Held> {
        let held = row.values.iter().find(|(other, _)| *other == field).map(|(_, held)| held.clone());
        held.or_else(|| row.number.map(|number| Held::Value(Val::Key(row.entity, number))))
    }

    /// The columns of a row that get a value, and the SQL of each: any value for what has to be there and does not matter.
    fn given(&self, row: &CaseRow, at: usize, by_client: bool) -> Result<Vec<Given>, String> {
        let entity = self.fill.model.entity(row.entity);
        let unlike = unique_columns(entity);
        let mut all = Vec::new();
        for (field, column_of) in entity.fields.iter().enumerate() {
            let held = row.values.iter().find(|(other, _)| *other == field).map(|(_, held)| held);
            let name = || format!("`{}.{}`", entity.name.name, column_of.name);
            if held.is_some() && column_of.generated.is_some() {
                return Err(format!("{} is computed, and a rule reads it", name()));
            }
            let is_key = entity.key.as_ref().is_some_and(|key| key.fields.contains(&field));
            let fallback = if is_key { self.held(row, field) } else { None };
            let held = held.cloned().or(fallback);
            let needed = !column_of.nullable && column_of.default.is_none() && column_of.identity.is_none();
            let skipped =
                column_of.generated.is_some() || column_of.maintained.is_some() && (by_client || held.is_none());
            if needed && !skipped && row.left.contains(&field) {
                return Err(format!("{} has no default, and `{}` cannot give it a value", name(), self.case.role));
            }
            let spread = unlike.contains(&field) && is_spread(column_of) && column_of.identity.is_none();
            if skipped || held.is_none() && !needed && !spread || row.left.contains(&field) {
                continue;
            }
            let text = |other: FieldIx| {
                let held = row.values.iter().find(|(known, _)| *known == other).map(|(_, held)| held.clone());
                let is_key = entity.key.as_ref().is_some_and(|key| key.fields.contains(&other));
                let held = held.or_else(|| self.held(row, other).filter(|_| is_key))?;
                self.raw(row.entity, other, &held)
            };
            if let Some(path) = self.path(row, field) {
                all.push(given(entity, field, path));
                continue;
            }
            let value = match held.is_none().then(|| shaped(entity, field, &text)).flatten() {
                Some(text) => quote::text(&text),
                None => self.value(row.entity, field, held.as_ref(), at)?,
            };
            all.push(given(entity, field, value));
        }
        Ok(all)
    }

    /// An insert of a row.
    fn insert(&self, row: &CaseRow, at: usize) -> Result<String, String> {
        let entity = self.fill.model.entity(row.entity);
        let given = self.given(row, at, false)?;
        // The buckets of the spec are there.
        let kept = if entity.external { " on conflict do nothing" } else { "" };
        Ok(inserted(&table(self.fill.model, row.entity), &given, " overriding system value", kept))
    }

    /// A path of which folders matter.
    fn path(&self, row: &CaseRow, field: FieldIx) -> Option<String> {
        let of = row.folders.iter().filter(|(other, ..)| *other == field);
        let deepest = of.clone().filter(|(.., held)| *held != Held::Null).map(|(_, nth, _)| *nth).max()?;
        let text = Type { base: Base::Builtin("text".into()), args: Vec::new(), dims: 0 };
        let folder = |nth: u8| match of.clone().find(|(_, other, _)| *other == nth) {
            Some((.., held)) => self.text(&Source::Field(row.entity, field), &text, held),
            None => Some("any".to_owned()),
        };
        let folders: Option<Vec<String>> = (1..=deepest).map(folder).collect();
        Some(quote::text(&format!("{}/file", folders?.join("/"))))
    }

    /// The SQL of a value of a column; any value, for the row of this place, where nothing is said.
    fn value(&self, id: EntityId, field: FieldIx, held: Option<&Held>, place: usize) -> Result<String, String> {
        let entity = self.fill.model.entity(id);
        let ty = &entity.fields[field].ty;
        let none = || format!("there is no value for `{}.{}`", entity.name.name, entity.fields[field].name);
        Ok(match held {
            Some(Held::Null) => "null".to_owned(),
            Some(Held::Truth(truth)) => truth.to_string(),
            Some(Held::List(values)) => {
                let raw = |value: &Val| self.raw(id, field, &Held::Value(value.clone()));
                let words: Vec<String> = values.iter().map(raw).collect::<Option<_>>().ok_or_else(none)?;
                let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                quote::text(&format!("{{{}}}", words.join(",")))
            }
            Some(Held::Value(Val::Other(_))) if self.fill.is_beyond(id, field) => return Err(none()),
            Some(held) if is_time(ty) => match held {
                // The same whenever it is read, on one day.
                Held::Value(Val::Other(number)) => match self.fill.checked(&Source::Field(id, field), *number) {
                    // Where the time of the statement counts, days are counted from it.
                    Some(text) if self.now().is_none() => quote::text(text),
                    _ => format!("current_date + {}", i32::from(*number) - self.now().unwrap_or(0)),
                },
                _ => quote::text(&self.raw(id, field, held).ok_or_else(none)?),
            },
            Some(held) => quote::text(&self.raw(id, field, held).ok_or_else(none)?),
            None => match (self.workflow(entity, field), self.fill.any(id, field, place)) {
                (Some(label), _) => quote::text(label),
                (None, Some(sample)) => quote::text(sample),
                (None, None) => self.any(ty, place).ok_or_else(none)?,
            },
        })
    }

    /// The state that a new row begins in.
    fn workflow<'e>(&self, entity: &'e Entity, field: FieldIx) -> Option<&'e str> {
        let workflow = entity.workflows.iter().find(|workflow| workflow.field == field)?;
        workflow.initial.first().or(workflow.states.first()).map(|label| label.as_str())
    }

    /// The time of the statement among the times of the case.
    fn now(&self) -> Option<i32> {
        self.case.session.iter().find_map(|(source, held)| match (source, held) {
            (Source::Session(_), Held::Value(Val::Other(number))) => Some(i32::from(*number)),
            _ => None,
        })
    }

    /// The text of a value of a column.
    fn raw(&self, id: EntityId, field: FieldIx, held: &Held) -> Option<String> {
        self.text(&Source::Field(id, field), &self.fill.model.entity(id).fields[field].ty, held)
    }

    /// The text of a value of a type.
    fn text(&self, source: &Source, ty: &Type, held: &Held) -> Option<String> {
        let Base::Builtin(name) = &ty.base else {
            return match held {
                Held::Value(Val::Text(text) | Val::Number(_, text)) => Some(text.to_string()),
                Held::Value(Val::Other(number)) => self.label(ty).or_else(|| Some(self.fill.other(source, *number))),
                _ => None,
            };
        };
        let Held::Value(value) = held else { return None };
        let family = family(name);
        Some(match value {
            Val::Text(text) | Val::Number(_, text) => text.to_string(),
            Val::Key(entity, number) if family == Family::Uuid => uuid(*entity, *number),
            Val::Other(number) if family == Family::Json => format!("\"other {number}\""),
            Val::Other(number) if family == Family::Uuid => uuid(EntityId(0xffff), *number),
            Val::Key(_, number) if family.is_number() => (u32::from(*number) + 1).to_string(),
            Val::Other(number) if family.is_number() => self.fill.number(source, *number)?,
            Val::Key(_, number) if is_time(ty) => format!("2026-01-{:02}", number % 28 + 1),
            Val::Key(entity, number) => {
                let key = self.fill.model.entity(*entity).key.as_ref()?.fields.first()?;
                let sample = self.fill.any(*entity, *key, usize::from(*number));
                sample.map_or_else(|| uuid(*entity, *number), str::to_owned)
            }
            Val::Other(number) => self.fill.other(source, *number),
        })
    }

    fn label(&self, ty: &Type) -> Option<String> {
        let Base::Enum(id) = ty.base else { return None };
        self.fill.model.enums[id.0 as usize].labels.first().map(|label| label.name.to_string())
    }

    /// A value of a type, another one for each place where there are others.
    fn any(&self, ty: &Type, place: usize) -> Option<String> {
        if ty.dims > 0 {
            return Some("'{}'".to_owned());
        }
        if let Base::Domain(id) = ty.base {
            return self.any(&self.fill.model.domains[id.0 as usize].base, place);
        }
        let Base::Builtin(name) = &ty.base else {
            let other = || Some(format!("'x{place}@example.com'"));
            return self.label(ty).map(|label| quote::text(&label)).or_else(other);
        };
        Some(match family(name) {
            Family::Uuid => quote::text(&uuid(EntityId(0xfffd), place as u16)),
            Family::Json => "'{}'".to_owned(),
            Family::Boolean => "false".to_owned(),
            Family::Network => "'10.0.0.1'".to_owned(),
            Family::Bytes => "'\\x00'".to_owned(),
            Family::Interval => "'1 day'".to_owned(),
            Family::Search => "''".to_owned(),
            Family::Moment => format!("current_date + {place}"),
            Family::Time => "'12:00'".to_owned(),
            Family::Text => format!("'text {place}'"),
            _ => (place + 1).to_string(),
        })
    }
}

fn given(entity: &Entity, field: FieldIx, sql: String) -> Given {
    Given { name: entity.fields[field].name.clone(), column: (entity.id, field), sql }
}

/// An insert of one row.
fn inserted(table: &str, given: &[Given], over: &str, kept: &str) -> String {
    if given.is_empty() {
        return format!("insert into {table} default values{kept}");
    }
    let names: Vec<_> = given.iter().map(|one| quote::ident(&one.name)).collect();
    let values: Vec<&str> = given.iter().map(|one| one.sql.as_str()).collect();
    format!("insert into {table} ({}){over} values ({}){kept}", names.join(", "), values.join(", "))
}

/// The same rows, those first to which others refer.
fn targets_first<'c>(model: &Model, mut rows: Vec<(usize, &'c CaseRow)>) -> Vec<(usize, &'c CaseRow)> {
    let mut ordered = Vec::new();
    while !rows.is_empty() {
        let waits = |row: &CaseRow| {
            let refers = model.entity(row.entity).outgoing.iter().map(|id| model.relation(*id).to);
            refers.into_iter().any(|to| to != row.entity && rows.iter().any(|(_, other)| other.entity == to))
        };
        // In a circle, the first goes first.
        let at = rows.iter().position(|(_, row)| !waits(row)).unwrap_or(0);
        ordered.push(rows.remove(at));
    }
    ordered
}

/// Whether what a view gives was stored before, by itself or by a view that it reads.
fn is_stored(model: &Model, at: usize, depth: usize) -> bool {
    let reads = |object: &Object| matches!(object, Object::View(other) if is_stored(model, *other, depth + 1));
    model.views[at].materialized || depth < 16 && model.views[at].depends.iter().any(reads)
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
