//! `roles/`: a page for each role, with all that it gets at, and by which rule.

use crate::access;
use crate::book::{Book, RoleColumn, SERVICE};
use crate::claims::{self, Says};
use crate::dictionary;
use crate::text;
use specc_model::{Entity, EntityId, Function, Target, effective};
use std::fmt::Write;

/// The page of a role.
pub fn page(book: &Book<'_>, role: &RoleColumn<'_>) -> String {
    let mut out = format!("# What {} may do\n\n", text::code(&role.name));
    match (book.model.options.target, role.name.as_str()) {
        (Target::Supabase, "anon") => out.push_str("Whoever reaches the API without a session: the public.\n\n"),
        (Target::Supabase, "authenticated") => out.push_str("Whoever is signed in.\n\n"),
        (Target::Supabase, SERVICE) => {
            out.push_str("Servers of the project, with the key that is never given to a client.\n\n");
        }
        _ => {}
    }
    let others: Vec<String> = role
        .acts_as
        .iter()
        .filter(|name| **name != role.name && *name != effective::PUBLIC)
        .map(|n| text::code(n))
        .collect();
    if !others.is_empty() {
        let _ = writeln!(out, "It has the rights of {} too.\n", text::and(&others));
    }
    if role.rights.is_superuser {
        out.push_str("It is a superuser: neither grants nor rules bind it.\n\n");
    } else if role.bypasses {
        out.push_str(
            "Row level security does not bind it: what is granted to it, it does to every row. What tables and triggers refuse to \
             everybody they refuse to this role too: constraints, steps that a workflow does not have, columns that do not \
             change, values that triggers keep.",
        );
        let truncates = |id: &EntityId| !role.rights.columns(&book.table(*id), "truncate").is_empty();
        if !book.own.iter().any(truncates) {
            out.push_str(" It cannot `truncate` a table (`42501`).");
        }
        out.push_str("\n\n");
    }
    let mut closed = Vec::new();
    for area in &book.areas {
        let mut section = String::new();
        for &id in &area.entities {
            let said = rows(book, book.model.entity(id), role);
            if said.is_empty() {
                closed.push(book.link(id, "../"));
            } else {
                let _ = writeln!(section, "### {}\n\n{said}", book.link(id, "../"));
            }
        }
        if !section.is_empty() {
            let _ = write!(out, "## {}\n\n{section}", text::plain(&area.name));
        }
    }
    views(book, role, &mut out);
    functions(book, role, &mut out);
    files(book, role, &mut out);
    if !closed.is_empty() {
        let _ = writeln!(out, "## Closed\n\nIt may do nothing with {}.", text::and(&closed));
    }
    out
}

/// What it may do with the rows of an entity, an item for each sentence, with the rules that decide; nothing where it may do nothing.
fn rows<'a>(book: &Book<'a>, entity: &'a Entity, role: &RoleColumn<'_>) -> String {
    let claims = claims::of_relation(book, role, &book.table(entity.id));
    if !claims.iter().any(|claim| matches!(claim.says, Says::May { .. })) {
        return String::new();
    }
    let mut out = String::new();
    for claim in claims {
        let verb = match &claim.says {
            // Said once for all tables.
            Says::NoTruncate => continue,
            Says::May { verb, .. } => Some(*verb),
            _ => None,
        };
        let rules = match verb {
            None => Vec::new(),
            Some(_) if !access::is_bound(book, entity, role) => {
                let why = if role.rights.owns(&book.table(entity.id)) { "it owns the table" } else { "by a grant" };
                vec![format!("{why}: no rule decides")]
            }
            Some(verb) => access::deciding(book, entity, role, claims::action(verb), usize::MAX),
        };
        let _ = writeln!(out, "- {}{}", claim.words(), if rules.is_empty() { "" } else { ":" });
        for rule in rules {
            let _ = writeln!(out, "  - {rule}");
        }
    }
    out
}

fn views(book: &Book<'_>, role: &RoleColumn<'_>, out: &mut String) {
    let mut views = book.own_views().filter(|view| book.reads(role, view)).peekable();
    if views.peek().is_none() {
        return;
    }
    out.push_str("## Views\n\n");
    text::head(out, &["View", "Whose rights"]);
    for view in views {
        text::row(out, [text::code(&text::short(book.model, &view.name)), access::rights(view).to_owned()]);
    }
    out.push('\n');
}

fn functions(book: &Book<'_>, role: &RoleColumn<'_>, out: &mut String) {
    let calls = |f: &&Function| book.routine(f).is_some_and(|found| role.rights.calls(found));
    let mut functions = book.own_functions().filter(calls).peekable();
    if functions.peek().is_none() {
        return;
    }
    out.push_str("## Functions\n\n");
    text::head(out, &["Function", "Whose rights", "Notes"]);
    for function in functions {
        let rights = match function.security_definer {
            true => "its owner's: the rules of its tables do not apply",
            false => "the caller's",
        };
        let doc = function.meta.doc.as_deref().map(text::sentence).unwrap_or_default();
        text::row(out, [text::code(&dictionary::signature(book, function)), rights.to_owned(), doc]);
    }
    out.push('\n');
}

fn files(book: &Book<'_>, role: &RoleColumn<'_>, out: &mut String) {
    let mut list = String::new();
    for bucket in &book.model.buckets {
        if bucket.public {
            let _ = writeln!(list, "- {}: anybody reads a file whose address is known", text::code(&bucket.name));
        }
        let binds = |rule: &&specc_model::Rule| effective::binds(book.model, rule, &role.acts_as);
        for rule in bucket.rules.iter().filter(binds) {
            let actions: Vec<&str> = rule.actions.iter().map(|(action, _)| text::verb(*action)).collect();
            let may = if rule.forbid { "may not" } else { "may" };
            let (bucket, name) = (text::code(&bucket.name), text::code(&rule.name));
            let limits = access::limits(rule, None, usize::MAX);
            let _ = writeln!(list, "- {bucket}: {may} {} files by {name}{limits}", text::and(&actions));
        }
    }
    if !list.is_empty() {
        let _ = writeln!(out, "## Files\n\n{list}");
    }
}
