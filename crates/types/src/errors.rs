//! What a request may be answered with when it goes wrong: SQLSTATEs, and the status that the API gives each.

use crate::rights::Rights;
use crate::world::{Relation, World};
use smol_str::SmolStr;
use specc_catalog::{Action, Function, IdRef, Object, Rls, Rule, Timing, Volatility};

/// What is done with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Verb {
    Read,
    Insert,
    Update,
    Delete,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Insert, Self::Update, Self::Delete];

    /// The command, which is the name of its privilege too.
    pub fn word(self) -> &'static str {
        match self {
            Verb::Read => "select",
            Verb::Insert => "insert",
            Verb::Update => "update",
            Verb::Delete => "delete",
        }
    }
}

/// A SQLSTATE: it, the status, and what it means for this request.
pub type Error = (SmolStr, &'static str, What);

/// What an error means: text and names in turn, beginning with text, so that whoever writes it marks the names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct What(Vec<String>);

impl What {
    fn of(parts: &[&str]) -> Self {
        Self(parts.iter().map(|part| (*part).to_owned()).collect())
    }

    /// As one text, with each name as `name` writes it.
    pub fn words(&self, name: impl Fn(&str) -> String) -> String {
        let parts = self.0.iter().enumerate();
        parts.map(|(at, part)| if at % 2 == 1 { name(part) } else { part.clone() }).collect()
    }
}

/// The errors of a request of a relation's rows.
pub(crate) fn of_rows(
    world: &World<'_>,
    rights: &Rights<'_>,
    relation: &Relation,
    verb: Verb,
    is_anon: bool,
) -> Vec<Error> {
    let mut all: Vec<Error> = vec![
        ("22P02".into(), "400", What::of(&["a value, in the query or in the body, that is none of its column's type"])),
        ("42703".into(), "400", What::of(&["the query names a column that is not there"])),
    ];
    // Who has not said who they are is asked to.
    let refused = if is_anon { "401" } else { "403" };
    all.push(("42501".into(), refused, What::of(&["a column or a row that this role may not reach"])));
    let writes = matches!(verb, Verb::Insert | Verb::Update);
    let mut add = |code: SmolStr, status, what: &[&str]| all.push((code, status, What::of(what)));
    if writes {
        add("22001".into(), "400", &["a text is longer than its column takes"]);
        add("22003".into(), "400", &["a number is out of its column's range"]);
        if relation.columns.iter().any(|column| !column.nullable) {
            add("23502".into(), "400", &["null, or nothing, for a column that has to have a value"]);
        }
    }
    for constraint in world.constraints.get(&relation.name).into_iter().flatten() {
        match &constraint.rule {
            Rule::Check { .. } if writes => add("23514".into(), "400", &["", &constraint.name]),
            Rule::PrimaryKey { .. } | Rule::Unique { .. } if writes => {
                add("23505".into(), "409", &["", &constraint.name])
            }
            Rule::ForeignKey(_) if writes => add("23503".into(), "409", &["", &constraint.name]),
            Rule::Exclude { .. } if writes => add("23P01".into(), "400", &["", &constraint.name]),
            _ => {}
        }
    }
    if writes {
        for domain in relation.columns.iter().filter_map(|column| world.shapes.domain(column.ty.as_ref()?)) {
            if !domain.checks.is_empty() {
                add("23514".into(), "400", &["the type ", &domain.name]);
            }
        }
        for index in world.unique_indexes.get(&relation.name).into_iter().flatten() {
            add("23505".into(), "409", &["", &index.name]);
        }
    }
    if matches!(verb, Verb::Update | Verb::Delete) {
        for key in world.referring.get(&relation.name).into_iter().flatten() {
            let Rule::ForeignKey(found) = &key.rule else { continue };
            let acts = if verb == Verb::Delete { found.on_delete } else { found.on_update };
            if !matches!(acts, Action::NoAction | Action::Restrict) {
                continue;
            }
            let (table, name) = (&key.table.name, &key.name);
            if acts == Action::Restrict {
                let what = ["rows of ", table, " refer to it (", name, "), from Postgres 18 on"];
                add("23001".into(), "400", &what);
            }
            add("23503".into(), "409", &["rows of ", table, " refer to it (", name, ")"]);
        }
    }
    for trigger in world.triggers.get(&relation.name).into_iter().flatten() {
        if trigger.events.iter().any(|(event, _)| event == verb.word()) && trigger.enabled != "disabled" {
            let body = world.body(&trigger.function.schema, &trigger.function.name, "");
            for code in &body.throws {
                add(code.clone(), status(code, refused), &["the trigger ", &trigger.name, " refuses it"]);
            }
            // What it does to other tables is refused there.
            if trigger.timing != Timing::After {
                continue;
            }
            for table in body.tables.iter().filter(|table| **table != relation.name) {
                for code in world.held(table) {
                    let what = ["a row of ", &table.name, ", where the trigger ", &trigger.name, " writes one"];
                    add(code.into(), status(code, refused), &what);
                }
            }
        }
    }
    let entry = world.catalog.find(IdRef::table(&relation.name)).and_then(|at| world.catalog.at(at));
    let table = match entry.map(|(_, entry)| &entry.object) {
        Some(Object::Table(table)) => Some(table),
        _ => None,
    };
    let split = table.and_then(|table| table.partition_by.as_ref()).is_some_and(|by| by.method != "hash");
    if writes && split && !world.with_rest.contains(&relation.name) {
        add("23514".into(), "400", &["no partition holds the row"]);
    }
    if writes && table.is_some_and(|table| table.rls != Rls::Off) && !rights.bypasses {
        add("42501".into(), refused, &["no rule lets this role write the row as it is given"]);
    }
    all
}

/// The errors of a function's call.
pub(crate) fn of_call(world: &World<'_>, function: &Function, is_anon: bool) -> Vec<Error> {
    let refused = if is_anon { "401" } else { "403" };
    let mut all: Vec<Error> = vec![
        ("22P02".into(), "400", What::of(&["a value that is none of its argument's type"])),
        ("42501".into(), refused, What::of(&["what the function does is not allowed to this role"])),
    ];
    let body = world.body(&function.schema, &function.name, &function.signature());
    let what = What::of(&["the function refuses it"]);
    all.extend(body.throws.iter().map(|code| (code.clone(), status(code, refused), what.clone())));
    if function.volatility != Volatility::Volatile {
        return all;
    }
    for table in &body.tables {
        let what = What::of(&["a row of ", &table.name, ", where the function writes one"]);
        all.extend(world.held(table).into_iter().map(|code| (code.into(), status(code, refused), what.clone())));
    }
    all
}

/// The status that the API gives a SQLSTATE; `refused` is that of what a role may not do.
pub fn status(code: &str, refused: &'static str) -> &'static str {
    match code {
        "23503" | "23505" => "409",
        "25006" => "405",
        "42501" => refused,
        "42883" | "42P01" => "404",
        "42P17" | "53400" => "500",
        "P0001" => "400",
        _ => match code.get(..2).unwrap_or_default() {
            "08" | "53" => "503",
            "28" | "0L" | "0P" => "403",
            "09" | "25" | "2D" | "38" | "39" | "3B" | "40" | "54" | "55" | "57" | "58" | "F0" | "HV" | "P0" | "XX" => {
                "500"
            }
            _ => "400",
        },
    }
}
