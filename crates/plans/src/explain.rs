//! Queries explained as the roles that ask.

use crate::plan::{Node, read};
use crate::{PATIENCE, said};
use serde_json::{Map, Value};
use specc_model::{Model, Query, QueryParam, Target};
use specc_postgres::{Database, Session as Connection};
use specc_size::{Edge, Sizes};
use specc_sql::quote::{ident, literal};
use specc_verify::ScratchError;
use std::collections::BTreeMap;

/// A query and its plan, or why Postgres does not plan it.
#[derive(Clone, Debug)]
pub struct Planned<'m> {
    /// The query.
    pub query: &'m Query,
    /// Its plan.
    pub plan: Result<Node, String>,
}

/// Explains every query of a spec.
///
/// # Errors
/// Where the server breaks.
pub fn plan_all<'m>(database: &Database, model: &'m Model, sizes: &Sizes) -> Result<Vec<Planned<'m>>, ScratchError> {
    let mut session = Session::new(database, model, sizes);
    model.queries.iter().map(|query| Ok(Planned { query, plan: session.plan(query)? })).collect()
}

/// What `explain (format json)` says.
pub(crate) fn explained(
    connection: &mut Connection,
    statement: &str,
) -> Result<Value, specc_postgres::postgres::Error> {
    let mut all = String::new();
    for row in connection.simple_query(statement)? {
        if let specc_postgres::postgres::SimpleQueryMessage::Row(row) = row {
            all.push_str(row.get(0).unwrap_or_default());
            all.push('\n');
        }
    }
    Ok(serde_json::from_str(&all).unwrap_or_default())
}

/// Who explains: a connection for each role.
pub struct Session<'s> {
    database: &'s Database,
    asks: Asks<'s>,
    roles: BTreeMap<String, Connection>,
}

/// How a query is asked.
#[derive(Clone, Copy)]
pub(crate) struct Asks<'s> {
    pub model: &'s Model,
    pub sizes: &'s Sizes,
}

const NAME: &str = "specc_query";

impl<'s> Session<'s> {
    /// Over a database whose planner has been told of the sizes.
    pub fn new(database: &'s Database, model: &'s Model, sizes: &'s Sizes) -> Self {
        Self { database, asks: Asks { model, sizes }, roles: BTreeMap::new() }
    }

    /// The plan of a query, or what Postgres says instead.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn plan(&mut self, query: &Query) -> Result<Result<Node, String>, ScratchError> {
        let text = self.asks.statements(query);
        let connection = match self.roles.entry(query.role.to_string()) {
            std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => match self.database.connect_as(&query.role) {
                Ok(connection) => free.insert(connection),
                Err(error) => return Ok(Err(error.to_string())),
            },
        };
        let [before, prepare, explain] = text;
        let run = |connection: &mut Connection| {
            connection.batch_execute(&before)?;
            connection.batch_execute(&prepare)?;
            explained(connection, &explain)
        };
        let found = run(connection);
        // What was prepared outlives its transaction.
        connection.batch_execute("rollback; deallocate all").map_err(|error| said(&error))?;
        match found {
            Ok(text) => Ok(read(&text).ok_or_else(|| "the plan could not be read".to_owned())),
            Err(error) => match error.as_db_error() {
                Some(db) => Ok(Err(db.message().to_owned())),
                None => Err(said(&error)),
            },
        }
    }
}

impl Asks<'_> {
    fn statements(&self, query: &Query) -> [String; 3] {
        let types = self.types(query);
        let usual = query.params.iter().any(|param| param.usual.is_some());
        let values: Option<Vec<String>> =
            query.params.iter().map(|param| self.value(param)).collect::<Option<_>>().filter(|_| usual);
        let mode = if values.is_some() { "force_custom_plan" } else { "force_generic_plan" };
        let nulls = || query.params.iter().map(|_| "null".to_owned()).collect();
        let values: Vec<String> = values.unwrap_or_else(nulls);
        let values = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
        let before = format!(
            "begin; set local statement_timeout = '{PATIENCE}'; set local plan_cache_mode = {mode}; \
             set local search_path = {}; {}",
            self.path(),
            self.identity(query, self.viewer()),
        );
        let prepare = format!("prepare {NAME}{types} as {}", query.statement);
        [before, prepare, format!("explain (format json, verbose) execute {NAME}{values}")]
    }

    /// The types of its parameters, in brackets, where it has some.
    pub(crate) fn types(&self, query: &Query) -> String {
        let types: Vec<String> = query
            .params
            .iter()
            .map(|param| {
                let mut text = String::new();
                specc_sql::push_type(&mut text, &param.ty.data_type(self.model));
                text
            })
            .collect();
        if types.is_empty() { String::new() } else { format!("({})", types.join(", ")) }
    }

    /// Where names are looked up: as the API does it.
    pub(crate) fn path(&self) -> String {
        let options = &self.model.options;
        let extensions = self.model.extensions.iter().filter_map(|extension| extension.schema.clone());
        let mut all = vec![options.default_schema.clone()];
        all.extend(extensions);
        if options.target == Target::Supabase {
            all.push("extensions".into());
        }
        let mut seen: Vec<String> = Vec::new();
        for name in all.iter().map(|name| ident(name).to_string()) {
            if !seen.contains(&name) {
                seen.push(name);
            }
        }
        seen.join(", ")
    }

    /// What the session says of who asks, by the key of a row of the viewer's entity.
    pub(crate) fn identity(&self, query: &Query, viewer: Option<String>) -> String {
        let options = &self.model.options;
        let viewer = viewer.filter(|_| query.role != "anon");
        let more = query.claims.as_ref().and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
        let mut claims = Map::new();
        claims.insert("role".to_owned(), query.role.as_str().into());
        claims.extend(viewer.clone().map(|key| ("sub".to_owned(), Value::from(key))));
        claims.extend(more.into_iter().flatten());
        let set = |name: &str, value: &str| format!("select set_config({}, {}, true)", literal(name), literal(value));
        let mut all = vec![set(&options.claims_setting, &Value::Object(claims).to_string())];
        if options.target == Target::Postgres {
            all.push(set(&options.viewer_setting, viewer.as_deref().unwrap_or_default()));
        }
        all.join("; ")
    }

    fn viewer(&self) -> Option<String> {
        let entity = self.model.entity(self.model.viewer?);
        let key = &entity.fields[*entity.key.as_ref()?.fields.first()?];
        let name = specc_catalog::Qualified::new(entity.name.schema.clone(), entity.name.name.clone());
        let rows = self.sizes.tables.get(&name).map_or(1, |table| table.rows);
        match self.sizes.value(&name, &key.name, (rows / 2).max(1)) {
            Some(Edge::Text(text)) => Some(text.to_string()),
            // A key of another schema that the spec does not declare.
            _ => Some("00000000-0000-4000-8000-000000000001".to_owned()),
        }
    }

    /// What is usual, or a value of the column that it comes from.
    fn value(&self, param: &QueryParam) -> Option<String> {
        if let Some(usual) = &param.usual {
            return Some(format!("({})", usual.text));
        }
        let (entity, field) = param.from?;
        let entity = self.model.entity(entity);
        let name = specc_catalog::Qualified::new(entity.name.schema.clone(), entity.name.name.clone());
        let column = &entity.fields[field].name;
        let distinct = self.sizes.tables.get(&name)?.column(column)?.distinct;
        match self.sizes.value(&name, column, (distinct / 2).max(1))? {
            Edge::Text(text) => Some(literal(&text)),
            Edge::Part(_) => None,
        }
    }
}
