//! Bodies of functions, in SQL and in PL/pgSQL.

mod beyond;
mod declare;
mod dynamic;
mod loops;
mod reader;
mod results;
mod sql;
mod statements;
mod syntax;
mod words;

pub(crate) use dynamic::{Dynamic, made};
pub(crate) use results::constant;

use crate::Analysis;
use crate::environment::{Environment, Parameter};
use crate::scope::{Frame, Shape};
use crate::walk::Walk;
use smol_str::SmolStr;
use specc_catalog::{DataType, Qualified};

/// What a body is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Statements of SQL.
    Sql,
    /// A block of PL/pgSQL.
    Plpgsql,
}

/// Rows that a trigger has at hand.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// The relations whose triggers run the body; empty where they are not known.
    pub relations: Vec<Qualified>,
    /// Transition tables, each with the relation whose rows it has.
    pub transitions: Vec<(SmolStr, Qualified)>,
}

/// What a function gives back, as far as it says how `return` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gives {
    /// Not known.
    #[default]
    Unknown,
    /// `void`.
    Nothing,
    /// What an event trigger gives: nothing.
    EventTrigger,
    /// It is a procedure.
    Procedure,
    /// A row, or null.
    Trigger,
    /// One value or one row.
    Value,
    /// Its `out` parameters.
    Outs,
    /// Rows; whether they have `out` parameters, such as the columns of `returns table`.
    Set {
        /// Whether there are such parameters.
        outs: bool,
    },
}

/// The body of a function and what stands around it.
#[derive(Clone, Debug)]
pub struct Body<'a> {
    /// Its text.
    pub text: &'a str,
    /// What it is written in.
    pub language: Language,
    /// The function's name, which may stand before a parameter.
    pub name: SmolStr,
    /// The function's parameters; columns of `returns table` are `out` ones.
    pub params: Vec<Parameter>,
    /// Its own `search_path`; none where it runs with that of who calls.
    pub path: Option<Vec<SmolStr>>,
    /// For a trigger.
    pub trigger: Option<Rows>,
    /// The type of what it gives back, where that is one.
    pub returns: Option<DataType>,
    /// How it gives back.
    pub gives: Gives,
}

/// Resolves a body.
pub fn body(env: &dyn Environment, body: &Body<'_>) -> Analysis {
    let mut walk = Walk::new(env, body.text);
    if let Some(path) = &body.path {
        walk.path = path.clone();
        walk.fixed_path = true;
        walk.own_path = true;
    }
    let mut frame = Frame { label: body.name.clone(), ..Frame::default() };
    for param in &body.params {
        let shape = match &param.ty {
            Some(ty) => Shape::Type(Some(ty.clone())),
            None => Shape::Open,
        };
        if param.is_input() {
            walk.numbered.push(param.ty.clone());
        }
        frame.variables.push((param.name.clone(), shape));
    }
    walk.all_numbered = !body.name.is_empty();
    if let Some(rows) = &body.trigger {
        let shape = if rows.relations.is_empty() { Shape::Open } else { Shape::Rows(rows.relations.clone()) };
        frame.variables.push(("new".into(), shape.clone()));
        frame.variables.push(("old".into(), shape));
        walk.transitions = rows.transitions.clone();
        walk.open_tables = rows.relations.is_empty();
    }
    if body.language == Language::Plpgsql {
        let given = match body.gives {
            _ if body.trigger.is_some() => OF_TRIGGERS,
            Gives::EventTrigger => OF_EVENT_TRIGGERS,
            _ => &[],
        };
        let ty = |name: &str, dims: u8| DataType { dims, ..DataType::builtin(name) };
        let shape =
            |(name, of, dims): &(&'static str, &str, u8)| (SmolStr::new_static(name), Shape::Type(Some(ty(of, *dims))));
        frame.variables.extend(given.iter().map(shape));
    }
    walk.frames.push(frame);
    match body.language {
        Language::Sql => {
            // Postgres looks up its names when it is made.
            walk.fixed_path = true;
            sql::read(&mut walk, body);
        }
        Language::Plpgsql => {
            walk.procedural = true;
            reader::read(&mut walk, body);
        }
    }
    walk.finish()
}

/// The variable that every block has.
pub(crate) fn is_special(name: &str) -> bool {
    name == "found"
}

/// What the function of a trigger is told: a name, its type, and how deep it is an array.
const OF_TRIGGERS: &[(&str, &str, u8)] = &[
    ("tg_name", "name", 0),
    ("tg_when", "text", 0),
    ("tg_level", "text", 0),
    ("tg_op", "text", 0),
    ("tg_relid", "oid", 0),
    ("tg_relname", "name", 0),
    ("tg_table_name", "name", 0),
    ("tg_table_schema", "name", 0),
    ("tg_nargs", "int", 0),
    ("tg_argv", "text", 1),
];

/// What the function of an event trigger is told.
const OF_EVENT_TRIGGERS: &[(&str, &str, u8)] = &[("tg_event", "text", 0), ("tg_tag", "text", 0)];

/// Why there is no variable of this name here, where one is elsewhere.
pub(crate) fn told_elsewhere(name: &str) -> Option<&'static str> {
    let has = |list: &[(&str, &str, u8)]| list.iter().any(|(own, ..)| *own == name);
    match () {
        () if OF_HANDLERS.contains(&name) => Some("is there in a handler: behind `exception when … then`"),
        () if has(OF_TRIGGERS) => Some("is there in a function that gives back `trigger`"),
        () if has(OF_EVENT_TRIGGERS) => Some("is there in a function that gives back `event_trigger`"),
        () => None,
    }
}

/// Variables that a handler has, and no other block.
pub(crate) const OF_HANDLERS: [&str; 2] = ["sqlstate", "sqlerrm"];
