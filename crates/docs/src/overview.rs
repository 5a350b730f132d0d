//! `README.md`: where to start.

use crate::book::Book;
use crate::mermaid;
use crate::text;
use std::fmt::Write;

/// More entities than this do not fit a diagram that a reader can follow (and Mermaid draws).
const MOST: usize = 60;

/// The page.
pub fn page(book: &Book<'_>) -> String {
    let model = book.model;
    let own = || book.own.iter().map(|id| model.entity(*id));
    let mut out = format!("# {}\n\n", text::plain(&book.project));
    let shipped = |area: &str| matches!(area, "std" | "platform");
    let functions = model.functions.iter().filter(|f| !shipped(&f.meta.area)).count();
    let counts = [
        (book.own.len(), "entity", "entities"),
        (own().map(|e| e.fields.len()).sum(), "column", "columns"),
        (own().map(|e| e.outgoing.len()).sum(), "relation", "relations"),
        (own().map(|e| e.rules.len()).sum(), "access rule", "access rules"),
        (own().map(|e| e.workflows.len()).sum(), "workflow", "workflows"),
        (model.enums.iter().filter(|e| !shipped(&e.meta.area)).count(), "enum", "enums"),
        (model.views.iter().filter(|v| !shipped(&v.meta.area)).count(), "view", "views"),
        (functions, "function", "functions"),
        (model.buckets.len(), "bucket", "buckets"),
        (model.schedules.len(), "schedule", "schedules"),
        (model.webhooks.len(), "webhook", "webhooks"),
    ];
    let words: Vec<String> =
        counts.iter().filter(|(n, _, _)| *n > 0).map(|(n, one, many)| text::count(*n, one, many)).collect();
    if words.is_empty() {
        out.push_str("Nothing is declared yet.\n\n");
    } else {
        let _ = writeln!(out, "{}. Generated from the spec; change the spec, not these pages.\n", text::and(&words));
    }
    let roles: Vec<String> =
        book.roles_of_pages().iter().map(|role| format!("[{}]({})", text::code(&role.name), role.path)).collect();
    let _ =
        writeln!(out, "- [Access](access.md): who may do what, and which rule says so; by role: {}", roles.join(", "));
    if !book.model.scenarios.is_empty() {
        out.push_str("- [Scenarios](scenarios.md): what people see and do, shown on rows\n");
    }
    out.push_str(
        "- [Workflows](workflows.md): the states that rows go through\n\
         - [Dictionary](dictionary.md): every name and what it means\n",
    );
    if book.is_drawn_whole() {
        out.push_str("- [Diagram of everything](erd.svg), the same [as Mermaid](erd.mmd)\n");
    }
    out.push('\n');
    if !book.areas.is_empty() {
        areas(book, &mut out);
    }
    diagram(book, &mut out);
    entities(book, &mut out);
    platform(book, &mut out);
    seeds(book, &mut out);
    accepted(book, &mut out);
    out
}

fn areas(book: &Book<'_>, out: &mut String) {
    out.push_str("## Areas\n\n");
    text::head(out, &["Area", "Entities", "Columns", "Relations", "Rules"]);
    for area in &book.areas {
        let entities = || area.entities.iter().map(|id| book.model.entity(*id));
        text::row(
            out,
            [
                format!("[{}]({})", text::plain(&area.name), area.path),
                area.entities.len().to_string(),
                entities().map(|e| e.fields.len()).sum::<usize>().to_string(),
                entities().map(|e| e.outgoing.len()).sum::<usize>().to_string(),
                entities().map(|e| e.rules.len()).sum::<usize>().to_string(),
            ],
        );
    }
    out.push('\n');
}

fn diagram(book: &Book<'_>, out: &mut String) {
    if book.own.is_empty() {
        return;
    }
    out.push_str("## Diagram\n\n");
    if book.own.len() > MOST {
        let or = if book.is_drawn_whole() { ", or the [drawing](erd.svg)" } else { "" };
        let _ = writeln!(out, "Too large to read in one piece: see the areas above{or}.\n");
        return;
    }
    let _ = writeln!(out, "```mermaid\n{}```\n", mermaid::whole(book));
}

fn entities(book: &Book<'_>, out: &mut String) {
    for area in &book.areas {
        let _ = writeln!(out, "## {}\n", text::plain(&area.name));
        for id in &area.entities {
            let entity = book.model.entity(*id);
            let doc = entity.meta.doc.as_deref().map(text::sentence);
            let _ = match doc {
                Some(doc) => writeln!(out, "- {}: {doc}", book.link(*id, "")),
                None => writeln!(out, "- {}", book.link(*id, "")),
            };
        }
        out.push('\n');
    }
}

fn platform(book: &Book<'_>, out: &mut String) {
    let model = book.model;
    if !model.buckets.is_empty() {
        out.push_str("## Storage buckets\n\n");
        text::head(out, &["Bucket", "Reading", "Size limit", "MIME types", "Rules"]);
        for bucket in &model.buckets {
            let mime: Vec<String> = bucket.mime.iter().map(|mime| text::code(mime)).collect();
            let rules: Vec<String> = bucket.rules.iter().map(|rule| crate::access::words(book, None, rule)).collect();
            text::row(
                out,
                [
                    text::code(&bucket.name),
                    if bucket.public { "public".to_owned() } else { "by rule".to_owned() },
                    bucket.size.map(size).unwrap_or_default(),
                    if mime.is_empty() { "all".to_owned() } else { mime.join(", ") },
                    rules.join("<br>"),
                ],
            );
        }
        out.push('\n');
    }
    if !model.schedules.is_empty() {
        out.push_str("## Schedules\n\n");
        text::head(out, &["Schedule", "When", "Runs", "Notes"]);
        for schedule in &model.schedules {
            let doc = schedule.meta.doc.as_deref().map(text::sentence).unwrap_or_default();
            let command = text::line(schedule.command.trim()).into_owned();
            text::row(
                out,
                [text::code(&schedule.name), text::code(&schedule.cron), text::code(&text::cut(&command, 120)), doc],
            );
        }
        out.push('\n');
    }
}

/// `5 MB`
fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")];
    let unit = units.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{bytes} bytes"), |(unit, name)| format!("{} {name}", bytes / unit))
}

fn seeds(book: &Book<'_>, out: &mut String) {
    if book.model.seeds.is_empty() {
        return;
    }
    out.push_str("## Seeds\n\n");
    text::head(out, &["Environment", "Rows", "Entities"]);
    for set in &book.model.seeds {
        let rows: usize = set.rows.iter().map(|row| row.count.map_or(1, |n| n as usize)).sum();
        let mut entities: Vec<_> = set.rows.iter().map(|row| row.entity).collect();
        entities.sort_unstable();
        entities.dedup();
        text::row(out, [text::code(&set.env), rows.to_string(), entities.len().to_string()]);
    }
    out.push('\n');
}

fn accepted(book: &Book<'_>, out: &mut String) {
    if book.accepted.is_empty() {
        return;
    }
    out.push_str("## Accepted warnings\n\nWhat the compiler warns about, and why it is as it should be.\n\n");
    text::head(out, &["Warning", "What", "Where", "Why"]);
    for one in book.accepted {
        let warning = format!("`{}` {}", one.code, one.title);
        text::row(
            out,
            [warning, text::prose(&one.message).into_owned(), text::code(&one.place), text::sentence(&one.reason)],
        );
    }
    out.push('\n');
}
