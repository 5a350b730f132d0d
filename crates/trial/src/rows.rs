//! Rows with the SQL of their values, to be loaded, changed a little, and tried.

use serde_json::Value;
use specc_facts::{Family, family};
use specc_model::formula::{Formula, Level, Names, Node, Row, Sql, print};
use specc_model::{Base, Entity, EntityId, FieldIx, Model, Qualified, Type};
use specc_prove::{Case, Fill};
use specc_sql::quote;
use std::collections::BTreeMap;

/// A row: the SQL of what each column gets. A column that has none is left to the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Placed {
    pub(crate) entity: EntityId,
    pub(crate) values: BTreeMap<FieldIx, String>,
}

/// No value.
pub(crate) const NULL: &str = "null";

impl Placed {
    /// The rows of a case that are there before anything is done, and the places of those of an entity.
    pub(crate) fn of(case: &Case, fill: &Fill<'_>, entity: EntityId) -> Result<(Vec<Placed>, Vec<usize>), String> {
        let mut rows = Vec::new();
        for (at, row) in case.rows.iter().enumerate() {
            rows.push(Placed { entity: row.entity, values: case.columns(fill, at)?.into_iter().collect() });
        }
        let own = (0..rows.len()).filter(|at| rows[*at].entity == entity).collect();
        Ok((rows, own))
    }

    /// What a column has: what it is given, or its default, or null.
    pub(crate) fn value(&self, model: &Model, field: FieldIx) -> String {
        if let Some(value) = self.values.get(&field) {
            return value.clone();
        }
        let default = model.entity(self.entity).fields[field].default.as_ref();
        default.map_or_else(
            || NULL.to_owned(),
            |default| format!("({})", Spelled::of(model, self.entity, &default.formula, "").0),
        )
    }

    /// Whether a column is null.
    pub(crate) fn is_null(&self, model: &Model, field: FieldIx) -> bool {
        self.value(model, field) == NULL
    }

    /// The same with other values.
    pub(crate) fn with(&self, changes: impl IntoIterator<Item = (FieldIx, String)>) -> Placed {
        let mut other = self.clone();
        other.values.extend(changes);
        other
    }

    /// The same with what another row has in some columns.
    pub(crate) fn like(&self, model: &Model, other: &Placed, fields: &[FieldIx]) -> Placed {
        self.with(fields.iter().map(|field| (*field, other.value(model, *field))))
    }

    /// Its insert.
    pub(crate) fn insert(&self, model: &Model) -> String {
        let entity = model.entity(self.entity);
        let table = specc_prove::table(model, self.entity);
        // Rows of the platform may be there.
        let kept = if entity.external { " on conflict do nothing" } else { "" };
        if self.values.is_empty() {
            return format!("insert into {table} default values{kept}");
        }
        let names: Vec<String> = self.values.keys().map(|field| column(entity, *field)).collect();
        let values: Vec<&str> = self.values.values().map(String::as_str).collect();
        let (names, values) = (names.join(", "), values.join(", "));
        format!("insert into {table} ({names}) overriding system value values ({values}){kept}")
    }

    /// A condition that it alone meets; none where its key is not known.
    pub(crate) fn found(&self, model: &Model) -> Option<String> {
        let entity = model.entity(self.entity);
        let key = entity.key.as_ref()?;
        let parts: Option<Vec<String>> = key
            .fields
            .iter()
            .map(|field| Some(format!("{} = {}", column(entity, *field), self.values.get(field)?)))
            .collect();
        parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join(" and "))
    }

    /// A query that gives the row as the table would have it, named so.
    pub(crate) fn as_record(&self, model: &Model, alias: &str) -> String {
        let entity = model.entity(self.entity);
        let pairs = (0..entity.fields.len()).filter(|field| entity.fields[*field].generated.is_none()).map(|field| {
            let value = self.value(model, field);
            let is_json = matches!(base(model, &entity.fields[field].ty), Some(Family::Json));
            let value = if is_json && value != NULL { format!("({value})::jsonb") } else { value };
            format!("{}, {value}", quote::text(&entity.fields[field].name))
        });
        let pairs: Vec<String> = pairs.collect();
        // A call has a hundred arguments at most.
        let objects: Vec<String> =
            pairs.chunks(40).map(|some| format!("jsonb_build_object({})", some.join(", "))).collect();
        let objects = if objects.is_empty() { "'{}'::jsonb".to_owned() } else { objects.join(" || ") };
        let table = specc_prove::table(model, self.entity);
        format!("jsonb_populate_record(null::{table}, {objects}) as {}", quote::ident(alias))
    }
}

/// Inserts as one statement: references are looked at when all rows are there.
pub(crate) fn together(rows: &[String]) -> String {
    let all: Vec<String> = rows.iter().enumerate().map(|(at, row)| format!("r{at} as ({row})")).collect();
    if all.is_empty() { String::new() } else { format!("with {} select", all.join(", ")) }
}

/// The tables of rows, quoted, each once.
pub(crate) fn tables<'r>(model: &Model, rows: impl IntoIterator<Item = &'r Placed>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for row in rows {
        let table = specc_prove::table(model, row.entity);
        if !all.contains(&table) {
            all.push(table);
        }
    }
    all
}

/// The name of a column, quoted.
pub(crate) fn column(entity: &Entity, field: FieldIx) -> String {
    quote::ident(&entity.fields[field].name).into_owned()
}

/// What kind of values a type has, also that of a domain; none for arrays and types of the spec.
pub(crate) fn base(model: &Model, ty: &Type) -> Option<Family> {
    match &ty.base {
        _ if ty.dims > 0 => None,
        Base::Builtin(name) => Some(family(name)),
        Base::Domain(id) => base(model, &model.domains[id.0 as usize].base),
        _ => None,
    }
}

/// How the names of a formula stand in SQL over one row.
pub(crate) struct Spelled<'m> {
    entity: &'m Entity,
    /// What stands before a column.
    before: String,
    /// Nothing in it but the row and constants.
    plain: bool,
}

impl<'m> Spelled<'m> {
    /// The SQL of a formula over a row of this name (none: columns stand alone), and whether that row is all that it reads.
    pub(crate) fn of(model: &'m Model, entity: EntityId, formula: &Formula, alias: &str) -> (String, bool) {
        let before = if alias.is_empty() { String::new() } else { format!("{}.", quote::ident(alias)) };
        let mut names = Self { entity: model.entity(entity), before, plain: true };
        let sql = print(formula, &mut names);
        (sql, names.plain)
    }
}

impl Names for Spelled<'_> {
    fn spec(&mut self, formula: &Formula) -> (String, Level) {
        if let Node::Column(Row::Scope(0), field) = &formula.node {
            return (format!("{}{}", self.before, column(self.entity, *field)), Level::ATOM);
        }
        self.plain = false;
        (NULL.to_owned(), Level::ATOM)
    }

    fn table(&mut self, _: EntityId, _: bool) -> String {
        self.plain = false;
        String::new()
    }

    fn function(&mut self, name: &Qualified, written: bool, declared: Option<usize>) -> String {
        match written || declared.is_some() {
            true => quote::qualified(&name.schema, &name.name),
            false => quote::word(&name.name).into_owned(),
        }
    }

    fn enter(&mut self, _: &Sql) {}

    fn leave(&mut self, _: &Sql) {}

    fn view(&mut self, _: usize) -> String {
        self.plain = false;
        String::new()
    }

    fn as_is(&mut self, _: &specc_model::formula::AsIs) {}
}

/// What came of a question: texts, or the SQLSTATE and what refused it.
pub type Answer = Result<Vec<Option<String>>, (String, String)>;

/// Who answers questions.
pub trait Asked {
    /// An answer to each: a query that gives one text, which is an array of JSON.
    fn ask(&mut self, questions: &[String]) -> Vec<Answer>;
}

/// The question for these expressions over rows.
pub(crate) fn question(from: &str, expressions: &[String]) -> String {
    let texts: Vec<String> = expressions.iter().map(|one| format!("({one})::text")).collect();
    format!("select to_json(array[{}]::text[])::text from {from}", texts.join(", "))
}

/// An answer as `pg_temp.specc_asked` writes it.
pub fn answer(text: &str) -> Answer {
    if let Some(rest) = text.strip_prefix("error ") {
        let (state, by) = rest.split_once(' ').unwrap_or((rest, ""));
        return Err((state.to_owned(), by.to_owned()));
    }
    match serde_json::from_str(text) {
        Ok(Value::Array(all)) => Ok(all.into_iter().map(|one| one.as_str().map(str::to_owned)).collect()),
        _ => Err((String::new(), String::new())),
    }
}
