//! What a file says of itself: what it is for, and what it does to data, locks and access.

use super::{count, list, push_plain};
use crate::account::{Account, Gone, Held, Note, Warning, name};
use crate::schedule::Purpose;
use specc_catalog::{MARK, TAKES_BACK};
use specc_sql::{Loss, Transaction};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A file of a migration.
#[derive(Clone, Copy)]
pub(crate) struct File<'a> {
    /// The project's name.
    pub project: &'a str,
    /// The file's name without its end.
    pub name: &'a str,
    /// specc's own folder.
    pub own: &'a str,
    /// What is in it.
    pub purpose: Purpose,
    /// Its transaction.
    pub transaction: Transaction,
    /// Which file of how many of one change.
    pub number: usize,
    pub of: usize,
}

/// What is said once, in the first file of a change; in each file of a first migration.
#[derive(Default)]
pub(crate) struct Summary {
    /// The label and the numbers of objects.
    pub objects: Option<(&'static str, String)>,
    /// Who may do what.
    pub access: Vec<String>,
}

const WIDTH: usize = 100;

/// The header of a migration.
pub(crate) fn up(
    out: &mut String,
    file: &File<'_>,
    account: &Account<'_>,
    summary: &Summary,
    notes: &[Note],
    warnings: &[Warning],
) {
    title(out, file, file.purpose.words());
    if file.transaction == Transaction::Outside {
        out.push_str("-- specc: no-transaction\n");
    }
    loses(out, &account.losses);
    out.push_str("--\n");
    if let Some((label, objects)) = &summary.objects {
        line(out, label, objects);
    }
    line(out, "data", &data(account));
    line(out, "locks", &locks(account));
    owners(out, account);
    for (n, text) in summary.access.iter().enumerate() {
        line(out, if n == 0 { "access" } else { "" }, text);
    }
    for note in notes {
        line(out, "note", &note.to_string());
    }
    for warning in warnings {
        line(out, "beware", &warning.to_string());
    }
    line(out, "undo", &format!("{}/down/{}.down.sql", file.own, file.name));
}

/// The header of a down script. `gone` is lost already by the way there.
pub(crate) fn down(
    out: &mut String,
    file: &File<'_>,
    losses: &[Loss],
    gone: &[Gone],
    notes: &[String],
    stays: &[&Note],
) {
    title(out, file, file.purpose.words());
    // To nothing, all that there is goes: a consent for each table would say nothing.
    if file.of > 0 {
        loses(out, losses);
    }
    out.push_str("--\n");
    let mut texts = Vec::new();
    if !losses.is_empty() {
        texts.push(lost(losses));
    }
    if !gone.is_empty() {
        texts.push(format!("does not bring back {}", list(&gone.iter().map(ToString::to_string).collect::<Vec<_>>())));
    }
    line(out, "data", &if texts.is_empty() { "nothing is lost".into() } else { texts.join("; ") });
    for note in notes {
        line(out, "note", note);
    }
    for note in stays {
        line(out, "stays", &note.to_string());
    }
}

/// The header of what takes back a change of which the files with these stamps, the last one this, are done.
pub(crate) fn abandon(out: &mut String, file: &File<'_>, stamps: &[String], losses: &[Loss], gone: &[Gone]) {
    title(out, file, "takes the change back when this file is done and the next one is not");
    let _ = writeln!(out, "-- specc: {TAKES_BACK} {}", stamps.join(" "));
    loses(out, losses);
    for gone in gone {
        out.push_str("-- specc: loses ");
        push_plain(out, &format!("{gone}, as its file has already"));
        out.push('\n');
    }
    out.push_str("--\n");
    let nothing = losses.is_empty() && gone.is_empty();
    line(out, "data", if nothing { "nothing is lost that was there before" } else { "see what it loses" });
    line(out, "run by", "specc apply --abandon, which knows what was done");
}

/// The down script of a later file of a change.
pub(crate) fn elsewhere(file: &File<'_>, first: &str) -> String {
    let mut out = String::new();
    title(&mut out, file, "taken back with the first file of the change");
    let _ = writeln!(out, "--\n-- {first}.down.sql takes all of it back at once; run it after this one.");
    out
}

fn title(out: &mut String, file: &File<'_>, what: &str) {
    out.push_str("-- ");
    push_plain(out, file.project);
    out.push_str(": ");
    out.push_str(what);
    if file.of > 1 {
        let _ = write!(out, " ({} of {})", file.number + 1, file.of);
    }
    let _ = writeln!(out, "\n-- {MARK}");
}

/// The runner asks for consent to these.
fn loses(out: &mut String, losses: &[Loss]) {
    for loss in losses {
        out.push_str("-- specc: loses ");
        push_plain(out, &loss.to_string());
        out.push('\n');
    }
}

/// `-- label  text`, with lines that are not too long.
pub(crate) fn line(out: &mut String, label: &str, text: &str) {
    const INDENT: usize = 8;
    out.push_str("-- ");
    out.push_str(label);
    (label.len()..INDENT).for_each(|_| out.push(' '));
    let mut width = 3 + INDENT;
    for (n, word) in text.split(' ').enumerate() {
        let long = word.chars().count();
        if n > 0 && width + 1 + long > WIDTH {
            out.push_str("\n-- ");
            (0..INDENT).for_each(|_| out.push(' '));
            width = 3 + INDENT;
        } else if n > 0 {
            out.push(' ');
            width += 1;
        }
        push_plain(out, word);
        width += long;
    }
    out.push('\n');
}

/// What is rewritten, filled and lost.
fn data(account: &Account<'_>) -> String {
    let names = |tables: &std::collections::BTreeSet<&specc_catalog::TableName>| {
        list(&tables.iter().map(|table| name(table)).collect::<Vec<_>>())
    };
    let mut texts = Vec::new();
    if !account.losses.is_empty() {
        texts.push(lost(&account.losses));
    }
    if !account.rewrites.is_empty() {
        texts.push(format!("rewrites {}", names(&account.rewrites)));
    }
    if !account.backfills.is_empty() {
        let tables = names(&account.backfills);
        texts.push(format!("fills {tables} in batches; run again after an interruption, it goes on"));
    }
    for (table, in_batches, is_all) in &account.moves {
        let how = if *in_batches { " in batches; run again after an interruption, it goes on" } else { "" };
        let which = if *is_all { "all rows" } else { "rows" };
        texts.push(format!("copies {which} of {}.{} and compares them{how}", table.schema, table.name));
    }
    if texts.is_empty() {
        texts.push("nothing is rewritten or lost".into());
    }
    if account.seeds_update {
        texts.push("rows with the same key are made as the spec says".into());
    }
    if account.seeds_keep {
        texts.push("rows that are there already are left alone".into());
    }
    if account.runs_blocks {
        texts.push("sql blocks run as they are written".into());
    }
    texts.join("; ")
}

/// What is given away, and who can.
fn owners(out: &mut String, account: &Account<'_>) {
    for (role, objects) in &account.owners {
        let text = format!("{role} owns {}; who runs this is a member of {role}, or a superuser", list(objects));
        line(out, "owner", &text);
    }
}

/// `LOST: all rows of 3 tables: …`
fn lost(losses: &[Loss]) -> String {
    let (mut tables, mut others, mut seeded) = (Vec::new(), Vec::new(), BTreeMap::new());
    for loss in losses {
        match loss {
            Loss::Rows(table) => tables.push(name(table)),
            Loss::Seeded { table, rows } => *seeded.entry(name(table)).or_insert(0) += rows,
            other => others.push(other.to_string()),
        }
    }
    let mut texts = Vec::new();
    match tables.as_slice() {
        [] => {}
        [table] => texts.push(format!("all rows of {table}")),
        all => texts.push(format!("all rows of {}: {}", count(all.len(), "table"), list(all))),
    }
    if !others.is_empty() {
        texts.push(list(&others));
    }
    if !seeded.is_empty() {
        let rows: Vec<_> = seeded.iter().map(|(table, n)| format!("{} of {table}", count(*n, "seeded row"))).collect();
        let along = "(a seeded row takes rows that refer to it along where their reference cascades)";
        texts.push(format!("{} {along}", list(&rows)));
    }
    format!("LOST: {}", texts.join("; "))
}

/// Who waits for what, and how long.
fn locks(account: &Account<'_>) -> String {
    let text = |held: &Held<'_>| {
        let who = match held.lock {
            lock if lock.blocks_reads() => "reads and writes wait",
            lock if lock.blocks_writes() => "writes wait",
            _ => "nobody waits",
        };
        let time = match (held.lock.blocks_writes(), held.long) {
            (true, true) => ", for as long as it reads or writes all rows",
            (true, false) => ", a moment",
            (false, _) => "",
        };
        format!("{} on {} ({who}{time})", held.lock.words(), name(&held.table))
    };
    let mut texts: Vec<String> = account.locks.iter().map(text).collect();
    if account.blocks_lock {
        texts.push("whatever its sql blocks lock".into());
    }
    if texts.is_empty() { "none on a table that is in use".into() } else { list(&texts) }
}
