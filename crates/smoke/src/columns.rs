//! Columns that each role writes, all of them at once, and those that it does not, one at a time: asked where there are no
//! rows, so that only rights decide.

use crate::exchange::{Exchange, Kind, Wish};
use crate::live::{Asker, page};
use crate::request::{Gives, Method, Request, encoded};
use crate::shape::{self, Written};
use crate::surface::{Select, Surface, is_table, named, table};
use serde_json::{Map, Value};
use specc_model::Entity;
use specc_model::effective::bypasses;
use specc_prove::Expected;
use specc_types::{Columns, Relation};

/// The requests. `nobody`: settings of a role that asks for nobody.
pub(crate) fn columns(surface: &Surface<'_>, nobody: &dyn Fn(&str) -> Vec<String>) -> Vec<Exchange> {
    let mut all = Vec::new();
    let model = surface.model;
    for entity in model.entities.iter().filter(|entity| specc_prove::is_guarded(entity) && !entity.external) {
        let relation = surface
            .api
            .relations()
            .iter()
            .find(|relation| relation.name.schema == entity.name.schema && relation.name.name == entity.name.name);
        let Some(relation) = relation.filter(|relation| surface.shows(&relation.name.schema)) else { continue };
        for role in surface.roles().filter(|role| !bypasses(model, role)) {
            let Some(rights) = surface.rights(role) else { continue };
            for method in [Method::Post, Method::Patch] {
                let word = if method == Method::Post { "insert" } else { "update" };
                let granted = rights.columns(&relation.name, word);
                let own = relation.columns.iter().filter(|column| column.written);
                let own = own.filter_map(|column| Some((column.name.clone(), column.ty.clone()?)));
                let (open, shut): (Vec<Written>, Vec<Written>) = own.partition(|(name, _)| granted.has(name));
                let mut ask = |columns: &[Written], outcome| {
                    all.push(Exchange {
                        entity: specc_prove::name(model, entity.id),
                        kind: Kind::Columns,
                        lines: vec![format!("as {role}"), "no rows".to_owned()],
                        rules: Vec::new(),
                        request: request(role, nobody(role), relation, method, columns),
                        wish: Wish::Access { outcome, total: None },
                    });
                };
                if !open.is_empty() {
                    ask(&open, Expected::Rows(0));
                }
                shut.iter().for_each(|column| ask(std::slice::from_ref(column), Expected::Denied));
            }
        }
    }
    all
}

/// What no rule guards, or not against this role: a table is answered or refused as its rights say. A view that is granted reads what its owner or the
/// role may, which its own cases show; one that is not is refused.
pub(crate) fn unguarded(surface: &Surface<'_>, nobody: &dyn Fn(&str) -> Vec<String>) -> Vec<Exchange> {
    let mut all = Vec::new();
    let model = surface.model;
    for relation in surface.api.relations().iter().filter(|relation| surface.shows(&relation.name.schema)) {
        let is_it =
            |entity: &&Entity| entity.name.schema == relation.name.schema && entity.name.name == relation.name.name;
        let mut guarded = model.entities.iter().filter(|entity| specc_prove::is_guarded(entity));
        let is_guarded = guarded.any(|entity| is_it(&entity));
        for role in surface.roles().filter(|role| !is_guarded || bypasses(model, role)) {
            let select = surface.readable(role, relation);
            let wish = match &select {
                Some(_) if !is_table(relation) => continue,
                Some(_) => Wish::Reached,
                None => Wish::Access { outcome: Expected::Denied, total: None },
            };
            let asker = Asker { role: role.clone(), viewer: None, settings: nobody(role) };
            all.push(Exchange {
                entity: relation.name.name.to_string(),
                kind: Kind::Columns,
                lines: vec![format!("as {role}"), "no rows".to_owned()],
                rules: Vec::new(),
                request: page(&asker, relation, &select.unwrap_or(Select::All), 1),
                wish,
            });
        }
    }
    all
}

/// What a role has no right to at all: each column that it may not write, and deletions. Asked of no row, so that nothing is
/// touched whatever comes of it.
pub(crate) fn shut(surface: &Surface<'_>, asker: &Asker, relation: &Relation, entity: &str) -> Vec<Exchange> {
    let Some(rights) = surface.rights(&asker.role) else { return Vec::new() };
    let mut requests = Vec::new();
    for (method, word) in [(Method::Post, "insert"), (Method::Patch, "update")] {
        let granted = rights.columns(&relation.name, word);
        let own = relation.columns.iter().filter(|column| column.written && !granted.has(&column.name));
        for column in own.filter_map(|column| Some((column.name.clone(), column.ty.clone()?))) {
            let only = std::slice::from_ref(&column);
            let mut asked = request(&asker.role, asker.settings.clone(), relation, method, only);
            if method == Method::Patch {
                asked.query.push(("limit".to_owned(), "0".to_owned()));
                asked.prepared = shape::of_none(&table(relation), Some(&column.0));
            }
            requests.push(asked);
        }
    }
    if matches!(rights.columns(&relation.name, "delete"), Columns::Some(some) if some.is_empty()) {
        let mut asked = crate::live::base(asker, relation, Method::Delete);
        asked.query.push(("limit".to_owned(), "0".to_owned()));
        asked.prefer.push("return=minimal");
        asked.gives = Gives::Nothing;
        asked.prepared = shape::of_none(&table(relation), None);
        requests.push(asked);
    }
    let exchange = |request| Exchange {
        entity: entity.to_owned(),
        kind: Kind::Columns,
        lines: vec![asker.words(), "no rows".to_owned()],
        rules: Vec::new(),
        request,
        wish: Wish::Access { outcome: Expected::Denied, total: None },
    };
    requests.into_iter().map(exchange).collect()
}

fn request(role: &str, settings: Vec<String>, relation: &Relation, method: Method, columns: &[Written]) -> Request {
    let names: Vec<String> = columns.iter().map(|(name, _)| named(name)).collect();
    let query = vec![("columns".to_owned(), names.join(","))];
    let (body, prepared) = match method {
        Method::Post => {
            let body = "[]".to_owned();
            let prepared = shape::insert(&table(relation), columns, &body, None, None);
            (body, prepared)
        }
        _ => {
            let body: Map<String, Value> = columns.iter().map(|(name, _)| (name.to_string(), Value::Null)).collect();
            let body = Value::Object(body).to_string();
            let prepared = shape::update(&table(relation), columns, &body, &[], None);
            (body, prepared)
        }
    };
    Request {
        role: role.to_owned(),
        settings,
        method,
        schema: relation.name.schema.clone(),
        path: format!("/{}", encoded(&relation.name.name)),
        query,
        prefer: vec!["return=minimal"],
        body: Some(body),
        page: None,
        gives: Gives::Nothing,
        writes: true,
        prepared,
    }
}
