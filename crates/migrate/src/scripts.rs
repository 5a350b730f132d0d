//! A change as files: what is done in one transaction is one file, what may not run in one is a file of its own.

use crate::account as summary;
use crate::action_graph::{Phase, Stage};
use crate::arena::Arena;
use crate::files::{MigrationInput, OutputFile};
use crate::header::{line, push_plain};
use crate::planner::{ChangeError, ChangeOptions, ChangePlan, plan_change};
use specc_catalog::{Hints, Object, Rename};
use specc_diff::{Difference, diff};
use specc_sql::{Lock, Statement, Transaction, print};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How long a statement may wait for a lock: meanwhile all who come later wait behind it.
const LOCK_TIMEOUT: &str = "3s";

/// A migration between two states, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The end of its file's name; empty for the first.
    pub suffix: &'static str,
    /// Up.
    pub up: String,
    /// Down.
    pub down: String,
    /// What each statement of `up` is predicted to lock and rewrite, as JSON: `specc verify` compares it with what it does.
    pub plan: String,
}

/// Renames the other way round.
pub fn reversed(difference: &Difference<'_>) -> Hints {
    let mut hints = Hints::default();
    for renamed in &difference.renamed {
        let mut id = renamed.id.clone();
        let rename = match &renamed.part {
            None => {
                let was_in = (renamed.now.schema != id.schema).then(|| renamed.now.schema.clone());
                Rename { id, part: None, was: renamed.now.name.clone(), was_in }
            }
            Some((was, now)) => {
                // What contains it has its old name too by then.
                let outer = difference.renamed.iter().find(|other| other.part.is_none() && other.now == id);
                if let Some(outer) = outer {
                    id = outer.id.clone();
                }
                Rename { id, part: Some(was.clone()), was: now.clone(), was_in: None }
            }
        };
        hints.renames.push(rename);
    }
    // An object in a renamed schema is found there.
    let schemas: Vec<_> = difference
        .renamed
        .iter()
        .filter(|renamed| renamed.part.is_none() && renamed.id.kind == specc_catalog::Kind::Schema)
        .map(|renamed| (renamed.id.name.clone(), renamed.now.name.clone()))
        .collect();
    for rename in &mut hints.renames {
        if let Some((was, _)) = schemas.iter().find(|(_, now)| *now == rename.id.schema) {
            rename.id.schema = was.clone();
        }
    }
    hints
}

/// The scripts of a change, in the order in which they run, and all that is lost by it.
///
/// # Errors
/// Where the change cannot be made, or not taken back.
pub fn scripts(
    input: &MigrationInput<'_>,
    from: &specc_catalog::Catalog,
    difference: &Difference<'_>,
    hints: &Hints,
    options: ChangeOptions,
) -> Result<(Vec<Script>, Vec<specc_sql::Loss>), ChangeError> {
    let arena = Arena::new();
    let plan = plan_change(difference, hints, &arena, options)?;
    let stages = plan.stages.len();
    let mut scripts = Vec::with_capacity(stages);
    let mut stamp = input.stamp;
    for (n, stage) in plan.stages.iter().enumerate() {
        let suffix = if n == 0 { "" } else { stage.phase.suffix() };
        let suffix = if n > 0 && suffix.is_empty() { "then" } else { suffix };
        let file = file_name(input, stamp, suffix);
        stamp = stamp.next();
        let context = Context { input, difference, plan: &plan, file: &file, number: n, of: stages };
        let down = if n == 0 { down(&context, from, difference)? } else { elsewhere(&context) };
        scripts.push(Script { suffix, up: up(&context, stage), down, plan: predictions(&plan, stage) });
    }
    Ok((scripts, plan.losses()))
}

pub(crate) fn file_name(input: &MigrationInput<'_>, stamp: crate::stamp::Stamp, suffix: &str) -> String {
    format!("{stamp}_{}{}{suffix}", input.name, if suffix.is_empty() { "" } else { "_" })
}

#[derive(Clone, Copy)]
struct Context<'c, 'd> {
    input: &'c MigrationInput<'c>,
    difference: &'c Difference<'d>,
    plan: &'c ChangePlan<'d>,
    file: &'c str,
    number: usize,
    of: usize,
}

/// What a stage is for.
fn purpose(phase: Phase) -> &'static str {
    match phase {
        Phase::Names | Phase::Main => "definitions",
        Phase::Labels => "new labels, which nothing can use before they are committed",
        Phase::Build => "indexes and views, built without blocking writes",
        Phase::Backfill => "rows, filled in batches",
        Phase::Validate => "rows that were there before are checked without blocking writes",
        Phase::CutOver => "what was built and checked takes effect",
        Phase::Cleanup => "what is not needed any more goes",
        Phase::Finish => "what comes last",
    }
}

fn head(out: &mut String, context: &Context<'_, '_>, what: &str) {
    out.push_str("-- ");
    push_plain(out, context.input.project);
    out.push_str(": ");
    out.push_str(what);
    if context.of > 1 {
        let _ = write!(out, " ({} of {})", context.number + 1, context.of);
    }
    out.push_str("\n-- Generated by specc from the .dbspec files: change those, not this file.\n");
}

fn up(context: &Context<'_, '_>, stage: &Stage<'_>) -> String {
    let Context { plan, difference, .. } = context;
    let mut out = String::with_capacity(1024);
    head(&mut out, context, purpose(stage.phase));
    let outside = stage.transaction == Transaction::Outside;
    if outside {
        out.push_str("-- specc: no-transaction\n");
    }
    for loss in stage.statements.iter().filter_map(Statement::loses) {
        out.push_str("-- specc: loses ");
        push_plain(&mut out, &loss.0);
        out.push('\n');
    }
    out.push_str("--\n");
    if context.number == 0 {
        line(&mut out, "changes", &summary::objects(difference));
    }
    line(&mut out, "data", &summary::data(plan, stage));
    line(&mut out, "locks", &summary::locks(plan, stage));
    if context.number == 0 {
        for (n, text) in summary::access(difference).iter().enumerate() {
            line(&mut out, if n == 0 { "access" } else { "" }, text);
        }
        for note in &plan.notes {
            line(&mut out, "note", note);
        }
        for warning in &plan.warnings {
            line(&mut out, "beware", &warning.to_string());
        }
    }
    line(&mut out, "undo", &format!("{}/down/{}.down.sql", context.input.layout.own, context.file));
    out.push('\n');
    let waits = !outside && locks_others(plan, stage);
    if waits {
        let _ = writeln!(out, "set lock_timeout = '{LOCK_TIMEOUT}';\n");
    }
    statements(&mut out, &stage.statements);
    if waits {
        out.push_str("\nreset lock_timeout;\n");
    }
    out
}

/// Whether it waits for a lock that others may hold.
fn locks_others(plan: &ChangePlan<'_>, stage: &Stage<'_>) -> bool {
    let mut any = false;
    for statement in &stage.statements {
        statement.each_lock(|table, lock, _| any |= lock.blocks_writes() && plan.old_tables.contains(table));
    }
    any
}

/// One object for each statement: its text, the strongest lock on each table that was there before, whether rows are
/// written anew.
fn predictions(plan: &ChangePlan<'_>, stage: &Stage<'_>) -> String {
    let one = |statement: &Statement<'_>| {
        let mut sql = String::new();
        print(statement, &mut sql);
        let mut locks: BTreeMap<String, Lock> = BTreeMap::new();
        let (mut rewrites, mut scans) = (false, Vec::new());
        let on_new = statement.table().is_some_and(|table| !plan.old_tables.contains(table));
        statement.each_lock(|table, lock, scan| {
            let scan = scan && !on_new;
            if plan.old_tables.contains(table) {
                let held = locks.entry(crate::header::name(table)).or_insert(lock);
                *held = (*held).max(lock);
                if scan {
                    scans.push(crate::header::name(table));
                }
            }
        });
        if statement.table().is_some_and(|table| plan.old_tables.contains(table)) {
            rewrites = statement.effects(|_| false).rewrites;
        }
        let locks: BTreeMap<_, _> = locks.into_iter().map(|(table, lock)| (table, lock.words())).collect();
        let line = serde_json::json!({ "sql": sql.trim_end(), "locks": locks, "rewrites": rewrites, "scans": scans });
        line.to_string()
    };
    let lines: Vec<String> = stage.statements.iter().map(one).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

/// Short statements about one thing stand together.
fn statements(out: &mut String, statements: &[Statement<'_>]) {
    let mut before: Option<(&Statement<'_>, bool)> = None;
    for statement in statements {
        let start = out.len();
        print(statement, out);
        let long = out[start..].trim_end().contains('\n');
        let apart = before.is_some_and(|(other, was_long)| {
            long || was_long || other.table() != statement.table() || other.table().is_none()
        });
        if apart {
            out.insert(start, '\n');
        }
        before = Some((statement, long));
    }
}

/// Columns that had no value in some rows, and have one now: nobody knows any more which.
fn filled(plan: &ChangePlan<'_>, from: &specc_catalog::Catalog) -> Vec<String> {
    let mut all = Vec::new();
    for statement in plan.statements() {
        let Statement::Alter(specc_sql::Alter::Backfill { table, set, .. }) = statement else { continue };
        let Some(Object::Table(o)) = from.get(&table.id()).map(|entry| &entry.object) else { continue };
        let was_there = |name: &str| o.columns.iter().any(|column| column.name == name);
        let columns = set.iter().filter(|(name, _)| was_there(name));
        all.extend(columns.map(|(name, _)| format!("the nulls of {}.{name}", crate::header::name(table))));
    }
    all
}

/// What takes all files of the change back at once.
fn down(context: &Context<'_, '_>, from: &specc_catalog::Catalog, up: &Difference<'_>) -> Result<String, ChangeError> {
    let hints = reversed(up);
    let back = diff(context.input.catalog, from, &hints);
    let arena = Arena::new();
    let options = ChangeOptions { offline: true, one: true };
    let plan = plan_change(&back, &hints, &arena, options)?;
    let mut out = String::with_capacity(1024);
    head(&mut out, &Context { number: 0, of: 1, ..*context }, "takes the change back");
    let losses: Vec<_> = plan.losses();
    for loss in &losses {
        out.push_str("-- specc: loses ");
        push_plain(&mut out, &loss.0);
        out.push('\n');
    }
    out.push_str("--\n");
    let mut texts: Vec<String> = Vec::new();
    if !losses.is_empty() {
        texts.push(format!(
            "LOST: {}",
            crate::header::list(&losses.iter().map(|loss| loss.0.to_string()).collect::<Vec<_>>())
        ));
    }
    let mut gone: Vec<String> = context.plan.losses().iter().map(|loss| loss.0.to_string()).collect();
    gone.extend(filled(context.plan, &up.from));
    if !gone.is_empty() {
        texts.push(format!("does not bring back {}", crate::header::list(&gone)));
    }
    line(&mut out, "data", &if texts.is_empty() { "nothing is lost".into() } else { texts.join("; ") });
    for note in &plan.notes {
        line(&mut out, "note", note);
    }
    for note in context.plan.notes.iter().filter(|note| note.contains(crate::strategies::shadow_column::AT_THE_END)) {
        line(&mut out, "note", &format!("{note}, and stay there"));
    }
    out.push('\n');
    for stage in &plan.stages {
        statements(&mut out, &stage.statements);
    }
    Ok(out)
}

/// The down script of a later file of the same change.
fn elsewhere(context: &Context<'_, '_>) -> String {
    let mut out = String::new();
    head(&mut out, context, "taken back with the first file of the change");
    let first = file_name(context.input, context.input.stamp, "");
    let _ = writeln!(out, "--\n-- {first}.down.sql takes all of it back at once; run it after this one.");
    out
}

/// The files of a change with their paths.
pub(crate) fn files(input: &MigrationInput<'_>, scripts: Vec<Script>) -> Vec<OutputFile> {
    let mut stamp = input.stamp;
    let layout = input.layout;
    scripts
        .into_iter()
        .flat_map(|script| {
            let name = file_name(input, stamp, script.suffix);
            stamp = stamp.next();
            let up = OutputFile { path: format!("{}/{name}.sql", layout.migrations), contents: script.up };
            let down = OutputFile { path: format!("{}/down/{name}.down.sql", layout.own), contents: script.down };
            let plan = OutputFile { path: format!("{}/plans/{name}.json", layout.own), contents: script.plan };
            [up, down, plan]
        })
        .collect()
}

/// A name for a migration that nobody named: what it is mainly about.
pub fn default_name(difference: &Difference<'_>) -> String {
    let place = |catalog: &specc_catalog::Catalog, place: u32| {
        catalog.at(place as usize).and_then(|(id, entry)| match &entry.object {
            Object::Table(_) => Some(id.name.to_string()),
            _ => entry.object.table().map(|table| table.name.to_string()),
        })
    };
    let table = |catalog: &specc_catalog::Catalog, at: u32| {
        catalog
            .at(at as usize)
            .and_then(|(id, entry)| matches!(entry.object, Object::Table(_)).then(|| id.name.to_string()))
    };
    let mut names: Vec<String> = difference.added.iter().filter_map(|&at| table(difference.to, at)).collect();
    let mut verb = "add";
    if names.is_empty() {
        names = difference.removed.iter().filter_map(|&at| table(&difference.from, at)).collect();
        verb = "drop";
    }
    if names.is_empty() {
        names.extend(difference.renamed.iter().map(|renamed| renamed.now.name.to_string()));
        verb = "rename";
    }
    if names.is_empty() {
        names.extend(difference.changed.iter().filter_map(|&(_, at)| place(difference.to, at)));
        names.extend(difference.added.iter().filter_map(|&at| place(difference.to, at)));
        names.extend(difference.removed.iter().filter_map(|&at| place(&difference.from, at)));
        verb = "change";
    }
    names.sort();
    names.dedup();
    let plain: String = match names.as_slice() {
        [one] => format!("{verb}_{one}"),
        [] => "change".into(),
        [first, ..] => format!("{verb}_{first}_and_more"),
    };
    let safe: String = plain.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    safe.chars().take(60).collect()
}
