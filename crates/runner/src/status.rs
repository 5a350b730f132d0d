//! What was applied, what is to be, and what is wrong.

use crate::journal::{self, Phase, Row};
use crate::{Error, Migration, Migrations, Production, Refused, guard, history, lock};
use serde::Serialize;
use specc_postgres::Session;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How a migration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It ran to its end.
    Applied,
    /// It is to be run.
    Pending,
    /// A runner is at it.
    Running,
    /// It began and did not end.
    Interrupted,
    /// Its way back began and did not end.
    Reverting,
    /// The file is not what was applied.
    Edited,
    /// It was applied, and there is no file.
    Missing,
    /// It is to be run, and a later one was applied.
    OutOfOrder,
}

impl State {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            State::Applied => "applied",
            State::Pending => "pending",
            State::Running => "running",
            State::Interrupted => "interrupted",
            State::Reverting => "reverting",
            State::Edited => "edited",
            State::Missing => "missing",
            State::OutOfOrder => "out of order",
        }
    }
}

/// A migration and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// What it is sorted by.
    pub stamp: String,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// When it ended, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<String>,
    /// Whether another tool applied it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// What there is to say besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// How a database stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In the order of their stamps.
    pub migrations: Vec<Entry>,
    /// Who is running migrations now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<String>,
    /// In Supabase's history, and neither a file nor in the journal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// Why the database counts as production, as far as it says so itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub production: Option<String>,
}

impl Report {
    /// Whether everything was applied and nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.migrations.iter().all(|entry| entry.state == State::Applied)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Entry { stamp, name, state, applied, adopted, detail } in &self.migrations {
            write!(f, "{:<12} {stamp}_{name}", state.words())?;
            applied.iter().try_for_each(|at| write!(f, "  {at}"))?;
            if *adopted {
                write!(f, "  (taken over)")?;
            }
            detail
                .iter()
                .try_for_each(|detail| write!(f, "\n             {}", detail.replace('\n', "\n             ")))?;
            writeln!(f)?;
        }
        if self.migrations.is_empty() {
            writeln!(f, "no migrations, neither files nor in the database")?;
        }
        for version in &self.unknown {
            writeln!(f, "{:<12} {version}  in Supabase's history, and there is no such file", "unknown")?;
        }
        self.running.iter().try_for_each(|who| writeln!(f, "running now: {who}"))?;
        self.production.iter().try_for_each(|why| writeln!(f, "production: {why}"))
    }
}

/// Files, journal and history beside each other.
pub(crate) struct Standing {
    pub(crate) journal: BTreeMap<String, Row>,
    pub(crate) history: BTreeSet<String>,
    pub(crate) report: Report,
}

/// How a database stands against these files. Nothing is changed.
///
/// # Errors
/// Where the database cannot be asked.
pub fn status(session: &mut Session, migrations: &Migrations, supabase: bool) -> Result<Report, Error> {
    standing(session, migrations, supabase).map(|standing| standing.report)
}

pub(crate) fn standing(session: &mut Session, migrations: &Migrations, supabase: bool) -> Result<Standing, Error> {
    let journal = journal::read(session)?;
    let history = if supabase { history::read(session)? } else { BTreeSet::new() };
    let applied = |stamp: &str| match journal.get(stamp) {
        Some(row) => row.is_applied() || row.is_begun(),
        None => history.contains(stamp),
    };
    let known = journal.keys().chain(&history);
    let last = known.filter(|stamp| applied(stamp)).max().cloned().unwrap_or_default();
    let running = lock::holder(session)?;
    let mut entries: BTreeMap<&str, Entry> = BTreeMap::new();
    for migration in &migrations.all {
        let row = journal.get(&migration.stamp);
        let adopted = history.contains(&migration.stamp);
        entries.insert(&migration.stamp, entry(migration, row, adopted, &last));
    }
    for row in journal.values().filter(|row| row.is_applied() || row.is_begun()) {
        entries.entry(&row.stamp).or_insert_with(|| Entry {
            stamp: row.stamp.clone(),
            name: row.name.clone(),
            state: State::Missing,
            applied: row.finished.clone(),
            adopted: row.adopted,
            detail: Some("it was applied here, and its file is gone: restore it (git checkout)".into()),
        });
    }
    if running.is_some() {
        let at_work = |row: &Row| matches!(row.phase, Phase::Applying | Phase::Reverting);
        let begun = |entry: &&mut Entry| journal.get(&entry.stamp).is_some_and(at_work);
        entries.values_mut().filter(begun).for_each(|entry| entry.state = State::Running);
    }
    let unknown = history.iter().filter(|version| !entries.contains_key(version.as_str())).cloned().collect();
    let report = Report {
        migrations: entries.into_values().collect(),
        running,
        unknown,
        production: guard::production(session)?.map(|Production(why)| why),
    };
    Ok(Standing { journal, history, report })
}

fn entry(migration: &Migration, row: Option<&Row>, in_history: bool, last: &str) -> Entry {
    let mut entry = Entry {
        stamp: migration.stamp.clone(),
        name: migration.name.clone(),
        state: State::Pending,
        applied: None,
        adopted: false,
        detail: None,
    };
    match row {
        Some(row) if row.is_applied() => {
            entry.applied.clone_from(&row.finished);
            entry.adopted = row.adopted;
            entry.state = State::Applied;
            if row.checksum != migration.checksum {
                entry.state = State::Edited;
                entry.detail =
                    Some(format!("{} is not what was applied: restore it (git checkout)", migration.up.path));
            } else if let (Phase::Reverting, Some(error)) = (row.phase, &row.error) {
                entry.detail = Some(format!("it was to be taken back, and nothing of that was kept: {error}"));
            }
        }
        Some(row) if row.is_begun() => {
            let down = row.phase == Phase::Reverting;
            entry.state = if down { State::Reverting } else { State::Interrupted };
            entry.detail = Some(unfinished(row, down));
        }
        // History that the journal has not heard of; the journal knows of what it took back itself.
        None if in_history => {
            entry.state = State::Applied;
            entry.adopted = true;
        }
        Some(Row { phase: Phase::Applying, error, started, .. }) if migration.stamp.as_str() >= last => {
            entry.detail = Some(match error {
                Some(error) => format!("it was tried, and nothing of it was kept: {error}"),
                None => format!("it was begun {started} and did not end; nothing of it was kept"),
            });
        }
        _ if migration.stamp.as_str() < last => {
            entry.state = State::OutOfOrder;
            entry.detail =
                Some(format!("{last} was applied before it: give it a later stamp, or apply with --out-of-order"));
        }
        _ => {}
    }
    entry
}

/// How far a file got, and what to do.
fn unfinished(row: &Row, down: bool) -> String {
    let (done, begun): (Vec<_>, Vec<_>) = row.journal.iter().partition(|(_, step)| step.done);
    let mut text = format!("began {}", row.started);
    text += &format!(", {} of {} steps done", done.len(), row.steps);
    for (ordinal, step) in begun {
        text += &format!("; step {ordinal} was not completed, and may be done in part: {}", step.label);
    }
    if let Some(error) = &row.error {
        text += &format!("\nit failed: {error}");
    }
    let flag = if down { " --down-to" } else { "" };
    let back = if down { "" } else { "; `specc apply --abandon` takes a half-done change back" };
    text + &format!("\nif no runner is at work, `specc apply{flag}` continues it{back}")
}

/// Refuses what must not be run over.
pub(crate) fn refuse(report: &Report, out_of_order: bool) -> Result<(), Refused> {
    let named = |state| -> Vec<&Entry> { report.migrations.iter().filter(|entry| entry.state == state).collect() };
    let list = |entries: &[&Entry]| -> String {
        entries.iter().map(|entry| format!("\n  {}_{}", entry.stamp, entry.name)).collect()
    };
    let edited = named(State::Edited);
    if !edited.is_empty() {
        return Err(Refused::new(format!("edited after it was applied here:{}", list(&edited))).help(
            "what runs must be what was reviewed: restore the file (git checkout), and put the change into a new \
             migration",
        ));
    }
    let missing = named(State::Missing);
    if !missing.is_empty() {
        return Err(Refused::new(format!("applied here, and there is no file:{}", list(&missing)))
            .help("restore the file (git checkout), or get the newest state of the project"));
    }
    let late = named(State::OutOfOrder);
    if !late.is_empty() && !out_of_order {
        return Err(Refused::new(format!("to be applied, though a later one was applied already:{}", list(&late))).help(
            "plan it anew, after the later one (`specc rebase --onto BRANCH`), or, if it depends on nothing that came after, apply with --out-of-order",
        ));
    }
    Ok(())
}
