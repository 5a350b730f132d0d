//! A case as statements for a real database.
//!
//! Rows are inserted as they are: what does not matter is filled in with any value of its type. A case that is not whole
//! ([`Case::complete`]) has only the columns that decide, and whoever runs it takes care that no reference, check or trigger
//! gets in the way.

use crate::case::{Case, CaseRow, Held, Part};
use crate::fill::{Fill, Samples, is_time, uuid};
use crate::matrix::Way;
use crate::shape::shaped;
use crate::sorts::{Source, Val};
use crate::whole::{is_spread, unique_columns};
use specc_facts::{Family, family};
use specc_model::{Base, Entity, EntityId, FieldIx, Model, RuleAction, Type};
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
    /// What is done: it touches, or reads, one row where it is allowed.
    pub statement: String,
}

impl Case {
    /// The statements; none where a value cannot be given (a computed column).
    pub fn replay(&self, model: &Model) -> Option<Replay> {
        let samples = Samples::new();
        let fill = Fill::new(model, &samples);
        let way = if self.command == RuleAction::Insert { Way::Values } else { Way::Keyed };
        let row = self.rows.iter().position(|row| row.part != Part::Other)?;
        self.loaded(&fill, self.statement(&fill, way, Some(row)).ok()?).ok()
    }

    /// The statements with one of our own, and values as `fill` has them.
    ///
    /// # Errors
    /// The column whose value cannot be given, with the reason.
    pub fn loaded(&self, fill: &Fill<'_>, statement: String) -> Result<Replay, String> {
        let writer = Writer { case: self, fill };
        let rows = self.rows.iter().enumerate().filter(|(_, row)| row.part != Part::New);
        let rows: Result<Vec<String>, String> = rows.map(|(at, row)| writer.insert(row, at)).collect();
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
                    claims.push((keys.iter().map(ToString::to_string).collect(), fill.claim(source, held)));
                }
                _ => {}
            }
        }
        Ok(Replay { rows: rows?, role: self.role.to_string(), viewer, claims, statement })
    }

    /// What is done, in this way, to the row of this place.
    ///
    /// # Errors
    /// As [`Case::loaded`].
    pub fn statement(&self, fill: &Fill<'_>, way: Way, row: Option<usize>) -> Result<String, String> {
        Writer { case: self, fill }.statement(way, row)
    }

    /// The tables of its rows, each once, in their order.
    pub fn tables(&self) -> Vec<EntityId> {
        let mut tables = Vec::new();
        for row in self.rows.iter().filter(|row| row.part != Part::New) {
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
    fn statement(&self, way: Way, at: Option<usize>) -> Result<String, String> {
        let row = at.and_then(|at| self.case.rows.get(at));
        let id = row.or(self.case.written()).map(|row| row.entity).ok_or("it has no row")?;
        let entity = self.fill.model.entity(id);
        let table = table(self.fill.model, id);
        let found = match (way, row) {
            (Way::Keyed, Some(row)) => format!(" where {}", self.found(row)?),
            _ => String::new(),
        };
        let keys = || -> Vec<String> {
            let key = entity.key.iter().flat_map(|key| &key.fields);
            key.map(|field| column(entity, *field)).collect()
        };
        Ok(match self.case.command {
            RuleAction::Select => format!("select from {table}{found}"),
            RuleAction::Delete => format!("delete from {table}{found}"),
            RuleAction::Insert => {
                let (row, at) = row.zip(at).ok_or("it has no row")?;
                let values = self.insert(row, at)?;
                match way {
                    Way::Returning => format!("{values} returning {}", keys().join(", ")),
                    Way::Conflict => format!("{values} on conflict ({}) do nothing", keys().join(", ")),
                    _ => values,
                }
            }
            RuleAction::Update => {
                let new = self.case.rows.iter().find(|row| row.part == Part::New).ok_or("it changes nothing")?;
                let set: Result<Vec<String>, String> = new
                    .values
                    .iter()
                    .map(|(field, held)| {
                        Ok(format!("{} = {}", column(entity, *field), self.value(id, *field, Some(held), 0)?))
                    })
                    .collect();
                let set = set?;
                if set.is_empty() {
                    return Err("it could change nothing but its key and what is unique".to_owned());
                }
                format!("update {table} set {}{found}", set.join(", "))
            }
        })
    }

    /// The row by what it holds: a key that matters is among that.
    fn found(&self, row: &CaseRow) -> Result<String, String> {
        let entity = self.fill.model.entity(row.entity);
        let key = entity.key.as_ref().ok_or("its table has no key")?;
        let parts: Result<Vec<String>, String> = key
            .fields
            .iter()
            .map(|field| {
                let held = self.held(row, *field);
                Ok(format!("{} = {}", column(entity, *field), self.value(row.entity, *field, held.as_ref(), 0)?))
            })
            .collect();
        Ok(parts?.join(" and "))
    }

    /// What a column of a row holds; a key that nobody read is made of the row's number.
    fn held(&self, row: &CaseRow, field: FieldIx) -> Option<Held> {
        let held = row.values.iter().find(|(other, _)| *other == field).map(|(_, held)| held.clone());
        held.or_else(|| row.number.map(|number| Held::Value(Val::Key(row.entity, number))))
    }

    /// An insert of a row, with any value for what has to be there and does not matter.
    fn insert(&self, row: &CaseRow, at: usize) -> Result<String, String> {
        let entity = self.fill.model.entity(row.entity);
        let unlike = unique_columns(entity);
        let (mut names, mut values) = (Vec::new(), Vec::new());
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
            let skipped = column_of.generated.is_some()
                || column_of.maintained.is_some() && (row.part == Part::New || held.is_none());
            if needed && !skipped && row.left.contains(&field) {
                return Err(format!("{} has no default, and `{}` cannot give it a value", name(), self.case.role));
            }
            let spread = unlike.contains(&field) && is_spread(column_of) && column_of.identity.is_none();
            if skipped || held.is_none() && !needed && !spread || row.left.contains(&field) {
                continue;
            }
            names.push(column(entity, field));
            let text = |other: FieldIx| {
                let held = row.values.iter().find(|(known, _)| *known == other).map(|(_, held)| held.clone());
                let is_key = entity.key.as_ref().is_some_and(|key| key.fields.contains(&other));
                let held = held.or_else(|| self.held(row, other).filter(|_| is_key))?;
                self.raw(row.entity, other, &held)
            };
            values.push(match held.is_none().then(|| shaped(entity, field, &text)).flatten() {
                Some(text) => quote::text(&text),
                None => self.value(row.entity, field, held.as_ref(), at)?,
            });
        }
        let table = table(self.fill.model, row.entity);
        let over = if row.part == Part::New { "" } else { " overriding system value" };
        if names.is_empty() {
            return Ok(format!("insert into {table} default values"));
        }
        Ok(format!("insert into {table} ({}){over} values ({})", names.join(", "), values.join(", ")))
    }

    /// The SQL of a value of a column; any value, for the row of this place, where nothing is said.
    fn value(&self, id: EntityId, field: FieldIx, held: Option<&Held>, place: usize) -> Result<String, String> {
        let entity = self.fill.model.entity(id);
        let ty = &entity.fields[field].ty;
        let none = || format!("there is no value for `{}.{}`", entity.name.name, entity.fields[field].name);
        Ok(match held {
            Some(Held::Null) => "null".to_owned(),
            Some(Held::Truth(truth)) => truth.to_string(),
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

    /// The text of a value.
    fn raw(&self, id: EntityId, field: FieldIx, held: &Held) -> Option<String> {
        let ty = &self.fill.model.entity(id).fields[field].ty;
        let source = Source::Field(id, field);
        let Base::Builtin(name) = &ty.base else {
            return match held {
                Held::Value(Val::Text(text)) => Some(text.to_string()),
                Held::Value(Val::Other(number)) => self.label(ty).or_else(|| Some(self.fill.other(&source, *number))),
                _ => None,
            };
        };
        let Held::Value(value) = held else { return None };
        let family = family(name);
        Some(match value {
            Val::Text(text) => text.to_string(),
            Val::Number(_, digits) => digits.to_string(),
            Val::Key(entity, number) if family == Family::Uuid => uuid(*entity, *number),
            Val::Other(number) if family == Family::Uuid => uuid(EntityId(0xffff), *number),
            Val::Key(_, number) if family.is_number() => (u32::from(*number) + 1).to_string(),
            Val::Other(number) if family.is_number() => self.fill.number(id, field, *number)?,
            Val::Key(_, number) if is_time(ty) => format!("2026-01-{:02}", number % 28 + 1),
            Val::Key(entity, number) => {
                let key = self.fill.model.entity(*entity).key.as_ref()?.fields.first()?;
                let sample = self.fill.any(*entity, *key, usize::from(*number));
                sample.map_or_else(|| uuid(*entity, *number), str::to_owned)
            }
            Val::Other(number) => self.fill.other(&source, *number),
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
