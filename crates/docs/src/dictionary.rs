//! `dictionary.md`: every name and what it means.

use crate::book::{Book, RoleColumn, is_own};
use crate::{claims, text};
use rayon::prelude::*;
use specc_model::{Function, Meta, Returns};
use std::fmt::Write;

/// The page.
pub fn page(book: &Book<'_>) -> String {
    let mut out = String::from("# Dictionary\n\n");
    let mut own = book.own.clone();
    own.sort_by(|a, b| book.label(*a).cmp(book.label(*b)));
    if !own.is_empty() {
        out.push_str("## Entities\n\n");
        let parts: Vec<String> = own.par_iter().map(|id| entity(book, *id)).collect();
        out.push_str(&parts.concat());
    }
    enums(book, &mut out);
    types(book, &mut out);
    views(book, &mut out);
    functions(book, &mut out);
    out
}

fn entity(book: &Book<'_>, id: specc_model::EntityId) -> String {
    let entity = book.model.entity(id);
    let mut out = format!("### {}\n\n", book.link(id, ""));
    doc(&mut out, &entity.meta);
    text::head(&mut out, &["Column", "Type", "Meaning"]);
    let mut fields: Vec<_> = entity.fields.iter().enumerate().collect();
    fields.sort_by(|a, b| a.1.name.cmp(&b.1.name));
    for (place, field) in fields {
        let mut ty = text::ty(book.model, &field.ty);
        if field.nullable {
            ty.push('?');
        }
        let meaning = match (&field.meta.doc, book.reference(id, place)) {
            (Some(doc), _) => text::sentence(doc),
            (None, Some(relation)) => format!("Refers to {}.", book.link(relation.to, "")),
            (None, None) => String::new(),
        };
        text::row(&mut out, [text::code(&field.name), text::code(&ty), meaning]);
    }
    out.push('\n');
    out
}

fn doc(out: &mut String, meta: &Meta) {
    if let Some(doc) = &meta.doc {
        let _ = writeln!(out, "{}\n", text::sentence(doc));
    }
}

fn enums(book: &Book<'_>, out: &mut String) {
    let mut enums: Vec<_> = book.model.enums.iter().filter(|e| is_own(&e.meta)).collect();
    enums.sort_by_key(|e| text::short(book.model, &e.name));
    if enums.is_empty() {
        return;
    }
    out.push_str("## Enums\n\n");
    for declared in enums {
        let _ = writeln!(out, "### {}\n", text::code(&text::short(book.model, &declared.name)));
        doc(out, &declared.meta);
        text::head(out, &["Label", "Meaning"]);
        for label in &declared.labels {
            text::row(out, [text::code(&label.name), label.doc.as_deref().map(text::sentence).unwrap_or_default()]);
        }
        out.push('\n');
    }
}

fn types(book: &Book<'_>, out: &mut String) {
    let model = book.model;
    let mut rows: Vec<[String; 4]> = Vec::new();
    for domain in model.domains.iter().filter(|d| is_own(&d.meta)) {
        let mut what = vec![format!("domain over {}", text::code(&text::ty(model, &domain.base)))];
        what.extend(domain.default.iter().map(|d| format!("default {}", text::code(&d.text))));
        let checks =
            domain.checks.iter().map(|check| format!("{}: {}", text::code(&check.name), text::code(&check.expr.text)));
        let meaning = domain.meta.doc.as_deref().map(text::sentence).unwrap_or_default();
        rows.push([
            text::short(model, &domain.name),
            what.join(", "),
            checks.collect::<Vec<_>>().join("<br>"),
            meaning,
        ]);
    }
    for composite in model.composites.iter().filter(|c| is_own(&c.meta)) {
        let fields = composite
            .fields
            .iter()
            .map(|(name, ty, _)| format!("{} {}", text::code(name), text::code(&text::ty(model, ty))));
        let what = format!("composite of {}", fields.collect::<Vec<_>>().join(", "));
        let meaning = composite.meta.doc.as_deref().map(text::sentence).unwrap_or_default();
        rows.push([text::short(model, &composite.name), what, String::new(), meaning]);
    }
    for sequence in model.sequences.iter().filter(|s| is_own(&s.meta)) {
        let meaning = sequence.meta.doc.as_deref().map(text::sentence).unwrap_or_default();
        rows.push([text::short(model, &sequence.name), "sequence".into(), String::new(), meaning]);
    }
    if rows.is_empty() {
        return;
    }
    rows.sort();
    out.push_str("## Types and sequences\n\n");
    text::head(out, &["Name", "What it is", "Checks", "Meaning"]);
    for [name, what, checks, meaning] in rows {
        text::row(out, [text::code(&name), what, checks, meaning]);
    }
    out.push('\n');
}

fn views(book: &Book<'_>, out: &mut String) {
    let mut views: Vec<_> = book.model.views.iter().filter(|v| is_own(&v.meta)).collect();
    views.sort_by_key(|v| text::short(book.model, &v.name));
    if views.is_empty() {
        return;
    }
    out.push_str("## Views\n\n");
    for view in views {
        let _ = writeln!(out, "### {}\n", text::code(&text::short(book.model, &view.name)));
        doc(out, &view.meta);
        let kind = if view.materialized { "Materialized view" } else { "View" };
        let refresh = view.refresh.as_ref().map(|cron| format!(", refreshed at {}", text::code(cron)));
        let _ = writeln!(out, "{kind}{}.\n", refresh.unwrap_or_default());
        let columns = claims::of_view(book, view);
        columns.iter().for_each(|claim| {
            let _ = writeln!(out, "- {}", claim.words());
        });
        if !columns.is_empty() {
            out.push('\n');
        }
    }
}

fn functions(book: &Book<'_>, out: &mut String) {
    let mut functions: Vec<_> = book.model.functions.iter().filter(|f| is_own(&f.meta)).collect();
    functions.sort_by_key(|f| text::short(book.model, &f.name));
    if functions.is_empty() {
        return;
    }
    out.push_str("## Functions\n\n");
    for function in functions {
        let _ = writeln!(out, "### {}\n", text::code(&signature(book, function)));
        doc(out, &function.meta);
        let routine = book.routine(function);
        let calls = |role: &&RoleColumn<'_>| routine.is_some_and(|routine| role.rights.calls(routine));
        let roles: Vec<String> =
            book.roles_of_pages().iter().filter(calls).map(|role| text::code(&role.name)).collect();
        let is_trigger = matches!(&function.returns, Some(Returns::Pseudo(name)) if name == "trigger");
        let callers = if is_trigger {
            "triggers".to_owned()
        } else if roles.is_empty() {
            "its owner only".to_owned()
        } else {
            text::and(&roles)
        };
        let kind = if function.procedure { "Procedure" } else { "Function" };
        let rights = if function.security_definer { "; it runs with the rights of its owner" } else { "" };
        let _ = writeln!(out, "{kind} in {}, called by {callers}{rights}.\n", function.language);
    }
}

/// `name(param: type) -> type`
pub fn signature(book: &Book<'_>, function: &Function) -> String {
    let model = book.model;
    let params = function.params.iter().map(|p| {
        let mode = if p.mode == "in" || p.mode.is_empty() { String::new() } else { format!("{} ", p.mode) };
        let name = if p.name.is_empty() { String::new() } else { format!("{}: ", p.name) };
        format!("{mode}{name}{}", text::ty(model, &p.ty))
    });
    let returns = match &function.returns {
        None => String::new(),
        Some(Returns::Type(ty)) => format!(" -> {}", text::ty(model, ty)),
        Some(Returns::SetOf(ty)) => format!(" -> setof {}", text::ty(model, ty)),
        Some(Returns::Table(columns)) => {
            let columns = columns.iter().map(|(name, ty)| format!("{name}: {}", text::ty(model, ty)));
            format!(" -> table ({})", columns.collect::<Vec<_>>().join(", "))
        }
        Some(Returns::Pseudo(name)) => format!(" -> {name}"),
    };
    format!("{}({}){returns}", text::short(model, &function.name), params.collect::<Vec<_>>().join(", "))
}
