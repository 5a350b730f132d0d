//! What the text says, compared with what it should.

use crate::same;
use crate::state::State;
use crate::text::Text;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Entry, Kind, Object, ObjectId};
use specc_diag::{Diagnostic, Severity, Sources};
use specc_model::Options;

/// The catalog of some files, and their findings that are errors.
pub(crate) struct Compiled {
    pub catalog: Catalog,
    pub errors: Vec<Diagnostic>,
}

/// Reads files as a build would.
pub(crate) fn read(files: &[(String, &str)], options: &Options) -> Compiled {
    let mut sources = Sources::new();
    let (mut trees, mut found) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let file = sources.add(name.clone(), (*text).to_owned());
        let (tree, findings) = specc_syntax::parse(file, text);
        trees.push(tree);
        found.extend(findings);
    }
    let (model, findings) = specc_model::analyze(trees, &mut sources, options.clone());
    found.extend(findings);
    let error = |d: &Diagnostic| d.severity() == Severity::Error;
    let mut catalog = Catalog::new();
    if !found.iter().any(error) {
        let (lowered, findings) = specc_lower::lower(&model);
        catalog = lowered;
        found.extend(findings);
    }
    found.retain(error);
    Compiled { catalog, errors: found }
}

/// Says in another way whatever has an error, or means something else. False where all is well; what cannot be helped
/// goes to `problems`.
pub(crate) fn check(state: &mut State<'_>, texts: &[Text], compiled: &Compiled, problems: &mut Vec<String>) -> bool {
    let mut changed = false;
    if !compiled.errors.is_empty() {
        let mut raised: Vec<ObjectId> = Vec::new();
        for found in &compiled.errors {
            let span = found.span();
            let id = texts.get(span.file.0 as usize).and_then(|text| text.at(span.start as usize)).cloned();
            let id = id.map(|id| match id.kind {
                Kind::Table if !id.part.is_empty() => {
                    (ObjectId { part: SmolStr::default(), ..id.clone() }, Some(id.part))
                }
                _ => (id, None),
            });
            if let Some((table, Some(column))) = &id
                && (raised.contains(table) || state.escape(table, column))
            {
                changed = true;
                continue;
            }
            match id.map(|(id, _)| id) {
                Some(id) if raised.contains(&id) => changed = true,
                Some(id) if state.catalog.contains(&id) && state.raise(&id, &found.message) => {
                    raised.push(id);
                    changed = true;
                }
                _ => problems.push(format!("{}: {}", found.code.name(), found.message)),
            }
        }
        return changed;
    }
    let mut wrong: Vec<(ObjectId, String)> = Vec::new();
    let mut comments = Vec::new();
    for (id, entry) in state.catalog.iter() {
        if !state.is_typed(id) {
            continue;
        }
        match compiled.catalog.get(id) {
            None => wrong.push((id.clone(), "no construct says it where it belongs".to_owned())),
            Some(said) => compare(state, id, entry, said, &mut wrong, &mut comments),
        }
    }
    changed |= !wrong.is_empty() || !comments.is_empty();
    for (id, why) in wrong {
        let columns = match (state.entry(&id).map(|e| &e.object), compiled.catalog.get(&id).map(|e| &e.object)) {
            (Some(Object::Table(a)), Some(Object::Table(b))) => same::columns(a, b),
            _ => Vec::new(),
        };
        let escaped = columns.iter().filter(|column| state.escape(&id, column)).count();
        if escaped == 0 {
            state.raise(&id, &why);
        }
    }
    for (id, column) in comments {
        match column {
            Some(column) => drop(state.column_comments.insert((id, column))),
            None => drop(state.comments.insert(id)),
        }
    }
    if !changed {
        if let (Err(cycle), Ok(_)) = (specc_catalog::order(&compiled.catalog), specc_catalog::order(state.catalog)) {
            problems.push(cycle.to_string());
        }
        for (id, entry) in compiled.catalog.iter() {
            if !matches!(entry.object, Object::Sql(_)) && !state.catalog.contains(id) {
                problems.push(format!("the text makes a {id} that is not there"));
            }
        }
    }
    changed
}

type Comment = (ObjectId, Option<SmolStr>);

fn compare(
    state: &State<'_>,
    id: &ObjectId,
    entry: &Entry,
    said: &Entry,
    wrong: &mut Vec<(ObjectId, String)>,
    comments: &mut Vec<Comment>,
) {
    if let Some(what) = same::difference(&entry.object, &said.object) {
        wrong.push((id.clone(), what));
        return;
    }
    if entry.owner != said.owner {
        wrong.push((id.clone(), "no construct says whose it is".to_owned()));
        return;
    }
    if entry.comment != said.comment && !state.comments.contains(id) && has_comment(&entry.object) {
        comments.push((id.clone(), None));
    }
    if let (Object::Table(a), Object::Table(b)) = (&entry.object, &said.object) {
        for (mine, theirs) in a.columns.iter().zip(&b.columns) {
            let key = (id.clone(), mine.name.clone());
            if mine.comment != theirs.comment && !state.column_comments.contains(&key) {
                comments.push((key.0, Some(key.1)));
            }
        }
    }
}

/// `comment on` knows it.
fn has_comment(object: &Object) -> bool {
    !matches!(
        object,
        Object::Bucket(_) | Object::Job(_) | Object::PublicationTable(_) | Object::Grant(_) | Object::Sql(_)
    )
}
