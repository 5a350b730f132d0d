//! What a request may be answered with when it goes wrong: SQLSTATEs, and the status that the API gives each.

use super::rights::Rights;
use crate::json::Json;
use crate::world::{Relation, World};
use specc_catalog::{IdRef, Object, Rls, Rule};
use std::collections::BTreeMap;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Read,
    Insert,
    Update,
    Delete,
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Verb::Read => "select",
            Verb::Insert => "insert",
            Verb::Update => "update",
            Verb::Delete => "delete",
        }
    }
}

/// A SQLSTATE: it, the status, and what it means for this request.
type Error = (&'static str, &'static str, String);

/// The errors of a request of a relation's rows.
pub(crate) fn of_rows(
    world: &World<'_>,
    rights: &Rights<'_>,
    relation: &Relation,
    verb: Verb,
    is_anon: bool,
) -> Vec<Error> {
    let mut all: Vec<Error> = vec![
        ("22P02", "400", "a value, in the query or in the body, that is none of its column's type".to_owned()),
        ("42703", "400", "the query names a column that is not there".to_owned()),
    ];
    // Who has not said who they are is asked to.
    let refused = if is_anon { "401" } else { "403" };
    all.push(("42501", refused, "a column or a row that this role may not reach".to_owned()));
    let writes = matches!(verb, Verb::Insert | Verb::Update);
    let mut add = |code, status, what: String| all.push((code, status, what));
    if writes {
        add("22001", "400", "a text is longer than its column takes".to_owned());
        add("22003", "400", "a number is out of its column's range".to_owned());
        if relation.columns.iter().any(|column| !column.nullable) {
            add("23502", "400", "null, or nothing, for a column that has to have a value".to_owned());
        }
    }
    for constraint in world.constraints.get(&relation.name).into_iter().flatten() {
        match &constraint.rule {
            Rule::Check { .. } if writes => add("23514", "400", format!("`{}`", constraint.name)),
            Rule::PrimaryKey { .. } | Rule::Unique { .. } if writes => {
                add("23505", "409", format!("`{}`", constraint.name))
            }
            Rule::ForeignKey(_) if writes => add("23503", "409", format!("`{}`", constraint.name)),
            Rule::Exclude { .. } if writes => add("23P01", "400", format!("`{}`", constraint.name)),
            _ => {}
        }
    }
    if writes {
        for index in world.unique_indexes.get(&relation.name).into_iter().flatten() {
            add("23505", "409", format!("`{}`", index.name));
        }
    }
    if matches!(verb, Verb::Update | Verb::Delete) {
        for key in &world.foreign_keys {
            if let Rule::ForeignKey(found) = &key.rule
                && found.target == relation.name
                && matches!(found.on_delete, specc_catalog::Action::NoAction | specc_catalog::Action::Restrict)
            {
                add("23503", "409", format!("rows of `{}` refer to it (`{}`)", key.table.name, key.name));
            }
        }
    }
    for trigger in world.triggers.get(&relation.name).into_iter().flatten() {
        if trigger.events.iter().any(|(event, _)| event == verb.word()) {
            add("P0001", "400", format!("the trigger `{}` refuses it", trigger.name));
        }
    }
    let table = world.catalog.find(IdRef::table(&relation.name)).and_then(|at| world.catalog.at(at));
    let rls = matches!(table.map(|(_, entry)| &entry.object), Some(Object::Table(table)) if table.rls != Rls::Off);
    if writes && rls && !rights.bypasses {
        add("42501", refused, "no rule lets this role write the row as it is given".to_owned());
    }
    all
}

/// The errors of a function's call.
pub(crate) fn of_call(is_anon: bool) -> Vec<Error> {
    vec![
        ("22P02", "400", "a value that is none of its argument's type".to_owned()),
        ("42501", if is_anon { "401" } else { "403" }, "what the function does is not allowed to this role".to_owned()),
        ("P0001", "400", "the function refuses it".to_owned()),
    ]
}

/// One answer for each status.
pub(crate) fn responses(errors: Vec<Error>) -> Vec<(String, Json)> {
    let mut by_status: BTreeMap<&str, BTreeMap<&str, Vec<String>>> = BTreeMap::new();
    for (code, status, what) in errors {
        let said = by_status.entry(status).or_default().entry(code).or_default();
        if !said.contains(&what) {
            said.push(what);
        }
    }
    let answer = |(status, codes): (&str, BTreeMap<&str, Vec<String>>)| {
        let lines: Vec<String> = codes.iter().map(|(code, said)| format!("- `{code}`: {}", said.join(", "))).collect();
        let code = Json::object([(
            "properties",
            Json::object([("code", Json::object([("enum", Json::texts(codes.into_keys()))]))]),
        )]);
        let schema = Json::object([("allOf", Json::List(vec![Json::to("schemas", "Error"), code]))]);
        let content = Json::object([("application/json", Json::object([("schema", schema)]))]);
        (status.to_owned(), Json::object([("description", Json::text(lines.join("\n"))), ("content", content)]))
    };
    by_status.into_iter().map(answer).collect()
}
