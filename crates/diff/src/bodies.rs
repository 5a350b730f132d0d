//! Functions and views that Postgres has read: what they say is compared by what their names are to, not by how those are
//! spelled, and what is called after its body is found again by it.

use crate::names::{Names, Texts, names};
use crate::rename::Renamed;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_analysis::catalog::Known;
use specc_analysis::{Analysis, Target};
use specc_catalog::{Body, Catalog, Entry, Kind, Object, ObjectId};

/// The text that Postgres has read.
fn text(object: &Object) -> Option<&SmolStr> {
    match object {
        Object::Function(o) => match &o.body {
            Body::Atomic(text) => Some(text),
            Body::Text(_) | Body::Exact(_) => None,
        },
        Object::View(o) if !o.materialized => Some(&o.query),
        _ => None,
    }
}

/// The same, and that of a materialized view.
fn read(object: &Object) -> Option<&SmolStr> {
    match object {
        Object::View(o) => Some(&o.query),
        other => text(other),
    }
}

fn set_text(object: &mut Object, new: SmolStr) {
    match object {
        Object::Function(o) => o.body = Body::Atomic(new),
        Object::View(o) => o.query = new,
        _ => {}
    }
}

/// Columns that are called otherwise, by their new and their old names.
type Called = FxHashSet<(SmolStr, SmolStr)>;

/// The columns in a text that are called otherwise now.
fn called(found: &Analysis, now: &Names) -> Called {
    let columns = found.references.iter().filter_map(|reference| match &reference.target {
        Target::Column(_, was) => now.target(&reference.target).map(|(_, name)| (name, was.clone())),
        _ => None,
    });
    columns.collect()
}

/// Where `as name` ends behind a column, and the name.
fn alias(text: &str, from: usize) -> Option<(usize, SmolStr)> {
    let rest = text.get(from..)?;
    let word = rest.trim_start();
    let name = word.get(..2).filter(|word| word.eq_ignore_ascii_case("as")).map(|_| word[2..].trim_start())?;
    let start = text.len() - name.len();
    if let Some(quoted) = name.strip_prefix('"') {
        let end = quoted.find('"')?;
        return Some((start + end + 2, quoted[..end].into()));
    }
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
    (end > 0 && start > from + 2).then(|| (start + end, name[..end].to_lowercase().into()))
}

/// A text with every name written out, as it is called now. A column that goes on under its old name, as one of `called` may,
/// is written like one that has no other name.
fn spelled_out(text: &str, found: &Analysis, now: Option<&Names>, called: &Called) -> String {
    let mut out = String::new();
    let mut copied = 0;
    for reference in &found.references {
        if reference.start < copied {
            continue;
        }
        let new = now.and_then(|names| names.target(&reference.target));
        let written = match (&reference.target, new) {
            // A qualifier that stands for a row is written like the row.
            (Target::Columns(_), _) => continue,
            (Target::Column(..) | Target::Label(..), Some((_, name))) => name.to_string(),
            (Target::Column(_, name) | Target::Label(_, name), None) => name.to_string(),
            (_, Some((schema, name))) => format!("{schema}.{name}"),
            (
                Target::Relation(name)
                | Target::Function(name, _)
                | Target::Type(name)
                | Target::Collation(name)
                | Target::Configuration(name),
                None,
            ) => format!("{}.{}", name.schema, name.name),
        };
        out.push_str(&text[copied..reference.start]);
        out.push('\u{1}');
        out.push_str(&written);
        out.push('\u{1}');
        copied = reference.end;
        if let Target::Column(_, name) = &reference.target
            && let Some((end, alias)) = alias(text, reference.end)
            && called.contains(&(name.clone(), alias))
        {
            copied = end;
        }
    }
    out.push_str(&text[copied..]);
    out
}

impl Names {
    /// Takes the spelling of now where an object says the same: a table that goes to another schema is written with that.
    pub fn spell(&self, old: &Entry, now: &mut Entry, to: &Catalog, texts: &Texts<'_>) {
        // Postgres keeps the names that a body had for its rows and columns: with a new name of its own it is made again in
        // its place.
        if let (Object::Function(was), Object::Function(now)) = (&old.object, &mut now.object)
            && self.others.contains_key(&(Kind::Function, was.schema.clone(), was.name.clone()))
        {
            now.body.clone_from(&was.body);
            return;
        }
        let Some(before) = read(&old.object).filter(|before| self.touches(before)) else { return };
        let Some(after) = to.get(&now.object.id()).map(|entry| &entry.object) else { return };
        let Some(new) = read(after).filter(|new| read(&now.object) != Some(*new)) else { return };
        let (was, is) = match (&old.object, after) {
            (Object::Function(a), Object::Function(b)) => (texts.from.of_body(a), texts.to.of_body(b)),
            (Object::View(a), Object::View(b)) => {
                let (was, is) = (texts.from.of_query(&a.query), texts.to.of_query(&b.query));
                // A view goes on to call its own columns as before.
                if names(&was).is_none() || names(&was) != names(&is) {
                    return;
                }
                (Some(was), Some(is))
            }
            _ => return,
        };
        let (Some(was), Some(is)) = (was, is) else { return };
        let called = called(&was, self);
        let plain = Called::default();
        if !was.unread
            && !is.unread
            && spelled_out(before, &was, Some(self), &plain) == spelled_out(new, &is, None, &called)
        {
            set_text(&mut now.object, new.clone());
        }
    }

    /// What is called after its body has another name where names in the body have, and is the same: helpers of policies.
    /// A row that is called like its table is called otherwise with it.
    pub fn follow_bodies(&mut self, from: &Catalog, to: &Catalog, texts: &Texts<'_>, renamed: &mut Vec<Renamed>) {
        type Key = (Kind, SmolStr, String);
        let mut new: FxHashMap<Key, Vec<(&ObjectId, &Entry)>> = FxHashMap::default();
        for (id, entry) in to.iter().filter(|(id, _)| !from.contains(id)) {
            if let Some(text) = said(&entry.object, &texts.to, None) {
                new.entry((id.kind, id.schema.clone(), text)).or_default().push((id, entry));
            }
        }
        if new.is_empty() {
            return;
        }
        // What another one calls is found before that.
        loop {
            let mut found: Vec<(ObjectId, ObjectId)> = Vec::new();
            for (id, entry) in from.iter() {
                if !text(&entry.object).is_some_and(|text| self.touches(text)) {
                    continue;
                }
                let mut now = entry.clone();
                self.entry(&mut now, texts);
                let called = now.object.id();
                if to.contains(&called) {
                    continue;
                }
                let Some(said) = said(&entry.object, &texts.from, Some(self)) else { continue };
                let Some(candidates) = new.get(&(called.kind, called.schema, said)) else { continue };
                let same = candidates.iter().find(|(id, other)| {
                    let mut now = now.object.clone();
                    call(&mut now, &id.name);
                    if let Some(text) = text(&other.object) {
                        set_text(&mut now, text.clone());
                    }
                    now == other.object
                });
                if let Some((other, _)) = same {
                    found.push((id.clone(), (*other).clone()));
                }
            }
            // One name is one name, whatever the parameters.
            let one = |(was, now): &(ObjectId, ObjectId)| {
                let is = |id: &ObjectId| id.kind == was.kind && id.schema == was.schema && id.name == was.name;
                let all = from.iter().filter(|(id, _)| is(id)).count();
                all == found.iter().filter(|(other, new)| is(other) && new.name == now.name).count()
            };
            let found: Vec<(ObjectId, ObjectId)> = found.iter().filter(|pair| one(pair)).cloned().collect();
            if found.is_empty() {
                return;
            }
            for (was, now) in found {
                let id = ObjectId { name: was.name.clone(), ..now.clone() };
                self.add(&was, &now);
                renamed.push(Renamed { id, now, part: None });
            }
        }
    }
}

/// What an object's text says, however its names are spelled.
fn said(object: &Object, known: &Known<'_>, now: Option<&Names>) -> Option<String> {
    let found = match object {
        Object::Function(o) => known.of_body(o)?,
        Object::View(o) => known.of_query(&o.query),
        _ => return None,
    };
    let out = spelled_out(text(object)?, &found, now, &Called::default());
    Some(if matches!(object, Object::Function(_)) { rows_by_number(&out) } else { out })
}

/// A text with the rows of `… as row` by their number.
fn rows_by_number(text: &str) -> String {
    const AS: &str = "\u{1} as ";
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = text.to_owned();
    for (number, (at, _)) in text.match_indices(AS).enumerate() {
        let rest = &text[at + AS.len()..];
        let row = match rest.strip_prefix('"').and_then(|rest| rest.find('"')) {
            Some(end) => &rest[..end + 2],
            None => &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())],
        };
        if row.is_empty() {
            continue;
        }
        let numbered = format!("\u{2}{number}");
        out = out.replace(&format!("{AS}{row}"), &format!("{AS}{numbered}"));
        // Before a dot, and no end of a longer name.
        let (mut next, mut copied) = (String::new(), 0);
        let dotted = format!("{row}.");
        for (at, _) in out.match_indices(&dotted) {
            if at < copied || out[..at].ends_with(|c: char| is_word(c) || c == '.' || c == '"' || c == '\u{1}') {
                continue;
            }
            next.push_str(&out[copied..at]);
            next.push_str(&numbered);
            copied = at + row.len();
        }
        next.push_str(&out[copied..]);
        out = next;
    }
    out
}

fn call(object: &mut Object, name: &SmolStr) {
    match object {
        Object::Function(o) => o.name = name.clone(),
        Object::View(o) => o.view.name = name.clone(),
        _ => {}
    }
}
