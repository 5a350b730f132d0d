//! The start page, and what the project's rules, indexes, workflows and migrations come to.

use super::Room;
use super::api::fenced;
use crate::access;
use crate::claims;
use crate::text;
use specc_model::{Entity, Rls};
use specc_syntax::ast::DataClass;
use std::fmt::Write;

fn entities<'r>(room: &Room<'r, '_>) -> impl Iterator<Item = &'r Entity> {
    room.book.own.iter().map(|id| room.book.model.entity(*id))
}

/// `README.md`
pub fn start(room: &Room<'_, '_>) -> String {
    let mut out = format!("# {}: where to start\n\n", text::plain(&room.book.project));
    text::head(&mut out, &["Who", "Starts with"]);
    let mut guides = vec!["[API](api/README.md)".to_owned()];
    if room.book.is_supabase() {
        guides.extend(["[React](react.md)".to_owned(), "[Next.js](nextjs.md)".to_owned()]);
    }
    let servers = ["[sqlx](sqlx.md)", "[psql](psql.md)", "[troubleshooting](troubleshooting.md)"].map(str::to_owned);
    let roles: Vec<String> =
        room.book.roles_of_pages().iter().map(|role| room.link(&text::code(&role.name), &role.path)).collect();
    let rows: [(&str, Vec<String>); 5] = [
        ("who writes a front end", guides),
        ("who writes a server", servers.to_vec()),
        (
            "who reviews access",
            ["[security](security.md)".to_owned(), room.link("access", "access.md")].into_iter().chain(roles).collect(),
        ),
        (
            "who runs the database",
            ["[runbooks](runbooks.md)", "[calendar](calendar.md)", "[performance](performance.md)"]
                .map(str::to_owned)
                .to_vec(),
        ),
        ("who plans the product", vec!["[features](features.md)".to_owned(), "[changes](changes.md)".to_owned()]),
    ];
    for (who, pages) in rows {
        text::row(&mut out, [who.to_owned(), pages.join(", ")]);
    }
    if room.package.schema.is_some() {
        out.push_str("\n[schema.sql](schema.sql) is the whole schema as one file.\n");
    }
    out
}

/// `security.md`
pub fn security(room: &Room<'_, '_>) -> String {
    let book = room.book;
    let mut out = String::from("# Security\n\n## The model\n\n");
    out.push_str(
        "Access is decided in the database, for each row and each role, and nowhere else: whatever asks, a front end, a server or a person \
         at a prompt, is a role and gets what that role's rules let through. What neither a rule nor a grant opens to a role is closed to it.\n\n",
    );
    if let Some(viewer) = book.model.viewer {
        let _ =
            writeln!(out, "`viewer` in a rule is the {} row of who asks.\n", book.link(viewer, &room.package.to_docs));
    }
    out.push_str("## Roles\n\n");
    text::head(&mut out, &["Role", "Has the rights of", "Row level security"]);
    for role in book.roles_of_pages() {
        let others = role.acts_as.iter().filter(|name| **name != role.name).map(|name| text::code(name));
        let others: Vec<String> = others.collect();
        let bound = if role.bypasses { "does not bind it" } else { "binds it" };
        text::row(&mut out, [room.link(&text::code(&role.name), &role.path), others.join(", "), bound.to_owned()]);
    }
    out.push_str("\n## Rules\n\n");
    for entity in entities(room) {
        let _ = writeln!(out, "### {}\n", book.link(entity.id, &room.package.to_docs));
        if entity.rls == Rls::Off {
            out.push_str("Row level security is off: what is granted is all there is.\n\n");
            continue;
        }
        if !entity.rules.iter().any(|rule| !rule.forbid) {
            let _ = writeln!(out, "No rule opens it: {}.\n", access::nobody_but(book, entity));
        }
        for rule in &entity.rules {
            let word = if rule.forbid { "narrows" } else { "allows" };
            let _ = writeln!(out, "- {word}: {}", access::words(book, Some(entity), rule));
        }
        if !entity.rules.is_empty() {
            out.push('\n');
        }
    }
    classes(room, &mut out);
    past(room, &mut out);
    out.push_str("## What is proven\n\n");
    let promises: Vec<String> = entities(room)
        .flat_map(|entity| {
            let link = book.link(entity.id, &room.package.to_docs);
            entity.promises.iter().map(move |promise| format!("- {link}: {}", text::title(&promise.text)))
        })
        .collect();
    if promises.is_empty() {
        out.push_str("The spec makes no promises.\n\n");
    } else {
        let _ = writeln!(
            out,
            "`specc prove` decides each of these for every database there can be and every role that rules bind:\n\n{}\n",
            promises.join("\n")
        );
    }
    out.push_str("## What is accepted\n\n");
    if book.accepted.is_empty() {
        out.push_str("No warning of the compiler is accepted.\n");
    } else {
        text::head(&mut out, &["Warning", "What", "Where", "Why"]);
        for one in book.accepted {
            let what = text::prose(&one.message).into_owned();
            let warning = format!("`{}` {}", one.code, one.title);
            text::row(&mut out, [warning, what, text::code(&one.place), text::sentence(&one.reason)]);
        }
    }
    out
}

/// Columns that hold something of a person, or a secret.
fn classes(room: &Room<'_, '_>, out: &mut String) {
    let book = room.book;
    let mut rows: Vec<[String; 3]> = Vec::new();
    let word = |class: DataClass| match class {
        DataClass::Pii => "personal".to_owned(),
        DataClass::Secret => "secret".to_owned(),
    };
    for entity in entities(room) {
        for (class, field) in entity.fields.iter().filter_map(|field| Some((field.class?, field))) {
            rows.push([book.link(entity.id, &room.package.to_docs), text::code(&field.name), word(class)]);
        }
    }
    for view in book.own_views() {
        for ((name, _), class) in view.output.iter().zip(&view.classes) {
            if let Some(class) = class {
                rows.push([text::code(&text::short(book.model, &view.name)), text::code(name), word(*class)]);
            }
        }
    }
    if rows.is_empty() {
        return;
    }
    out.push_str("## Personal data and secrets\n\n");
    text::head(out, &["Table or view", "Column", "Class"]);
    rows.iter().for_each(|row| text::row(out, row));
    out.push('\n');
}

/// What runs past the rules: functions and views that have their owner's rights, and public files.
fn past(room: &Room<'_, '_>, out: &mut String) {
    let book = room.book;
    let mut rows: Vec<[String; 3]> = Vec::new();
    for function in book.own_functions().filter(|function| function.security_definer) {
        let Some(found) = book.routine(function) else { continue };
        let callers = book.roles_of_pages().iter().filter(|role| role.rights.calls(found));
        let callers: Vec<String> = callers.map(|role| text::code(&role.name)).collect();
        let name = text::code(&text::short(book.model, &function.name));
        rows.push([name, "function with its owner's rights".to_owned(), callers.join(", ")]);
    }
    for view in book.own_views().filter(|view| view.security_definer || view.materialized) {
        let readers = book.roles_of_pages().iter().filter(|role| book.reads(role, view));
        let what = if view.materialized { "view whose rows are stored" } else { "view with its owner's rights" };
        let readers: Vec<String> = readers.map(|role| text::code(&role.name)).collect();
        rows.push([text::code(&text::short(book.model, &view.name)), what.to_owned(), readers.join(", ")]);
    }
    for bucket in book.model.buckets.iter().filter(|bucket| bucket.public) {
        let what = "files that anybody reads whose address is known".to_owned();
        rows.push([text::code(&bucket.name), what, "everybody".to_owned()]);
    }
    if rows.is_empty() {
        return;
    }
    out.push_str("## What the rules of tables do not bind\n\n");
    text::head(out, &["Name", "What it is", "Reached by"]);
    for row in &mut rows {
        if row[2].is_empty() {
            row[2].push_str("its owner only");
        }
        text::row(out, row);
    }
    out.push('\n');
}

/// `performance.md`
pub fn performance(room: &Room<'_, '_>) -> String {
    let book = room.book;
    let mut out = String::from(
        "# Performance\n\nAn index is there for a reason, and costs a little with each row that is written. A query that filters or orders by \
         something that is not in these lists reads the whole table. `explain (analyze, buffers)` shows which index a query takes; try it as \
         the role that asks, for its rules are part of the query.\n\n",
    );
    for entity in entities(room) {
        let _ = writeln!(out, "## {}\n", book.link(entity.id, &room.package.to_docs));
        let keys =
            entity.key.iter().map(|key| (&key.name, book.columns(entity, &key.fields), "finds a row by its key"));
        let mut rows: Vec<[String; 3]> =
            keys.map(|(name, over, why)| [text::code(name), over, why.to_owned()]).collect();
        for unique in &entity.uniques {
            let over = crate::behaviour::elements(entity, &unique.elements);
            rows.push([
                text::code(&unique.name),
                over,
                "holds that no two rows are the same in it, and finds them".to_owned(),
            ]);
        }
        rows.extend(crate::entity::indexes_of(book, entity, &room.package.to_docs));
        if rows.is_empty() {
            out.push_str("It has no index: every query reads the whole table.\n");
        } else {
            text::head(&mut out, &["Index", "Over", "Why"]);
            rows.iter().for_each(|row| text::row(&mut out, row));
        }
        out.push('\n');
    }
    out
}

/// `features.md`
pub fn features(room: &Room<'_, '_>) -> String {
    let book = room.book;
    let docs = &room.package.to_docs;
    let mut out = String::from("# Features\n\nWhat the database holds to, in words, for who plans the product.\n\n");
    let mut any = false;
    for entity in entities(room) {
        let mut lines: Vec<String> = Vec::new();
        for workflow in &entity.workflows {
            let column = text::code(&entity.fields[workflow.field].name);
            let steps = workflow.steps.iter().map(|step| {
                let when =
                    step.when.as_ref().map(|when| format!(" when {}", text::code(&when.text))).unwrap_or_default();
                let doc = step.doc.as_deref().map(|doc| format!(" ({})", text::sentence(doc))).unwrap_or_default();
                format!("  - from {} to {}{when}{doc}", text::code(&step.from), text::code(&step.to))
            });
            let steps: Vec<String> = steps.collect();
            lines.push(format!("- {column} goes these ways and no others:\n{}", steps.join("\n")));
            let ends = claims::workflow_words(book, entity, workflow);
            lines.extend(ends.iter().map(|sentence| format!("- {sentence}.")));
        }
        lines.extend(crate::behaviour::limits(book, entity).iter().map(|limit| format!("- {limit}")));
        lines.extend(entity.promises.iter().map(|promise| format!("- Promise: {}", text::title(&promise.text))));
        if lines.is_empty() {
            continue;
        }
        any = true;
        let _ = writeln!(out, "## {}\n", book.link(entity.id, docs));
        if let Some(doc) = &entity.meta.doc {
            let _ = writeln!(out, "{}\n", text::sentence(doc));
        }
        let _ = writeln!(out, "{}\n", lines.join("\n"));
    }
    if !any {
        out.push_str("The spec has no workflow, no limit and no promise.\n");
    }
    out
}

/// `changes.md`
pub fn changes(room: &Room<'_, '_>) -> String {
    let mut out = String::from("# Changes\n\n");
    if room.package.migrations.is_empty() {
        out.push_str("There is no migration yet.\n");
        return out;
    }
    out.push_str(
        "What each migration says of itself, the newest first. What a release changes is what stands above the last migration that the \
         release before it had: `specc status` names that one.\n\n",
    );
    for (name, contents) in room.package.migrations.iter().rev() {
        let _ = writeln!(out, "## {}\n", text::plain(name));
        let head = contents.lines().map_while(|line| line.strip_prefix("--"));
        let head: Vec<&str> = head.map(str::trim_end).collect();
        fenced(
            &mut out,
            "text",
            &head.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n"),
        );
    }
    out
}
