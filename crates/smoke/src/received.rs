//! A request as it comes over HTTP, and the statement that the API makes of it: as much of the API as requests here use. What
//! it does not know it refuses, so that nothing is answered that was not asked.

use crate::request::{Gives, Method, Page, Request, encoded};
use crate::shape::{self, Filter, Table, Written};
use crate::surface::{Select, Surface, table, type_of};
use serde_json::Value;
use smol_str::SmolStr;
use specc_catalog::{DataType, TableName};
use specc_types::Relation;

/// What came.
pub struct Received<'r> {
    /// The method.
    pub method: Method,
    /// The path below the API's own, such as `/profiles`.
    pub path: &'r str,
    /// What is behind the question mark: names and values as they are meant.
    pub query: &'r [(String, String)],
    /// What the client prefers.
    pub prefer: &'r str,
    /// The rows that are wanted, first and last.
    pub range: Option<(u64, u64)>,
    /// The body.
    pub body: &'r str,
}

impl Received<'_> {
    /// The request as this role, with these settings; or the status with which it is refused.
    ///
    /// # Errors
    /// 404 for what the API does not show, 400 for what is not known here.
    pub fn request(&self, surface: &Surface<'_>, role: &str, settings: Vec<String>) -> Result<Request, u16> {
        let name = self.path.trim_start_matches('/');
        let found =
            surface.exposed.iter().find_map(|schema| surface.api.relation(&TableName::new(schema.clone(), name)));
        let relation = found.ok_or(404_u16)?;
        let mut request = Request {
            role: role.to_owned(),
            settings,
            method: self.method,
            schema: relation.name.schema.clone(),
            path: format!("/{}", encoded(name)),
            query: self.query.to_vec(),
            prefer: Vec::new(),
            body: (!self.body.is_empty()).then(|| self.body.to_owned()),
            page: None,
            gives: Gives::Rows,
            writes: self.method != Method::Get,
            prepared: Default::default(),
        };
        let mut select = Select::All;
        let (mut limit, mut offset) = (None, None);
        let mut found: Vec<Filter> = Vec::new();
        for (name, value) in self.query {
            match name.as_str() {
                "select" if value == "*" => {}
                "select" => select = Select::These(columns(relation, value)?),
                "limit" => limit = Some(value.parse().map_err(|_| 400_u16)?),
                "offset" => offset = Some(value.parse().map_err(|_| 400_u16)?),
                column => {
                    let text = value.strip_prefix("eq.").ok_or(400_u16)?;
                    found.push((columns(relation, column)?.swap_remove(0), text.to_owned()));
                }
            }
        }
        if let Some((first, last)) = self.range {
            (limit, offset) = (Some(last.saturating_sub(first) + 1), Some(first));
        }
        let counted = self.prefer.contains("count=exact");
        if limit.is_some() || offset.is_some() || counted {
            request.page = Some(Page { limit: limit.unwrap_or(1_000_000), offset: offset.unwrap_or(0), counted });
        }
        let back = self.prefer.contains("return=representation");
        if !back && self.method != Method::Get {
            request.gives = Gives::Nothing;
        }
        let back = back.then(|| select.list());
        let place: Table<'_> = table(relation);
        request.prepared = match self.method {
            Method::Get => shape::read(&place, select.list(), &found, &[], request.page),
            Method::Delete => shape::delete(&place, &found, back),
            Method::Post => shape::insert(&place, &written(relation, self.body)?, self.body, back, None),
            Method::Patch => shape::update(&place, &written(relation, self.body)?, self.body, &found, back),
        };
        Ok(request)
    }
}

/// Names of columns in a list, each of which is there.
fn columns(relation: &Relation, list: &str) -> Result<Vec<SmolStr>, u16> {
    let has = |name: &str| relation.columns.iter().any(|column| column.name == name);
    list.split(',').map(|name| has(name).then(|| SmolStr::new(name)).ok_or(400)).collect()
}

/// The columns that a body gives.
fn written(relation: &Relation, body: &str) -> Result<Vec<Written>, u16> {
    let body: Value = serde_json::from_str(body).map_err(|_| 400_u16)?;
    let first = match &body {
        Value::Array(all) => all.first().unwrap_or(&Value::Null),
        other => other,
    };
    let names = first.as_object().ok_or(400_u16)?.keys();
    let of = |name: &String| -> Result<Written, u16> {
        let name = columns(relation, name)?.swap_remove(0);
        let ty = type_of(relation, &name).unwrap_or_else(|| DataType::builtin("text"));
        Ok((name, ty))
    };
    names.map(of).collect()
}
