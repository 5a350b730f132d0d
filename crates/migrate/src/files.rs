//! The files of a migration.

use crate::abandon::After;
use crate::account::{self, Record};
use crate::arena::Arena;
use crate::change_set::ChangeSet;
use crate::first::{self, plan_create};
use crate::moving::Moving;
use crate::order;
use crate::planner::{ChangeError, ChangeOptions, plan_change};
use crate::render::{self, File, Summary};
use crate::schedule::{Part, Plan, Purpose, Stage, locks};
use crate::stamp::Stamp;
use crate::way_back::{gone, hints_back, plan_back};
use rayon::prelude::*;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Cycle, Hints, MARK, Object, TableName, checksum, to_sealed_json};
use specc_diff::{Difference, RenameCandidate, diff};
use specc_sql::{Loss, Transaction};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputFile {
    /// Relative to the project's folder, with `/`.
    pub path: String,
    /// All of it.
    pub contents: String,
}

/// Where files go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The folder of migrations.
    pub migrations: String,
    /// specc's own folder.
    pub own: String,
    /// A file for each part, else one for all.
    pub split: bool,
}

impl Layout {
    /// As the Supabase command line reads it.
    pub fn supabase() -> Self {
        Self { migrations: "supabase/migrations".into(), own: "specc".into(), split: true }
    }

    /// For Postgres without a platform.
    pub fn postgres() -> Self {
        Self { migrations: "migrations".into(), own: "specc".into(), split: true }
    }
}

/// What a migration is made of.
#[derive(Clone, Debug)]
pub struct MigrationInput<'a> {
    /// The project's name.
    pub project: &'a str,
    /// The migration's name; empty: `init` for the first, for any other what it is about.
    pub name: &'a str,
    /// What should exist.
    pub catalog: &'a Catalog,
    /// What exists after the last migration.
    pub previous: Option<&'a Catalog>,
    /// The timestamp of the first file.
    pub stamp: Stamp,
    /// Where files go.
    pub layout: &'a Layout,
    /// Path and checksum of files that were written before, to be kept.
    pub recorded: &'a [(String, String)],
    /// What the author says of the way from the last migration to here.
    pub hints: &'a Hints,
    /// What is allowed on it.
    pub consent: Consent<'a>,
    /// Decides what a change opens and closes; called where it touches what decides access.
    pub access: Option<Decide<'a>>,
}

/// How it is decided what a change of access opens and closes.
#[derive(Clone, Copy)]
pub struct Decide<'a>(pub &'a (dyn Fn() -> Decided + Sync));

impl std::fmt::Debug for Decide<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decide")
    }
}

/// What a change of access opens and closes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// The tables for which it is decided: nothing else is said of them.
    pub tables: Vec<TableName>,
    /// The roles for which it is.
    pub roles: Vec<SmolStr>,
    /// What becomes wider and narrower, a line each.
    pub lines: Vec<String>,
}

/// What a user agreed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent<'a> {
    /// Rows and values may be lost.
    pub data_loss: bool,
    /// Nobody uses the database meanwhile.
    pub offline: bool,
    /// Tables and columns (`public.events`, `public.events.title`) that are meant to go, not to be renamed.
    pub dropped: &'a [String],
}

/// Why there is no migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MigrationError {
    /// Objects that need each other.
    Cycle(Cycle),
    /// The way from the last migration to here is not known.
    Change(ChangeError),
    /// What looks like a rename: a drop and an add would lose what is there.
    RenameCandidates(Vec<RenameCandidate>),
    /// What would be lost, and what is made of it without giving it back.
    Loss(Vec<(Loss, Option<String>)>),
    /// The stamp is not after that of the last migration.
    Stamp(Stamp),
}

impl fmt::Display for MigrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MigrationError::Cycle(cycle) => cycle.fmt(f),
            MigrationError::Change(error) => error.fmt(f),
            MigrationError::RenameCandidates(candidates) => {
                f.write_str("these look like renames, which a drop and an add would not be:")?;
                candidates.iter().try_for_each(|candidate| {
                    write!(
                        f,
                        "\n  `{}` is gone and `{}` is new: if it was renamed, write `was {}` after its new name; if it is meant to \
                         go, build with `--drop {}`",
                        candidate.gone,
                        candidate.new,
                        candidate.was(),
                        candidate.gone
                    )
                })
            }
            MigrationError::Stamp(last) => {
                write!(
                    f,
                    "the last migration ends with {last}, and files run in the order of their stamps: take a later one"
                )
            }
            MigrationError::Loss(losses) => {
                f.write_str("this would be lost:")?;
                losses.iter().try_for_each(|(loss, made)| {
                    write!(f, "\n  {loss}")?;
                    if let Some(made) = made {
                        write!(f, "; {made} is made of it, and does not tell what it was")?;
                    }
                    match loss {
                        Loss::Part { rows, .. } => write!(f, "; to see those rows: {rows}"),
                        _ => Ok(()),
                    }
                })
            }
        }
    }
}

impl std::error::Error for MigrationError {}

impl From<Cycle> for MigrationError {
    fn from(cycle: Cycle) -> Self {
        MigrationError::Cycle(cycle)
    }
}

impl From<ChangeError> for MigrationError {
    fn from(error: ChangeError) -> Self {
        MigrationError::Change(error)
    }
}

/// The files of the migration that makes `catalog`: for each part its statements and its down script, then the stored
/// catalog and the checksums. Nothing if nothing is different from the last migration. Sorted by path.
///
/// # Errors
/// Objects that need each other, changes that cannot be made, and those that want a word of the user first.
pub fn migration_files(input: &MigrationInput<'_>) -> Result<Vec<OutputFile>, MigrationError> {
    let files = Mutex::new(Vec::new());
    each_file(input, |file| files.lock().unwrap_or_else(PoisonError::into_inner).push(file))?;
    let mut files = files.into_inner().unwrap_or_else(PoisonError::into_inner);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Gives each of the [`migration_files`] to `take` as soon as it is made, in no order and from several threads; some also
/// where there is an error in the end.
///
/// # Errors
/// As [`migration_files`].
pub fn each_file(input: &MigrationInput<'_>, take: impl Fn(OutputFile) + Sync) -> Result<(), MigrationError> {
    let previous = input.previous.filter(|previous| !previous.is_empty());
    let hints = previous.map_or_else(|| input.hints.clone(), |previous| input.hints.since(&previous.said));
    let difference = previous.map(|previous| diff(previous, input.catalog, &hints));
    let own = &input.layout.own;
    if difference.as_ref().is_some_and(Difference::is_empty) {
        // What is left out now may be said again, and is new then.
        if previous.is_some_and(|previous| previous.said != input.catalog.said) {
            let state = previous.map(|previous| order::as_before(input.catalog, previous));
            let contents = to_sealed_json(state.as_ref().unwrap_or(input.catalog));
            take(OutputFile { contents, path: format!("{own}/catalog.json") });
        }
        return Ok(());
    }
    let name = match &difference {
        _ if !input.name.is_empty() => input.name.to_string(),
        Some(difference) => default_name(difference),
        None => "init".to_string(),
    };
    let input = &MigrationInput { name: &name, hints: &hints, ..input.clone() };
    let out = Out(&take);
    // One after the other, each on all cores: side by side, the texts of both would be in memory.
    let (written, state) = match (&difference, previous) {
        (Some(difference), Some(previous)) => change(input, previous, difference, out)?,
        _ => (first(input, out)?, Cow::Borrowed(input.catalog)),
    };
    let stored = format!("{own}/catalog.json");
    // It has its checksum in itself, so that git can merge both files without one another.
    let recorded = input.recorded.iter().filter(|(path, _)| *path != stored);
    let contents = checksums(recorded.chain(&written));
    take(OutputFile { contents: to_sealed_json(&state), path: stored });
    take(OutputFile { path: format!("{own}/checksums.toml"), contents });
    Ok(())
}

/// A path and a checksum.
pub type Sum = (String, String);

/// Where files go.
#[derive(Clone, Copy)]
struct Out<'a>(&'a (dyn Fn(OutputFile) + Sync));

impl Out<'_> {
    fn file(self, path: String, contents: String) -> Sum {
        let sum = checksum(&contents);
        self.with(path, contents, sum)
    }

    fn with(self, path: String, contents: String, sum: String) -> Sum {
        (self.0)(OutputFile { path: path.clone(), contents });
        (path, sum)
    }
}

/// The files of a first migration.
fn first(input: &MigrationInput<'_>, out: Out<'_>) -> Result<Vec<Sum>, Cycle> {
    let arena = Arena::new();
    let mut plan = plan_create(input.catalog)?;
    if !input.layout.split {
        first::unite(&mut plan);
    }
    locks::take_of_others(&mut plan, input.catalog, &arena);
    let Layout { migrations, own, .. } = input.layout;
    let mut stamp = input.stamp;
    let mut names = Vec::with_capacity(plan.stages.len());
    for stage in &plan.stages {
        names.push(file_name(input, stamp, stage.purpose.suffix(true)));
        stamp = stamp.next();
    }
    let write = |(stage, name): (&Stage<'_>, &String)| {
        let file = File {
            project: input.project,
            name,
            own,
            purpose: stage.purpose,
            transaction: stage.transaction,
            number: 0,
            of: 0,
        };
        let up = || {
            let mut access = Vec::new();
            if stage.purpose.makes(Part::Schema) {
                access.push(account::closed(input.catalog, stage));
            }
            if stage.purpose.makes(Part::Access) {
                access.extend(account::opened(stage));
            }
            let objects = Some(("makes", account::Counts::made(input.catalog, stage).to_string()));
            let up = render::up(&file, &plan, stage, input.catalog, &Summary { objects, access });
            let sum = checksum(&up.text);
            (up, sum)
        };
        let down = || {
            let back = first::back(input.catalog, stage);
            let file = File { purpose: Purpose::Back, ..file };
            let text = render::down(&file, &back, &[], &[], input.catalog);
            (out.file(format!("{own}/down/{name}.down.sql"), text), back)
        };
        let ((up, sum), (down, back)) = rayon::join(up, down);
        let mut record = Record::new(&plan, stage, (&up, &sum), &back, &[]);
        record.stirred(&back, [input.catalog, input.catalog]);
        let record = record.to_json();
        let up = out.with(format!("{migrations}/{name}.sql"), up.text, sum);
        [up, down, out.file(format!("{own}/plans/{name}.json"), record)]
    };
    Ok(plan.stages.par_iter().zip(&names).flat_map_iter(write).collect())
}

/// The latest stamp among migrations that were written before.
pub fn last_stamp(recorded: &[(String, String)], layout: &Layout) -> Option<Stamp> {
    let stamps = recorded.iter().filter_map(|(path, _)| {
        let name = path.strip_prefix(&layout.migrations)?.strip_prefix('/')?;
        name.get(..14)?.parse().ok()
    });
    stamps.max()
}

/// The files of the change from the last state to this one, and this one as the database has it then.
fn change<'i>(
    input: &MigrationInput<'i>,
    previous: &Catalog,
    difference: &Difference<'_>,
    out: Out<'_>,
) -> Result<(Vec<Sum>, Cow<'i, Catalog>), MigrationError> {
    if let Some(last) = last_stamp(input.recorded, input.layout).filter(|last| input.stamp <= *last) {
        return Err(MigrationError::Stamp(last));
    }
    let meant = |candidate: &RenameCandidate| input.consent.dropped.contains(&candidate.gone.to_string());
    let candidates: Vec<RenameCandidate> =
        difference.rename_candidates.iter().filter(|candidate| !meant(candidate)).cloned().collect();
    if !candidates.is_empty() {
        return Err(MigrationError::RenameCandidates(candidates));
    }
    let arena = Arena::new();
    let options = ChangeOptions { offline: input.consent.offline, one: false };
    let plan = plan_change(difference, input.hints, &arena, options)?;
    let hints = hints_back(difference, input.hints);
    let back_difference = diff(input.catalog, previous, &hints);
    let back_arena = Arena::new();
    let back = plan_back(&back_difference, &hints, &back_arena, Vec::new())?;
    let losses = plan.losses();
    if !losses.is_empty() && !input.consent.data_loss {
        let moving = Moving::new(&ChangeSet::new(difference), input.hints);
        let all = losses.into_iter().map(|loss| {
            let made = moving.made_of(&loss);
            (loss, made)
        });
        return Err(MigrationError::Loss(all.collect()));
    }
    let settled = order::settled(difference, &plan);
    let broken = order::by_order(input.catalog, &settled);
    if !broken.is_empty() {
        return Err(ChangeError::ByOrder(broken).into());
    }
    // What the way back brings back may go by an order that stays another one.
    let back_settled = order::settled(&diff(&settled, previous, &hints), &back);
    let unordered = order::by_order(previous, &back_settled);
    let gone = gone(&plan, &difference.from);
    let told: Vec<_> = gone.iter().map(|gone| gone.before(difference)).collect();
    let reordered = plan.notes.iter().filter_map(|note| note.before(difference));
    let notes: Vec<String> = (back.notes.iter().filter(|note| !note.stays()).map(ToString::to_string))
        .chain(back.warnings.iter().filter(|warning| warning.is_of_values()).map(ToString::to_string))
        .chain(reordered.map(|note| format!("{note}, and stay there")))
        .chain(unordered.iter().map(ToString::to_string))
        .collect();
    let Layout { migrations, own, .. } = input.layout;
    let mut stamp = input.stamp;
    let first = file_name(input, stamp, "");
    let (mut written, mut stamps) = (Vec::new(), Vec::new());
    let nothing = Plan::nothing();
    // Where access waits for rows, the file that changes it says so.
    let changes_access = |stage: &Stage<'_>| stage.statements().any(account::is_access);
    let decided = input.access.filter(|_| account::touches_access(difference)).map(|decide| (decide.0)());
    let access = account::access_changes(difference, decided.as_ref());
    let is_more = access.iter().any(|line| line != account::AS_BEFORE);
    let switch = plan.stages.iter().rposition(changes_access).filter(|_| is_more).unwrap_or(0);
    let at_once = plan.stages.first().is_some_and(changes_access);
    let mut suffixes: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, stage) in plan.stages.iter().enumerate() {
        // Each file has a name of its own.
        let suffix = stage.purpose.suffix(number == 0);
        let nth = suffixes.entry(suffix).or_default();
        *nth += 1;
        let name = match *nth {
            1 => file_name(input, stamp, suffix),
            nth => file_name(input, stamp, &format!("{suffix}_{nth}")),
        };
        let file = File {
            project: input.project,
            name: &name,
            own,
            purpose: stage.purpose,
            transaction: stage.transaction,
            number,
            of: plan.stages.len(),
        };
        let mut summary = Summary::default();
        if number == 0 {
            summary.objects = Some(("changes", account::Counts::changed(difference).to_string()));
            if switch > 0 {
                let until = if at_once { "in part until" } else { "as before until" };
                summary.access.push(format!("{until} file {} of {}", switch + 1, plan.stages.len()));
            }
        }
        if number == switch {
            summary.access.clone_from(&access);
        }
        let up = render::up(&file, &plan, stage, input.catalog, &summary);
        let sum = checksum(&up.text);
        let (down, record) = if number == 0 {
            let file = File { purpose: Purpose::Back, number: 0, of: 1, ..file };
            let mut record = Record::new(&plan, stage, (&up, &sum), &back, &gone);
            record.reorders.extend(account::moved(&difference.from, input.catalog));
            record.back_reorders.extend(account::stay_moved(&plan, difference));
            record.renames = account::renamings(difference);
            record.stirred(&back, [input.catalog, previous]);
            (render::down(&file, &back, &told, &notes, previous), record)
        } else {
            let mut record = Record::new(&plan, stage, (&up, &sum), &nothing, &[]);
            record.stirred(&nothing, [input.catalog, previous]);
            (render::elsewhere(&file, &first), record)
        };
        stamps.push(stamp.to_string());
        stamp = stamp.next();
        // Of a last file that is no transaction all may be done, and the file itself not.
        if number + 1 < plan.stages.len() || stage.transaction == Transaction::Outside && number > 0 {
            let after = After { plan: &plan, difference, previous, hints: input.hints, stages: number + 1 };
            let text =
                after.plan(|back, losses, gone| render::abandon(&file, &stamps, back, losses, gone, previous))?;
            written.push(out.file(format!("{own}/abandon/{name}.abandon.sql"), text));
        }
        let record = record.to_json();
        written.push(out.with(format!("{migrations}/{name}.sql"), up.text, sum));
        written.push(out.file(format!("{own}/down/{name}.down.sql"), down));
        written.push(out.file(format!("{own}/plans/{name}.json"), record));
    }
    Ok((written, Cow::Owned(settled)))
}

fn file_name(input: &MigrationInput<'_>, stamp: Stamp, suffix: &str) -> String {
    format!("{stamp}_{}{}{suffix}", input.name, if suffix.is_empty() { "" } else { "_" })
}

/// The list of files and their checksums, as text.
pub fn checksums<'a>(all: impl Iterator<Item = &'a Sum>) -> String {
    let lines: BTreeMap<&str, &str> = all.map(|(path, sum)| (path.as_str(), sum.as_str())).collect();
    let mut out = format!("# {MARK}\n# The SHA-256 of each file, to see whether one was changed.\n[files]\n");
    for (path, sum) in lines {
        out.push('"');
        out.push_str(&path.replace('\\', "\\\\").replace('"', "\\\""));
        out.push_str("\" = \"");
        out.push_str(sum);
        out.push_str("\"\n");
    }
    out
}

/// A name for a migration that nobody named: what it is mainly about.
pub fn default_name(difference: &Difference<'_>) -> String {
    let place = |catalog: &Catalog, place: u32| {
        catalog.at(place as usize).and_then(|(id, entry)| match &entry.object {
            Object::Table(_) => Some(id.name.to_string()),
            _ => entry.object.table().map(|table| table.name.to_string()),
        })
    };
    let table = |catalog: &Catalog, at: u32| {
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
