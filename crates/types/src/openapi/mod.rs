//! A document of OpenAPI 3.1 for one role: the paths, verbs and columns of the API that it has a right to, with what it can be
//! answered.
//!
//! Rights are the grants of the catalog, which are made from effective access and nothing else.

mod responses;
mod schema;

use crate::errors::{self, Verb};
use crate::functions::{Call, calls};
use crate::json::Json;
use crate::rights::{Columns, Rights};
use crate::world::{Column, Relation, RelationKind, World};
use smol_str::SmolStr;
use specc_catalog::{MARK, Returns, Volatility};
use std::fmt::Write as _;

/// Writes the document; returns what it leaves out.
pub(crate) fn write(world: &World<'_>, role: &str, out: &mut String) -> Vec<String> {
    let rights = Rights::of(world.catalog, role);
    let mut writer = Writer { world, rights, role, schemas: Vec::new(), paths: Vec::new(), beyond: Vec::new() };
    for schema in &world.schemas {
        let relations = world.relations_of(schema, true).chain(world.relations_of(schema, false));
        relations.for_each(|relation| writer.relation(relation));
        writer.functions(schema);
    }
    let Writer { schemas, paths, beyond, .. } = writer;
    let mut all_schemas = vec![("Error".to_owned(), error())];
    all_schemas.extend(schemas);
    let key = |location: &str, name: &str| {
        Json::object([("type", Json::text("apiKey")), ("in", Json::text(location)), ("name", Json::text(name))])
    };
    let bearer = Json::object([
        ("type", Json::text("http")),
        ("scheme", Json::text("bearer")),
        ("bearerFormat", Json::text("JWT")),
    ]);
    let document = Json::object([
        ("openapi", Json::text("3.1.0")),
        (
            "info",
            Json::object([
                ("title", Json::text(format!("The API as `{role}`"))),
                ("description", Json::text(MARK)),
                ("version", Json::text("1")),
            ]),
        ),
        ("servers", Json::List(vec![Json::object([("url", Json::text("/rest/v1"))])])),
        ("security", Json::List(vec![Json::object([("apikey", Json::List(vec![])), ("bearer", Json::List(vec![]))])])),
        ("paths", Json::Object(paths)),
        (
            "components",
            Json::object([
                ("schemas", Json::Object(all_schemas)),
                ("parameters", Json::Object(parameters())),
                ("securitySchemes", Json::object([("apikey", key("header", "apikey")), ("bearer", bearer)])),
            ]),
        ),
    ]);
    document.write(out, 0);
    out.push('\n');
    beyond
}

/// What the API answers when something is wrong.
fn error() -> Json {
    let text = |null: bool| {
        Json::object([("type", if null { Json::texts(["string", "null"]) } else { Json::text("string") })])
    };
    Json::object([
        ("type", Json::text("object")),
        ("required", Json::texts(["code", "message"])),
        (
            "properties",
            Json::object([
                ("code", text(false)),
                ("message", text(false)),
                ("details", text(true)),
                ("hint", text(true)),
            ]),
        ),
    ])
}

/// Parameters that several requests have.
fn parameters() -> Vec<(String, Json)> {
    let one = |name: &str, place: &str, of: &str, what: &str| {
        let fields = [
            ("name", Json::text(name)),
            ("in", Json::text(place)),
            ("description", Json::text(what)),
            ("schema", Json::object([("type", Json::text(of))])),
        ];
        (name.replace('-', "_"), Json::object(fields))
    };
    vec![
        one("select", "query", "string", "The columns to give, separated by commas"),
        one("order", "query", "string", "The columns to order by: `name.asc`, `name.desc.nullslast`"),
        one("limit", "query", "integer", "At most so many rows"),
        one("offset", "query", "integer", "Without so many of the first rows"),
        one("on_conflict", "query", "string", "The columns of the key by which a row is the same"),
        one("columns", "query", "string", "The columns to take from the body"),
        one("Range", "header", "string", "The rows to give, by number: `0-9`"),
    ]
}

struct Writer<'w, 'c> {
    world: &'w World<'c>,
    rights: Rights<'c>,
    role: &'w str,
    schemas: Vec<(String, Json)>,
    paths: Vec<(String, Json)>,
    beyond: Vec<String>,
}

impl Writer<'_, '_> {
    /// Whether the schema is not the one that requests are for which name none.
    fn profile(&self, schema: &str, header: &str) -> Option<Json> {
        let default = self.world.schemas.iter().find(|schema| *schema == "public").or(self.world.schemas.first());
        let fields = [
            ("name", Json::text(header)),
            ("in", Json::text("header")),
            ("required", Json::plain(true)),
            ("schema", Json::object([("const", Json::text(schema))])),
        ];
        default.is_some_and(|default| default != schema).then(|| Json::object(fields))
    }

    fn add_path(&mut self, path: String, schema: &str, verbs: Vec<(&str, Json)>) {
        if verbs.is_empty() {
            return;
        }
        if self.paths.iter().any(|(known, _)| *known == path) {
            self.beyond.push(format!("`{path}` of the schema `{schema}`: another schema has this path already"));
            return;
        }
        self.paths.push((path, Json::object(verbs)));
    }

    fn relation(&mut self, relation: &Relation) {
        let name = &relation.name;
        let right = |privilege| self.rights.columns(name, privilege);
        let (select, insert, update, delete) = (right("select"), right("insert"), right("update"), right("delete"));
        // A view of several tables takes no row, whatever is granted.
        let (inserts, updates) = relation.writes;
        let is_anon = self.role == "anon";
        let label =
            if name.schema == "public" { name.name.to_string() } else { format!("{}.{}", name.schema, name.name) };
        let errors = |verb| responses::of(errors::of_rows(self.world, &self.rights, relation, verb, is_anon));
        let (mut verbs, mut schemas) = (Vec::new(), Vec::new());
        let filters = self.filters(relation, &select);
        let reads = !select.is_empty();
        if reads {
            schemas.push((label.clone(), self.object(relation, &select, |_| false, true)));
            let mut asked: Vec<Json> = ["select", "order", "limit", "offset", "Range"]
                .iter()
                .map(|name| Json::to("parameters", name))
                .collect();
            asked.extend(filters.clone());
            asked.push(prefer(&["count=exact", "count=planned", "count=estimated", "handling=strict"]));
            asked.extend(self.profile(&name.schema, "Accept-Profile"));
            let rows = answer("Rows", Some(list_of(Json::to("schemas", &label))));
            verbs.push((
                "get",
                operation(
                    &format!("Read `{}`", name.name),
                    asked,
                    None,
                    vec![("200", rows.clone()), ("206", rows)],
                    errors(Verb::Read),
                ),
            ));
        }
        let given = reads.then(|| list_of(Json::to("schemas", &label)));
        let mut returns = vec!["return=minimal", "return=headers-only"];
        if reads {
            returns.insert(1, "return=representation");
        }
        if inserts && !insert.is_empty() {
            let part = format!("{label}.insert");
            let is_table = relation.kind == RelationKind::Table;
            schemas.push((part.clone(), self.object(relation, &insert, |column| is_table && !column.optional, false)));
            let mut asked = vec![Json::to("parameters", "columns")];
            let mut wishes = returns.clone();
            wishes.extend(["missing=default", "count=exact"]);
            if reads {
                asked.extend([Json::to("parameters", "select"), Json::to("parameters", "on_conflict")]);
                wishes.push("resolution=ignore-duplicates");
                if updates && !update.is_empty() {
                    wishes.push("resolution=merge-duplicates");
                }
            }
            asked.push(prefer(&wishes));
            asked.extend(self.profile(&name.schema, "Content-Profile"));
            let one = Json::to("schemas", &part);
            let body = Json::object([("anyOf", Json::List(vec![one.clone(), list_of(one)]))]);
            let done = answer("The rows are made", given.clone());
            verbs.push((
                "post",
                operation(
                    &format!("Insert into `{}`", name.name),
                    asked,
                    Some(body),
                    vec![("201", done)],
                    errors(Verb::Insert),
                ),
            ));
        }
        let mut changes =
            |verb: &'static str, word: &str, body: Option<Json>, errors: Vec<(String, Json)>, done: &str| {
                let mut asked = filters.clone();
                if reads {
                    asked.extend([
                        Json::to("parameters", "select"),
                        Json::to("parameters", "order"),
                        Json::to("parameters", "limit"),
                    ]);
                }
                let mut wishes = returns.clone();
                wishes.push("count=exact");
                asked.push(prefer(&wishes));
                asked.extend(self.profile(&name.schema, "Content-Profile"));
                let mut answers = vec![("204", answer(done, None))];
                if let Some(given) = &given {
                    answers.insert(0, ("200", answer(done, Some(given.clone()))));
                }
                verbs.push((verb, operation(&format!("{word} `{}`", name.name), asked, body, answers, errors)));
            };
        if updates && !update.is_empty() {
            let part = format!("{label}.update");
            schemas.push((part.clone(), self.object(relation, &update, |_| false, false)));
            changes("patch", "Update", Some(Json::to("schemas", &part)), errors(Verb::Update), "The rows are changed");
        }
        if (relation.kind == RelationKind::Table || updates) && !delete.is_empty() {
            changes("delete", "Delete from", None, errors(Verb::Delete), "The rows are gone");
        }
        self.schemas.extend(schemas);
        self.add_path(format!("/{}", segment(&name.name)), &name.schema, verbs);
    }

    /// The object of some columns of a relation.
    fn object(&self, relation: &Relation, columns: &Columns, required: impl Fn(&Column) -> bool, row: bool) -> Json {
        let there: Vec<&Column> =
            relation.columns.iter().filter(|column| columns.has(&column.name) && (row || column.written)).collect();
        let property = |column: &&Column| (column.name.to_string(), schema::of_column(self.world, relation, column));
        let mut fields = Json::object([
            ("type", Json::text("object")),
            ("properties", Json::Object(there.iter().map(property).collect())),
        ]);
        let names: Vec<String> =
            there.iter().filter(|column| required(column)).map(|column| column.name.to_string()).collect();
        if !names.is_empty() {
            fields = fields.with("required", Json::texts(names));
        }
        if row { fields } else { fields.with("additionalProperties", Json::plain(false)) }
    }

    /// A filter for each column that can be read.
    fn filters(&self, relation: &Relation, select: &Columns) -> Vec<Json> {
        // What is a parameter of the API itself is no filter.
        let own = ["select", "order", "limit", "offset", "on_conflict", "columns", "and", "or", "not"];
        let columns =
            relation.columns.iter().filter(|column| select.has(&column.name) && !own.contains(&column.name.as_str()));
        let filter = |column: &Column| {
            Json::object([
                ("name", Json::text(column.name.as_str())),
                ("in", Json::text("query")),
                ("description", Json::text("A filter: `eq.`, `neq.`, `gt.`, `in.(…)`, `is.null` …")),
                ("schema", Json::object([("type", Json::text("string"))])),
            ])
        };
        columns.map(filter).collect()
    }

    fn functions(&mut self, schema: &SmolStr) {
        let all = calls(self.world, schema);
        let mut names: Vec<&SmolStr> = all.iter().map(|call| &call.function.name).collect();
        names.sort();
        names.dedup();
        for name in names {
            let own: Vec<&Call<'_>> =
                all.iter().filter(|call| call.function.name == *name && self.rights.calls(call.function)).collect();
            let [first, ..] = &own[..] else { continue };
            let bodies: Vec<Json> = own.iter().map(|call| self.arguments(call)).collect();
            let one = |mut all: Vec<Json>| match all.len() {
                1 => all.remove(0),
                _ => Json::object([("anyOf", Json::List(all))]),
            };
            let results: Vec<Option<Json>> = own.iter().map(|call| self.result(call)).collect();
            let done = match results.into_iter().collect::<Option<Vec<_>>>() {
                Some(results) => ("200", answer("What the function gives", Some(one(results)))),
                None => ("204", answer("It is done", None)),
            };
            let errors = || {
                let all = own.iter().flat_map(|call| errors::of_call(self.world, call.function, self.role == "anon"));
                responses::of(all.collect())
            };
            let mut asked: Vec<Json> = self.profile(schema, "Content-Profile").into_iter().collect();
            let title = format!("Call `{name}`");
            let mut verbs = Vec::new();
            // What changes nothing can be asked for by its address.
            if own.len() == 1 && first.function.volatility != Volatility::Volatile {
                let mut in_query: Vec<Json> = self.profile(schema, "Accept-Profile").into_iter().collect();
                for (param, optional) in first.arguments.iter().filter(|(param, _)| !param.name.is_empty()) {
                    in_query.push(Json::object([
                        ("name", Json::text(param.name.as_str())),
                        ("in", Json::text("query")),
                        ("required", Json::plain(!optional)),
                        ("schema", Json::object([("type", Json::text("string"))])),
                    ]));
                }
                verbs.push(("get", operation(&title, in_query, None, vec![done.clone()], errors())));
            }
            asked.push(prefer(&["count=exact", "handling=strict"]));
            verbs.push(("post", operation(&title, asked, Some(one(bodies)), vec![done], errors())));
            self.add_path(format!("/rpc/{}", segment(name)), schema, verbs);
        }
    }

    fn arguments(&self, call: &Call<'_>) -> Json {
        if let [(only, _)] = &call.arguments[..]
            && only.name.is_empty()
        {
            return schema::of_type(self.world, &only.ty, true);
        }
        let argument = |(param, _): &(&specc_catalog::Param, bool)| {
            (param.name.to_string(), schema::of_type(self.world, &param.ty, true))
        };
        let required: Vec<String> =
            call.arguments.iter().filter(|(_, optional)| !optional).map(|(param, _)| param.name.to_string()).collect();
        let object = Json::object([
            ("type", Json::text("object")),
            ("properties", Json::Object(call.arguments.iter().map(argument).collect())),
        ]);
        let object = if required.is_empty() { object } else { object.with("required", Json::texts(required)) };
        object.with("additionalProperties", Json::plain(false))
    }

    /// What a call gives; none where it gives nothing.
    fn result(&self, call: &Call<'_>) -> Option<Json> {
        if call.gives.schema.is_empty() && call.gives.name == "void" {
            return None;
        }
        let one = match &call.function.returns {
            Some(Returns::Table(columns)) => {
                let column = |(name, ty): &(SmolStr, _)| (name.to_string(), schema::of_type(self.world, ty, true));
                Json::object([
                    ("type", Json::text("object")),
                    ("properties", Json::Object(columns.iter().map(column).collect())),
                ])
            }
            _ => schema::of_type(self.world, &call.gives, true),
        };
        Some(if call.is_set { list_of(one) } else { one })
    }
}

fn list_of(item: Json) -> Json {
    Json::object([("type", Json::text("array")), ("items", item)])
}

fn answer(what: &str, content: Option<Json>) -> Json {
    let answer = Json::object([("description", Json::text(what))]);
    match content {
        None => answer,
        Some(schema) => {
            answer.with("content", Json::object([("application/json", Json::object([("schema", schema)]))]))
        }
    }
}

/// The header of wishes.
fn prefer(wishes: &[&str]) -> Json {
    Json::object([
        ("name", Json::text("Prefer")),
        ("in", Json::text("header")),
        (
            "description",
            Json::text(format!(
                "Wishes, separated by commas: {}",
                wishes.iter().map(|wish| format!("`{wish}`")).collect::<Vec<_>>().join(", ")
            )),
        ),
        ("schema", Json::object([("type", Json::text("string"))])),
    ])
}

fn operation(
    title: &str,
    parameters: Vec<Json>,
    body: Option<Json>,
    answers: Vec<(&str, Json)>,
    errors: Vec<(String, Json)>,
) -> Json {
    let mut operation = Json::object([("summary", Json::text(title)), ("parameters", Json::List(parameters))]);
    if let Some(schema) = body {
        let content = Json::object([("application/json", Json::object([("schema", schema)]))]);
        operation =
            operation.with("requestBody", Json::object([("required", Json::plain(true)), ("content", content)]));
    }
    let answers = answers.into_iter().map(|(status, answer)| (status.to_owned(), answer)).chain(errors);
    operation.with("responses", Json::Object(answers.collect()))
}

/// A name as a part of a path.
pub fn segment(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => out.push(char::from(b)),
            b => {
                let _ = write!(out, "%{b:02X}");
            }
        }
    }
    out
}
