//! Every migration up, down, and up again.

#![expect(clippy::disallowed_methods, reason = "stalls are measured while a migration runs")]

use crate::beside::{Beside, roles};
use crate::brought::as_brought_back;
use crate::fill::fill;
use crate::prediction::{Said, matched, says_lost};
use crate::run::{Held, Ran, is_in_the_way, run};
use crate::scratch::ScratchError;
use crate::server::{ScratchDatabase, Server};
use crate::spec::Spec;
use crate::stirs::Stirs;
use crate::sums::{Rows, Sums, compare, sums};
use crate::then::under_names_of;
use crate::traffic::{Stall, Traffic};
use crate::watch::Watch;
use crate::words::{differences, said, words};
use serde::Serialize;
use specc_catalog::{Catalog, Hints, Kind, TableName, checksum};
use specc_introspect::introspect;
use specc_migrate::{Lost, Prediction, Record, Renaming};
use specc_postgres::{Limits, Session};
use specc_runner::{Migration, Script};
use specc_sql::Lock;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// What is proved.
pub struct Input<'a> {
    /// In their order, each with what the build said of it.
    pub migrations: &'a [(Migration, Said)],
    /// What the spec says.
    pub catalog: &'a Catalog,
    /// What was stored with the last migration.
    pub stored: Option<&'a Catalog>,
    /// How many rows each table gets.
    pub rows: usize,
    /// How long others may wait for a file that does not say that it writes or reads all rows under a lock.
    pub patience: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Each migration.
    pub migrations: Vec<Proved>,
    /// What is wrong. Empty: all is as it should be.
    pub findings: Vec<Finding>,
    /// What could not be looked at.
    pub notes: Vec<String>,
    /// How many rows were made.
    pub rows: i64,
    /// In how many tables.
    pub tables: usize,
    /// How many objects the database has in the end.
    pub objects: usize,
}

/// A migration that ran.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Proved {
    /// Stamp and name.
    pub name: String,
    /// How long it took.
    pub ms: u64,
    /// How many of its statements were held against what was said of them.
    pub predicted: usize,
    /// The longest wait of somebody who read meanwhile; none where there was nothing to read.
    pub read_stall: Option<Stall>,
    /// Of somebody who wrote.
    pub write_stall: Option<Stall>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// In this migration; none: on the whole.
    pub migration: Option<String>,
    /// In words.
    pub what: String,
}

/// Before a migration.
struct Moment {
    catalog: Catalog,
    sums: Sums,
    /// Rows of tables that triggers write to when base rows are written later, each by itself.
    rows: Rows,
    beside: Beside,
    /// Tables that had got their rows by then.
    filled: BTreeSet<TableName>,
}

struct Proof<'a> {
    input: &'a Input<'a>,
    /// What the migrations come to: the stored catalog where the spec has changed since.
    wanted: &'a Catalog,
    database: ScratchDatabase,
    session: Session,
    above: Session,
    filled: BTreeSet<TableName>,
    /// In a first migration what was there before it: nobody uses yet what its earlier files made.
    used: Option<BTreeSet<u32>>,
    /// Roles that the project speaks of.
    roles: Vec<String>,
    report: Report,
}

/// Proves all migrations on a new database of the server, within limits.
///
/// # Errors
/// Where the server cannot be used, or took too much of something. What is wrong with the migrations is in the report.
pub fn verify(server: &Server, input: &Input<'_>, limits: Limits) -> Result<Report, ScratchError> {
    let guard = server.limit(limits);
    let result = prove(server, input);
    match guard.exceeded() {
        Some(what) => Err(ScratchError::Exceeded(what)),
        None => result,
    }
}

fn prove(server: &Server, input: &Input<'_>) -> Result<Report, ScratchError> {
    let database = server.database()?;
    let (session, above) = (database.connect(false)?, database.connect(true)?);
    let roles = roles(input.stored.into_iter().chain([input.catalog]));
    let (filled, report) = (BTreeSet::new(), Report::default());
    let wanted = input.catalog;
    let mut proof = Proof { input, wanted, database, session, above, filled, used: None, roles, report };
    proof.plan_again();
    let mut moments = Vec::with_capacity(input.migrations.len());
    for (at, (migration, said)) in input.migrations.iter().enumerate() {
        let moment = proof.moment(at)?;
        let went = proof.up(migration, said, &moment)?;
        moments.push(moment);
        if !went {
            return Ok(proof.report);
        }
    }
    let there = proof.read()?;
    proof.report.objects = there.len();
    let spec = Spec::make(server, proof.wanted, &proof.roles, &mut proof.report.notes)?;
    let mut left = differences(&there, &spec.made, &[]);
    let known = moments.first().map(|moment| &moment.beside);
    spec.roles(proof.wanted, &there, known).iter().for_each(|what| left.push_str(&format!("\n{what}")));
    if !left.is_empty() {
        proof.finding(None, format!("after all migrations the database is not as the spec says:{left}"));
    }
    for (at, ((migration, said), moment)) in input.migrations.iter().zip(&moments).enumerate().rev() {
        match proof.down(at, migration, said, moment)? {
            Back::Done => {}
            Back::Stopped => return Ok(proof.report),
            Back::NoWay => {
                // Another one, which has nothing yet.
                proof.database = server.database()?;
                (proof.session, proof.above) = (proof.database.connect(false)?, proof.database.connect(true)?);
                break;
            }
        }
    }
    proof.again(&there, &spec)?;
    Ok(proof.report)
}

/// What came of taking a migration back.
enum Back {
    Done,
    /// It did not go through.
    Stopped,
    /// There is no script for it.
    NoWay,
}

impl Proof<'_> {
    fn finding(&mut self, migration: Option<&Migration>, what: String) {
        self.report.findings.push(Finding { migration: migration.map(Migration::title), what });
    }

    fn read(&mut self) -> Result<Catalog, ScratchError> {
        Ok(introspect(&mut self.session, &specc_introspect::Options::default())?.catalog)
    }

    /// The last build took everything in.
    fn plan_again(&mut self) {
        let Some(stored) = self.input.stored else {
            if !self.input.migrations.is_empty() {
                self.report.notes.push(
                    "no catalog is stored with the migrations: whether the spec changed is seen at the end".into(),
                );
            }
            return;
        };
        let hints = Hints::default();
        let left = specc_diff::diff(stored, self.input.catalog, &hints);
        if !left.is_empty() {
            self.wanted = stored;
            let lines = words(specc_diff::lines(&left).iter().map(ToString::to_string));
            self.finding(
                None,
                format!("the spec changed since the last migration, `specc build` writes the next one:{lines}"),
            );
        }
    }

    /// What the migrations from this one on say of their ways back, under the names of before it.
    fn said_from(&self, at: usize, of: impl Fn(&Record) -> Vec<Lost>) -> BTreeSet<Lost> {
        let later = self.input.migrations.iter().skip(at).rev().filter_map(|(_, said)| said.record());
        later.fold(BTreeSet::new(), |after, record| {
            // What it says itself may stand under the names of before already.
            let own = of(record);
            let before: Vec<Lost> = after.iter().chain(&own).map(|lost| record.before(lost)).collect();
            own.into_iter().chain(before).collect()
        })
    }

    /// What is lost on the way from before a migration to the end and back: what each of the later ones loses too.
    fn lost_from(&self, at: usize) -> BTreeSet<Lost> {
        self.said_from(at, |record| record.back_loses.clone())
    }

    /// What base rows stir up on the way from before a migration to the end and back.
    fn stirs_from(&self, at: usize) -> Stirs {
        let given = self.said_from(at, |record| record.back_given.clone());
        let follows = self.said_from(at, |record| record.back_follows.clone());
        let later = self.input.migrations.iter().skip(at).filter_map(|(_, said)| said.record());
        Stirs::new(given, follows, later.map(|record| record.back_rows).sum())
    }

    /// What was there before a migration, as far as the ways back from the end bring it again.
    fn brought_back(&self, at: usize, before: &Catalog, back: &Catalog) -> Catalog {
        let columns = self.said_from(at, |record| record.back_columns.clone());
        let rules = self.said_from(at, |record| record.back_rules.clone());
        as_brought_back(before, back, &columns, &rules)
    }

    /// Tables whose columns the way from before a migration to the end and back leaves in another order. What a later migration says
    /// of that, it says of the spec's order: where a table has another one, a column may come back in another place.
    fn reordered_from(&self, at: usize) -> BTreeSet<String> {
        let whole = |table: &String| Lost { table: table.clone(), column: None };
        let last = self.input.migrations.last().and_then(|(_, said)| said.record());
        let later = self.said_from(at, |record| {
            let stay = record.reorders.iter().filter(|_| !last.is_some_and(|last| std::ptr::eq(last, record)));
            record.back_reorders.iter().chain(stay).map(whole).collect()
        });
        let earlier = self.input.migrations.iter().take(at).filter_map(|(_, said)| said.record());
        let earlier = earlier.fold(BTreeSet::new(), |all: BTreeSet<String>, record| {
            all.iter().map(|table| record.after(table)).chain(record.reorders.iter().cloned()).collect()
        });
        later.into_iter().map(|lost| lost.table).chain(earlier).collect()
    }

    fn beside(&mut self) -> Result<Beside, ScratchError> {
        Beside::read(&mut self.above, &self.roles).map_err(|error| said(&error))
    }

    /// Makes rows where there are none yet, and takes note of everything.
    fn moment(&mut self, at: usize) -> Result<Moment, ScratchError> {
        let catalog = self.read()?;
        if self.input.rows > 0 {
            let later = self.input.migrations.iter().skip(at).filter_map(|(_, said)| said.record());
            let wanted = under_names_of(self.wanted, &catalog, &later.collect::<Vec<_>>());
            let made = fill(&mut self.above, &catalog, &wanted, self.input.rows, &mut self.filled);
            for filled in made.map_err(|error| said(&error))? {
                self.report.rows += filled.rows;
                self.report.tables += usize::from(filled.rows > 0);
                if let Some(why) = filled.why {
                    self.report.notes.push(format!("{}.{} has no rows: {why}", filled.table.schema, filled.table.name));
                }
            }
        }
        let (losses, stirs) = (self.lost_from(at), self.stirs_from(at));
        let lost = |table: &str, column: Option<&str>| says_lost(&losses, table, column);
        let other = |table: &str, column: Option<&str>| lost(table, column) || stirs.may_differ(table, column);
        let sums = sums(&mut self.above, other).map_err(|error| said(&error))?;
        let rows = stirs.rows(&mut self.above, lost).map_err(|error| said(&error))?;
        let beside = self.beside()?;
        Ok(Moment { catalog, sums, rows, beside, filled: self.filled.clone() })
    }

    /// Runs it while others read and write, and holds what it does against what was said. Whether it went through.
    fn up(&mut self, migration: &Migration, said_of: &Said, before: &Moment) -> Result<bool, ScratchError> {
        let script = match migration.script() {
            Ok(script) => script,
            Err(error) => {
                self.finding(Some(migration), error.to_string());
                return Ok(false);
            }
        };
        let found = match said_of {
            Said::Build(record) => {
                Some((record.statements.as_slice(), matched(&record.statements, &script, &migration.up.text)))
            }
            Said::ByHand(_) => None,
            Said::Unreadable { path, why } => {
                self.finding(Some(migration), format!("what its statements do is not known: {path} {why}"));
                None
            }
        };
        if let (Some((_, matched)), Said::Build(record)) = (&found, said_of)
            && (!matched.missing.is_empty() || record.sum != checksum(&migration.up.text))
        {
            let lines = words(matched.missing.iter().cloned());
            let end = if lines.is_empty() { "" } else { ":" };
            self.finding(
                Some(migration),
                format!("{} is not what `specc build` planned{end}{lines}", migration.up.path),
            );
        }
        let first = said_of.record().is_some_and(|record| record.first);
        if !first {
            self.used = None;
        } else if self.used.is_none() {
            self.used = Some(Watch::start(&mut self.session).map_err(|error| said(&error))?.all());
        }
        let busy = !script.steps.is_empty() && !self.report.migrations.is_empty();
        let traffic = match busy {
            true => {
                let writers = [self.database.connect(true)?, self.database.connect(true)?];
                Traffic::start(&before.catalog, self.database.connect(true)?, writers)
            }
            false => None,
        };
        let start = Instant::now();
        let mut tries = 5;
        let used = self.used.as_ref();
        let predicted = found.as_ref().map(|(said, matched)| Held { said, matched, used });
        let result = loop {
            match run(&mut self.session, &script, predicted) {
                // Somebody else was in the way, as they may be: that is what a runner tries again for.
                Err(stopped) if script.transaction && tries > 1 && is_in_the_way(&stopped) => tries -= 1,
                result => break result,
            }
        };
        let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let seen = traffic.map(Traffic::end);
        let mut proved = Proved { name: migration.title(), ms, ..Proved::default() };
        if let Some((read, write)) = seen {
            let taken_back = read.taken_back.iter().chain(&write.taken_back).filter(|_| !first);
            for on in taken_back {
                self.finding(
                    Some(migration),
                    format!(
                        "a transaction of somebody else on {on} was taken back (deadlock): the file holds one lock while it waits \
                         for another; take all locks at its beginning, or change one table in a file"
                    ),
                );
            }
            let patience = u64::try_from(self.input.patience.as_millis()).unwrap_or(u64::MAX);
            for (who, stall) in [("somebody who reads", &read.longest), ("somebody who writes", &write.longest)] {
                if stall.ms > patience && !first && !said_of.record().is_some_and(is_long) {
                    let Stall { ms, table } = stall;
                    let what = format!("{who} waited {ms} ms for it ({table}), more than {patience} ms");
                    self.finding(Some(migration), what);
                }
            }
            (proved.read_stall, proved.write_stall) = (Some(read.longest), Some(write.longest));
        }
        let went = match result {
            Ok(ran) => {
                proved.predicted = ran.checked;
                ran.wrong.iter().for_each(|what| self.finding(Some(migration), what.clone()));
                self.left(migration, &migration.up.path, &ran);
                self.rename(said_of, |renaming| (&renaming.was, &renaming.now));
                let now = self.beside()?;
                // Where rows are filled in batches, each may take a value.
                let none = Sums::new();
                let rows = if script.transaction { &before.sums } else { &none };
                let moved = before.beside.moved(&now, &mut self.above, Some(rows)).map_err(|error| said(&error))?;
                self.moves(migration, &migration.up.path, moved);
                true
            }
            Err(stopped) => {
                self.finding(Some(migration), format!("it stops: {}", stopped.words(&migration.up.path)));
                false
            }
        };
        self.report.migrations.push(proved);
        Ok(went)
    }

    /// Tables that got their rows are called otherwise now.
    fn rename(&mut self, told: &Said, from_to: impl Fn(&Renaming) -> (&TableName, &TableName)) {
        let renames = told.record().map(|record| record.renames.as_slice()).unwrap_or_default();
        let filled = std::mem::take(&mut self.filled);
        let named = |table: TableName| {
            let found = renames.iter().map(&from_to).find(|(from, _)| **from == table);
            found.map_or(table, |(_, to)| to.clone())
        };
        self.filled = filled.into_iter().map(named).collect();
    }

    /// What a file leaves in its session would hold for the next one.
    fn left(&mut self, migration: &Migration, path: &str, ran: &Ran) {
        if !ran.left.is_empty() {
            let left = words(ran.left.iter().cloned());
            self.finding(Some(migration), format!("{path} leaves its session otherwise than it found it:{left}"));
        }
    }

    /// A file may move a sequence past rows that it makes, and nowhere else.
    fn moves(&mut self, migration: &Migration, path: &str, moved: Vec<String>) {
        if !moved.is_empty() {
            let moved = words(moved.into_iter());
            self.finding(Some(migration), format!("{path} moves a sequence, and no row has the value:{moved}"));
        }
    }

    /// All go up once more, without rows but their own: what is there now is what the spec makes.
    fn again(&mut self, there: &Catalog, spec: &Spec) -> Result<(), ScratchError> {
        // Those whose columns stand in another order, as it was said under the names of then.
        let (mut said_of, mut reordered): (BTreeSet<&str>, BTreeSet<u32>) = Default::default();
        for (migration, told) in self.input.migrations {
            if let Err(what) = self.run(migration, &migration.up.text, &migration.up.path) {
                self.finding(Some(migration), format!("a second time up: {what}"));
                return Ok(());
            }
            said_of.extend(told.record().into_iter().flat_map(|record| &record.reorders).map(String::as_str));
            let names: Vec<&str> = said_of.iter().copied().collect();
            let rows = self.above.query(NUMBERS, &[&names]).map_err(|error| said(&error))?;
            reordered.extend(rows.iter().map(|row| row.get::<_, u32>(0)));
        }
        let again = self.read()?;
        let left = differences(&again, there, &[]);
        if !left.is_empty() {
            self.finding(
                None,
                format!("applied a second time, the migrations make another database than the first time:{left}"),
            );
        }
        let numbers: Vec<u32> = reordered.into_iter().collect();
        let rows = self.above.query(NAMES, &[&numbers]).map_err(|error| said(&error))?;
        let names: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
        let now = self.beside()?;
        let address = self.database.address()?;
        for what in spec.unlike(&mut self.above, self.wanted, &now, &address, |table| names.contains(table))? {
            self.finding(None, what);
        }
        Ok(())
    }

    /// Takes a migration back.
    fn down(&mut self, at: usize, migration: &Migration, told: &Said, moment: &Moment) -> Result<Back, ScratchError> {
        let Some(down) = &migration.down else {
            self.report
                .notes
                .push(format!("{} has no down script: what came before it is not taken back", migration.title()));
            return Ok(Back::NoWay);
        };
        let since = self.beside()?;
        if let Err(what) = self.run(migration, &down.text, &down.path) {
            self.finding(Some(migration), format!("it cannot be taken back: {what}"));
            return Ok(Back::Stopped);
        }
        // A later file of the same change: the first one takes all of them back.
        if Script::read(&down.text).is_ok_and(|script| script.steps.is_empty()) && !migration.up.text.is_empty() {
            return Ok(Back::Done);
        }
        self.rename(told, |renaming| (&renaming.now, &renaming.was));
        let back = self.read()?;
        let leaves = told.record().is_some_and(|record| !record.back_leaves.is_empty());
        let ignored: &[Kind] = if leaves { &[Kind::Extension, Kind::Role, Kind::Enum] } else { &[] };
        let left = differences(&back, &self.brought_back(at, &moment.catalog, &back), ignored);
        if !left.is_empty() {
            self.finding(Some(migration), format!("taken back, the database is not as it was before:{left}"));
        }
        // Other people's tables get rows when something refers to them.
        let later: Vec<String> =
            self.filled.difference(&moment.filled).map(|table| format!("{}.{}", table.schema, table.name)).collect();
        let losses = self.lost_from(at);
        let lost = |table: &str, column: Option<&str>| {
            column.is_none() && later.iter().any(|other| other == table) || says_lost(&losses, table, column)
        };
        let stirs = self.stirs_from(at);
        let other = |table: &str, column: Option<&str>| lost(table, column) || stirs.may_differ(table, column);
        let now = sums(&mut self.above, other).map_err(|error| said(&error))?;
        let before = moment.sums.iter().filter(|(table, _)| !later.contains(table));
        let mut wrong = compare(&before.map(|(table, sum)| (table.clone(), sum.clone())).collect(), &now);
        let now = stirs.rows(&mut self.above, lost).map_err(|error| said(&error))?;
        wrong.extend(stirs.missing(&moment.rows, &now));
        for what in wrong {
            self.finding(Some(migration), format!("taken back, {what}"));
        }
        let now = self.beside()?;
        let reordered = self.reordered_from(at);
        for what in moment.beside.changed(&now, &since, lost, |table| reordered.contains(table)) {
            self.finding(Some(migration), format!("taken back, {what}"));
        }
        let moved = since.moved(&now, &mut self.above, None).map_err(|error| said(&error))?;
        self.moves(migration, &down.path, moved);
        Ok(Back::Done)
    }

    /// Runs a file as the runner would.
    fn run(&mut self, migration: &Migration, text: &str, path: &str) -> Result<(), String> {
        let script = Script::read(text).map_err(|error| error.to_string())?;
        let ran = run(&mut self.session, &script, None);
        let ran = ran.map_err(|stopped| stopped.words(path))?;
        if path != migration.up.path {
            self.left(migration, path, &ran);
        }
        Ok(())
    }
}

/// Whether it says that others wait while rows are read or written.
fn is_long(record: &Record) -> bool {
    let blocks = |said: &Prediction, table: &String| {
        said.locks.get(table).and_then(|words| Lock::from_words(words)).is_some_and(Lock::blocks_writes)
    };
    record
        .statements
        .iter()
        .any(|said| said.rewrites.is_some() || said.fills || said.scans.iter().any(|table| blocks(said, table)))
}

const NUMBERS: &str = "\
select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
where n.nspname || '.' || c.relname = any($1)";

const NAMES: &str = "\
select n.nspname || '.' || c.relname from pg_catalog.pg_class c \
join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = any($1)";
