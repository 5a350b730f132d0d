//! What whoever runs the database needs: runbooks, the calendar, and what to do about an error.

use super::Room;
use super::api::fenced;
use crate::text;
use smol_str::SmolStr;
use specc_diag::Code;
use specc_model::{Bounds, Entity, EntityId, ExprRef};
use specc_types::{RelationKind, Verb};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A runbook: its title, when it is needed, and its steps, each with a command or none.
type Runbook = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const RUNBOOKS: &[Runbook] = &[
    (
        "Apply migrations",
        "A release has new migrations.",
        &[
            ("See what is pending, and that nothing is wrong with what was applied.", "specc status"),
            ("See what would run, and note the hash.", "specc apply --dry-run"),
            ("Run that and nothing else, with a backup first.", "specc apply --backup --approve HASH"),
            ("See that the database is what the spec says.", "specc drift"),
        ],
    ),
    (
        "A migration failed",
        "`specc apply` ended with an error.",
        &[
            ("See where it stopped. A file that is one transaction has done nothing.", "specc status"),
            ("Put right what stopped it: most often rows that do not fit, which the error counts and shows.", ""),
            ("Go on from there.", "specc apply"),
        ],
    ),
    (
        "Abandon a change",
        "A change of several files stopped in its middle and is not wanted any more.",
        &[
            ("See what the way back would run.", "specc apply --abandon --dry-run"),
            (
                "Go back to before its first file. What was dropped by then does not come back: where there is such a loss, the \
                 option `--allow-data-loss` agrees to it.",
                "specc apply --abandon",
            ),
        ],
    ),
    (
        "Restore",
        "Rows are lost or wrong.",
        &[
            (
                "Bring a table's rows of the backup back into a new table beside it, and look at them first.",
                "specc restore BACKUP --table TABLE --into NAME",
            ),
            ("Put back the rows that are missing in that table.", "specc restore BACKUP --table TABLE"),
            ("Or bring all of it back into an empty database.", "specc restore BACKUP"),
        ],
    ),
];

/// `runbooks.md`
pub fn runbooks(room: &Room<'_, '_>) -> String {
    let book = room.book;
    let mut out = String::from(
        "# Runbooks\n\nThe database is the one that `DATABASE_URL` names. Where it is marked as production, what changes it needs \
         `--allow-production` too.\n\n",
    );
    for (title, when, steps) in RUNBOOKS {
        let _ = writeln!(out, "## {title}\n\n{when}\n");
        for (number, (step, command)) in steps.iter().enumerate() {
            let _ = writeln!(out, "{}. {step}\n", number + 1);
            if !command.is_empty() {
                fenced(&mut out, "sh", command);
            }
        }
    }
    out.push_str("## Rotate a key\n\n");
    if book.is_supabase() {
        out.push_str(
            "1. Make a new key in the project's settings, and give it to every server that has the old one.\n\
             2. See that nothing uses the old one any more, and withdraw it.\n",
        );
        let headers =
            book.model.webhooks.iter().flat_map(|webhook| webhook.headers.iter().filter(|(_, _, secret)| *secret));
        let mut secrets: Vec<String> = headers.map(|(_, name, _)| text::code(name)).collect();
        secrets.sort();
        secrets.dedup();
        if !secrets.is_empty() {
            let _ = writeln!(
                out,
                "3. Webhooks read {} from the vault: change it there, and nothing else has to be changed.",
                text::and(&secrets)
            );
        }
    } else {
        out.push_str("Give the role that connects a new password, then every server that has the old one.\n");
    }
    let past: Vec<String> = book
        .roles_of_pages()
        .iter()
        .filter(|role| role.bypasses)
        .map(|role| room.link(&text::code(&role.name), &role.path))
        .collect();
    if !past.is_empty() {
        let _ = writeln!(
            out,
            "\nNo rule binds {}: a key of it that was seen by somebody is an incident.",
            text::and(&past)
        );
    }
    out.push_str("\n## Incident\n\n");
    out.push_str(
        "1. Stop what is going on: rotate the key, or revoke the role's rights.\n\
         2. See how the database differs from what was released.\n\n",
    );
    fenced(&mut out, "sh", "specc drift");
    out.push_str("3. Ask what the role could do to a table, and by which rule.\n\n");
    fenced(&mut out, "sh", "specc why ROLE select TABLE");
    let kept = |mixin: &str| {
        let with = book.own.iter().filter(|id| book.model.entity(**id).mixins.iter().any(|name| name == mixin));
        with.map(|id| book.link(*id, &room.package.to_docs)).collect::<Vec<_>>()
    };
    for (mixin, what) in [("audited", "Who changed what is on record for"), ("history", "Earlier states are kept of")] {
        let with = kept(mixin);
        if !with.is_empty() {
            let _ = writeln!(out, "{what} {}.\n", text::and(&with));
        }
    }
    out
}

/// `calendar.md`
pub fn calendar(room: &Room<'_, '_>) -> String {
    let book = room.book;
    let mut out = String::from("# Calendar\n\nWhat runs by itself, and what somebody has to do.\n\n");
    let mut rows: Vec<[String; 3]> = Vec::new();
    for schedule in &book.model.schedules {
        let doc = schedule.meta.doc.as_deref().map(text::sentence).unwrap_or_default();
        rows.push([text::code(&schedule.cron), format!("the schedule {} runs", text::code(&schedule.name)), doc]);
    }
    for view in book.own_views() {
        if let Some(cron) = &view.refresh {
            let name = text::code(&text::short(book.model, &view.name));
            rows.push([text::code(cron), format!("{name} is refreshed"), "Until then it shows older rows.".to_owned()]);
        }
    }
    for id in &book.own {
        let entity = book.model.entity(*id);
        let Some(by) = entity.partition_by.as_ref().filter(|by| by.method == "range") else { continue };
        let link = book.link(*id, &room.package.to_docs);
        let ends = entity.partitions.iter().filter_map(|partition| match &partition.bounds {
            Bounds::Range { to, .. } if !continues(entity, to) => {
                Some(to.iter().map(|to| text::code(&to.text)).collect::<Vec<_>>().join(", "))
            }
            _ => None,
        });
        let rest = entity.partitions.iter().any(|partition| matches!(partition.bounds, Bounds::Default));
        let over = crate::behaviour::elements(entity, &by.elements);
        let what = if rest { "rows go to the default partition from then on" } else { "rows are refused from then on" };
        rows.extend(ends.map(|end| {
            [format!("before {over} reaches {end}"), format!("{link} needs another partition"), format!("Else {what}.")]
        }));
    }
    if rows.is_empty() {
        out.push_str("The spec has no schedule, no view that is refreshed and no partition by range.\n");
        return out;
    }
    text::head(&mut out, &["When", "What", "Notes"]);
    rows.iter().for_each(|row| text::row(&mut out, row));
    out
}

/// Whether something holds the rows from the end of a partition on: another partition, or there are none.
fn continues(entity: &Entity, end: &[ExprRef]) -> bool {
    let is_max = |bound: &ExprRef| bound.text.eq_ignore_ascii_case("maxvalue");
    let begins = |from: &[ExprRef]| from.iter().map(|bound| &bound.text).eq(end.iter().map(|bound| &bound.text));
    end.first().is_some_and(is_max)
        || entity.partitions.iter().any(|partition| match &partition.bounds {
            Bounds::Range { from, .. } => begins(from),
            _ => false,
        })
}

/// What to do about a SQLSTATE.
fn advice(code: &str) -> &'static str {
    match code {
        "22001" => "Make the text shorter: the column has a limit.",
        "22003" => "Send a smaller number, or ask for a wider type.",
        "22P02" => "Send a value of the column's type: a UUID, a number, a label that the type has.",
        "23001" => "Before the row goes or its key changes, take away the rows that refer to it.",
        "23503" => "Make or name the row that is referred to; before a delete, take away the rows that refer to it.",
        "23502" => "Give the column a value.",
        "23505" => "A row like this is there already: change that one, or ask for an upsert.",
        "23514" => {
            "A check, a workflow, or a trigger that keeps a value refuses it: the message and its hint say which."
        }
        "23P01" => "It overlaps with a row that is there.",
        "40001" => "Somebody else changed the row: read it again, and send the change with its new version.",
        "42501" => "The role may not do this, or not to this row: see its page, or ask `specc why`.",
        "42703" => "The column is not there, or not under this name: generate the types anew.",
        "55P03" => "Somebody else holds what this needs: try again.",
        "0A000" => "It is not supported in this way: the hint says what is.",
        "P0001" => "A trigger or function of the project refuses it: the message says why.",
        _ => "The message says why.",
    }
}

/// `troubleshooting.md`
pub fn troubleshooting(room: &Room<'_, '_>) -> String {
    let book = room.book;
    let mut found: BTreeMap<SmolStr, Vec<EntityId>> = BTreeMap::new();
    for id in &book.own {
        let Some(relation) = room.api.relation(&book.table(*id)) else { continue };
        for role in book.roles_of_pages() {
            for verb in Verb::ALL {
                if relation.kind != RelationKind::Table || role.rights.columns(&relation.name, verb.word()).is_empty() {
                    continue;
                }
                for (code, _, _) in room.api.errors(&role.rights, relation, verb, false) {
                    let places = found.entry(code).or_default();
                    // The entities come one by one.
                    if places.last() != Some(id) {
                        places.push(*id);
                    }
                }
            }
        }
    }
    let mut out = String::from("# Troubleshooting\n\n## By SQLSTATE\n\nThose that this schema answers with.\n\n");
    text::head(&mut out, &["SQLSTATE", "What to do", "Where"]);
    let links = |places: &[EntityId]| {
        let links = places.iter().map(|id| book.link(*id, &room.package.to_docs));
        links.collect::<Vec<_>>().join(", ")
    };
    for (code, places) in &found {
        let cell = match places.len() {
            n if n == book.own.len() => "everywhere".to_owned(),
            n if n > 12 => format!("{} and {} more", links(&places[..10]), n - 10),
            _ => links(places),
        };
        text::row(&mut out, [text::code(code), advice(code).to_owned(), cell]);
    }
    out.push_str(
        "\nA client that reads and gets no row, where there is one, is not refused: no rule lets the row through.\n\n",
    );
    out.push_str("## By code of specc\n\nThe codes of a project and its migrations; `specc explain CODE` has the page of each.\n\n");
    text::head(&mut out, &["Code", "What", "Why it matters"]);
    for code in Code::all().filter(|code| code.name().get(1..3) == Some("09")) {
        text::row(&mut out, [text::code(code.name()), code.title().to_owned(), code.why().to_owned()]);
    }
    out
}
