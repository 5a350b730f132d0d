//! A difference in words: `+` new, `-` gone, `~` changed, each with what of it.

use crate::{Difference, id};
use serde_json::Value;
use smol_str::SmolStr;
use specc_catalog::{Entry, Kind, ObjectId};
use std::fmt;

/// New, gone, changed or renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// `+`
    Added,
    /// `-`
    Removed,
    /// `~`
    Changed,
    /// `>`
    Renamed,
}

impl Sign {
    /// The character.
    pub fn char(self) -> char {
        match self {
            Sign::Added => '+',
            Sign::Removed => '-',
            Sign::Changed => '~',
            Sign::Renamed => '>',
        }
    }
}

/// An attribute that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Where: `column title: nullable`.
    pub path: String,
    /// As it was; none: absent.
    pub from: Option<String>,
    /// As it will be; none: absent.
    pub to: Option<String>,
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, "{}: {from} → {to}", self.path),
            (None, Some(to)) => write!(f, "{}: + {to}", self.path),
            (Some(from), None) => write!(f, "{}: - {from}", self.path),
            (None, None) => f.write_str(&self.path),
        }
    }
}

/// An object that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How.
    pub sign: Sign,
    /// Which.
    pub id: ObjectId,
    /// The new name of what is renamed.
    pub to: Option<SmolStr>,
    /// What of it.
    pub attributes: Vec<Attribute>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sign.char(), self.id)?;
        if let Some(to) = &self.to {
            write!(f, " → {to}")?;
        }
        for attribute in &self.attributes {
            write!(f, "\n    {attribute}")?;
        }
        Ok(())
    }
}

/// Everything that differs, by object: renames first, then by kind and name.
pub fn lines(difference: &Difference<'_>) -> Vec<Line> {
    let (from, to) = (&*difference.from, difference.to);
    let mut all = Vec::with_capacity(difference.len());
    let plain = |sign, id: &ObjectId| Line { sign, id: id.clone(), to: None, attributes: Vec::new() };
    for &place in &difference.added {
        all.extend(id(to, place).map(|id| plain(Sign::Added, id)));
    }
    for &place in &difference.removed {
        all.extend(id(from, place).map(|id| plain(Sign::Removed, id)));
    }
    for &(old, new) in &difference.changed {
        if let (Some((_, a)), Some((id, b))) = (from.at(old as usize), to.at(new as usize)) {
            all.push(Line { attributes: attributes(a, b), ..plain(Sign::Changed, id) });
        }
    }
    all.sort_by(|a, b| a.id.cmp(&b.id));
    let mut renames: Vec<Line> = Vec::new();
    for renamed in &difference.renamed {
        renames.push(match &renamed.part {
            None if renamed.now.schema != renamed.id.schema => {
                let to = Some(smol_str::format_smolstr!("{}.{}", renamed.now.schema, renamed.now.name));
                Line { to, ..plain(Sign::Renamed, &renamed.id) }
            }
            None => Line { to: Some(renamed.now.name.clone()), ..plain(Sign::Renamed, &renamed.id) },
            Some((was, now)) => {
                let word = match renamed.id.kind {
                    Kind::Enum => "label",
                    Kind::Composite => "attribute",
                    _ => "column",
                };
                let attribute =
                    Attribute { path: format!("{word} {was}"), from: Some(was.to_string()), to: Some(now.to_string()) };
                Line { attributes: vec![attribute], ..plain(Sign::Renamed, &renamed.id) }
            }
        });
    }
    for &(old, new) in &difference.relabelled {
        if let (Some(a), Some(b)) = (id(from, old), id(to, new)) {
            renames.push(Line { to: Some(own_name(b)), ..plain(Sign::Renamed, a) });
        }
    }
    renames.extend(all);
    renames
}

/// The name of the thing itself, not of its table.
fn own_name(id: &ObjectId) -> SmolStr {
    match id.kind {
        Kind::Constraint | Kind::Trigger | Kind::Policy => id.part.clone(),
        _ => id.name.clone(),
    }
}

/// What of an object differs: found in its stored form, so that nothing can be forgotten.
pub fn attributes(a: &Entry, b: &Entry) -> Vec<Attribute> {
    let value = |entry: &Entry| {
        let mut value = serde_json::to_value(&entry.object).unwrap_or_default();
        if let Value::Object(map) = &mut value {
            for (key, said) in [("comment", &entry.comment), ("owner", &entry.owner)] {
                map.extend(said.iter().map(|said| (key.into(), Value::String(said.to_string()))));
            }
        }
        value
    };
    let mut all = Vec::new();
    walk("", Some(&value(a)), Some(&value(b)), &mut all);
    all
}

fn walk(path: &str, a: Option<&Value>, b: Option<&Value>, all: &mut Vec<Attribute>) {
    match (a, b) {
        (a, b) if a == b => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) if !is_leaf(a) && !is_leaf(b) => {
            let mut keys: Vec<_> = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))).collect();
            keys.sort_unstable();
            for key in keys {
                walk(&join(path, key), a.get(key), b.get(key), all);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if named(a) && named(b) => {
            let (inner, find) = (singular(path), |list: &[Value], name: &str| {
                list.iter().find(|item| name_of(item) == Some(name)).cloned()
            });
            for item in a {
                let name = name_of(item).unwrap_or_default();
                walk(&format!("{inner} {name}"), Some(item), find(b, name).as_ref(), all);
            }
            for item in b.iter().filter(|item| !a.iter().any(|other| name_of(other) == name_of(item))) {
                walk(&format!("{inner} {}", name_of(item).unwrap_or_default()), None, Some(item), all);
            }
        }
        (a, b) => {
            // What is not said of a yes or no is no.
            let no = |one: Option<&Value>, other: Option<&Value>| match (one, other) {
                (None, Some(Value::Bool(_))) => Some("no".to_string()),
                (one, _) => one.map(words),
            };
            let (from, to) = (no(a, b), no(b, a));
            let start = where_they_part(from.as_deref().unwrap_or_default(), to.as_deref().unwrap_or_default());
            let shown = |text: Option<String>| text.map(|text| excerpt(&text, start));
            all.push(Attribute { path: path.to_string(), from: shown(from), to: shown(to) });
        }
    }
}

fn join(path: &str, key: &str) -> String {
    let key = key.replace('_', " ");
    if path.is_empty() { key } else { format!("{path}: {}", if key == "ty" { "type" } else { &key }) }
}

fn singular(path: &str) -> &str {
    path.strip_suffix('s').unwrap_or(path)
}

/// An expression or a type: shown as one thing.
fn is_leaf(map: &serde_json::Map<String, Value>) -> bool {
    map.contains_key("text")
        || (map.contains_key("name") && map.keys().all(|k| matches!(k.as_str(), "schema" | "name" | "args" | "dims")))
}

fn name_of(value: &Value) -> Option<&str> {
    value.get("name").and_then(Value::as_str)
}

fn named(list: &[Value]) -> bool {
    let mut names: Vec<_> = list.iter().filter_map(name_of).collect();
    let n = names.len();
    names.sort_unstable();
    names.dedup();
    n == list.len() && names.len() == n
}

/// A value as a reader would say it.
fn words(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Array(list) => list.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(map) if map.contains_key("text") => words(&map["text"]),
        Value::Object(map) if map.contains_key("ty") => {
            let mut text = words(&map["ty"]);
            if !map.get("nullable").is_some_and(|v| *v == Value::Bool(true)) {
                text.push_str(" not null");
            }
            if let Some(default) = map.get("default") {
                text.push_str(" default ");
                text.push_str(&words(default));
            }
            text
        }
        Value::Object(map) if is_leaf(map) => {
            let part = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
            let mut text = if part("schema").is_empty() { String::new() } else { format!("{}.", part("schema")) };
            text.push_str(part("name"));
            if let Some(Value::Array(args)) = map.get("args") {
                text.push_str(&format!("({})", args.iter().map(words).collect::<Vec<_>>().join(",")));
            }
            for _ in 0..map.get("dims").and_then(Value::as_u64).unwrap_or(0) {
                text.push_str("[]");
            }
            text
        }
        Value::Object(map) => {
            let all = map.iter().map(|(key, value)| match value {
                Value::Bool(true) => key.replace('_', " "),
                _ => format!("{} {}", key.replace('_', " "), words(value)),
            });
            all.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How many characters of a value a reader is shown.
const LONG: usize = 160;

/// The character to show two texts from: the first, or a little before the first that differs where that would be cut off.
fn where_they_part(a: &str, b: &str) -> usize {
    const BEFORE: usize = 40;
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    if same + BEFORE / 2 < LONG { 0 } else { same - BEFORE }
}

/// What stands from a character on, with `…` for what is left out.
fn excerpt(text: &str, start: usize) -> String {
    let mut rest = text.chars().skip(start);
    let mut out = if start > 0 { "…".to_owned() } else { String::new() };
    out.extend(rest.by_ref().take(LONG));
    if rest.next().is_some() {
        out.push('…');
    }
    out
}
