//! Every migration up, down, and up again.

#![expect(clippy::disallowed_methods, reason = "stalls are measured while a migration runs")]

use crate::fill::fill;
use crate::make;
use crate::prediction::{assign, enter, says_lost};
use crate::scratch::ScratchError;
use crate::server::{ScratchDatabase, Server};
use crate::sums::{Sums, compare, sums};
use crate::traffic::{Stall, Traffic};
use crate::watch::{Ledger, Watch};
use serde::Serialize;
use specc_catalog::{Catalog, Hints, Kind, TableName};
use specc_introspect::introspect;
use specc_migrate::{Lost, Prediction, Record, plan_create};
use specc_postgres::postgres;
use specc_postgres::{Limits, Session};
use specc_runner::{Migration, Script};
use std::collections::BTreeSet;
use std::time::Instant;

/// What is proved.
pub struct Input<'a> {
    /// In their order, each with what the build said of it.
    pub migrations: &'a [(Migration, Record)],
    /// What the spec says.
    pub catalog: &'a Catalog,
    /// What was stored with the last migration.
    pub stored: Option<&'a Catalog>,
    /// How many rows each table gets.
    pub rows: usize,
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
    /// Tables that had got their rows by then.
    filled: BTreeSet<TableName>,
}

struct Proof<'a> {
    input: &'a Input<'a>,
    database: ScratchDatabase,
    session: Session,
    above: Session,
    filled: BTreeSet<TableName>,
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
    let mut proof = Proof { input, database, session, above, filled: BTreeSet::new(), report: Report::default() };
    proof.plan_again();
    let mut moments = Vec::with_capacity(input.migrations.len());
    for (at, (migration, record)) in input.migrations.iter().enumerate() {
        let moment = proof.moment(at)?;
        let went = proof.up(migration, &record.statements, &moment.catalog)?;
        moments.push(moment);
        if !went {
            return Ok(proof.report);
        }
    }
    let there = proof.read()?;
    proof.report.objects = there.len();
    proof.as_the_spec(server, &there)?;
    for (at, ((migration, record), moment)) in input.migrations.iter().zip(&moments).enumerate().rev() {
        if !proof.down(at, migration, record, moment)? {
            return Ok(proof.report);
        }
    }
    for (migration, _) in input.migrations {
        if let Err(said) = proof.run(&migration.up.text) {
            proof.finding(Some(migration), format!("a second time up: {said}"));
            return Ok(proof.report);
        }
    }
    let again = proof.read()?;
    let left = differences(&again, &there, &[]);
    if !left.is_empty() {
        proof.finding(
            None,
            format!("applied a second time, the migrations make another database than the first time:{left}"),
        );
    }
    Ok(proof.report)
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
            let lines = words(specc_diff::lines(&left).iter().map(ToString::to_string));
            self.finding(
                None,
                format!("the spec changed since the last migration, `specc build` writes the next one:{lines}"),
            );
        }
    }

    /// What is lost on the way from before a migration to the end and back: what each of the later ones loses too.
    fn lost_from(&self, at: usize) -> Vec<Lost> {
        let later = self.input.migrations.iter().skip(at);
        later.flat_map(|(_, record)| record.back_loses.iter().cloned()).collect()
    }

    /// Makes rows where there are none yet, and takes note of everything.
    fn moment(&mut self, at: usize) -> Result<Moment, ScratchError> {
        let catalog = self.read()?;
        if self.input.rows > 0 {
            let made = fill(&mut self.above, &catalog, self.input.catalog, self.input.rows, &mut self.filled);
            for filled in made.map_err(|error| said(&error))? {
                self.report.rows += filled.rows;
                self.report.tables += usize::from(filled.rows > 0);
                if let Some(why) = filled.why {
                    self.report.notes.push(format!("{}.{} has no rows: {why}", filled.table.schema, filled.table.name));
                }
            }
        }
        let losses = self.lost_from(at);
        let lost = |table: &str, column: Option<&str>| says_lost(&losses, table, column);
        let sums = sums(&mut self.above, lost).map_err(|error| said(&error))?;
        Ok(Moment { catalog, sums, filled: self.filled.clone() })
    }

    /// Runs it while others read and write, and holds what it locks against what was said. Whether it went through.
    fn up(&mut self, migration: &Migration, said: &[Prediction], before: &Catalog) -> Result<bool, ScratchError> {
        let script = match migration.script() {
            Ok(script) => script,
            Err(error) => {
                self.finding(Some(migration), error.to_string());
                return Ok(false);
            }
        };
        let busy = !script.steps.is_empty() && !self.report.migrations.is_empty();
        let traffic = match busy {
            true => Traffic::start(before, self.database.connect(true)?, self.database.connect(true)?),
            false => None,
        };
        let start = Instant::now();
        let mut tries = 5;
        let result = loop {
            match self.attempt(&script, said) {
                // Somebody else was in the way, as they may be: that is what a runner tries again for.
                Err(error) if script.transaction && tries > 1 && is_in_the_way(&error) => tries -= 1,
                result => break result,
            }
        };
        let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let stalls = traffic.map(Traffic::end);
        let mut proved = Proved { name: migration.title(), ms, ..Proved::default() };
        if let Some((read, write)) = stalls {
            (proved.read_stall, proved.write_stall) = (Some(read), Some(write));
        }
        let went = match result {
            Ok((predicted, wrong)) => {
                proved.predicted = predicted;
                wrong.into_iter().for_each(|what| self.finding(Some(migration), what));
                true
            }
            Err(error) => {
                self.finding(Some(migration), format!("it stops: {}", in_words(&error)));
                false
            }
        };
        self.report.migrations.push(proved);
        Ok(went)
    }

    /// Runs a migration's steps once.
    fn attempt(&mut self, script: &Script, said: &[Prediction]) -> Result<(usize, Vec<String>), postgres::Error> {
        let session = &mut self.session;
        let texts: Vec<&str> = script.steps.iter().map(|step| step.text.as_str()).collect();
        let assigned = assign(said, &texts);
        let mut watch = Watch::start(session)?;
        let (mut ledger, mut checked, mut wrong) = (Ledger::default(), 0, Vec::new());
        if script.transaction {
            session.batch_execute("begin")?;
        }
        let mut entered = None;
        for (n, step) in script.steps.iter().enumerate() {
            if let Some(at) = assigned[n].filter(|at| entered != Some(*at)) {
                enter(&said[at], &mut ledger, &watch);
                entered = Some(at);
            }
            if let Err(error) = session.batch_execute(&step.text) {
                let _ = session.batch_execute("rollback");
                return Err(error);
            }
            let is_last = assigned[n].is_some() && assigned.get(n + 1).is_none_or(|next| *next != assigned[n]);
            // What runs in no transaction has let go of its locks by now.
            if is_last && script.transaction {
                let seen = watch.look(session)?;
                checked += 1;
                if assigned[n].is_some_and(|at| said[at].block) {
                    ledger.learn(&seen);
                    continue;
                }
                let found = ledger.check(&watch, &seen);
                wrong.extend(found.iter().map(|what| format!("{what}, after `{}`", step.label)));
            }
        }
        if script.transaction
            && let Err(error) = session.batch_execute("commit")
        {
            let _ = session.batch_execute("rollback");
            return Err(error);
        }
        let _ = session.batch_execute("reset all");
        Ok((checked, wrong))
    }

    /// Holds what is there against a database that is made from the spec at once.
    fn as_the_spec(&mut self, server: &Server, there: &Catalog) -> Result<(), ScratchError> {
        let database = server.database()?;
        let mut session = database.connect(false)?;
        make::run(
            database.own().filter(|_| server.is_confined()),
            &mut session,
            plan_create(self.input.catalog)?.statements(),
        )?;
        let wanted = introspect(&mut session, &specc_introspect::Options::default())?.catalog;
        drop(session);
        let left = differences(there, &wanted, &[]);
        if !left.is_empty() {
            self.finding(None, format!("after all migrations the database is not as the spec says:{left}"));
        }
        Ok(())
    }

    /// Takes a migration back. Whether it went through.
    fn down(
        &mut self,
        at: usize,
        migration: &Migration,
        record: &Record,
        moment: &Moment,
    ) -> Result<bool, ScratchError> {
        let Some(down) = &migration.down else {
            self.report
                .notes
                .push(format!("{} has no down script: what came before it is not taken back", migration.title()));
            return Ok(false);
        };
        if let Err(what) = self.run(&down.text) {
            self.finding(Some(migration), format!("it cannot be taken back: {what}"));
            return Ok(false);
        }
        // A later file of the same change: the first one takes all of them back.
        if Script::read(&down.text).is_ok_and(|script| script.steps.is_empty()) && !migration.up.text.is_empty() {
            return Ok(true);
        }
        let back = self.read()?;
        let ignored: &[Kind] =
            if record.back_leaves.is_empty() { &[] } else { &[Kind::Extension, Kind::Role, Kind::Enum] };
        let left = differences(&back, &moment.catalog, ignored);
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
        let now = sums(&mut self.above, lost).map_err(|error| said(&error))?;
        let before = moment.sums.iter().filter(|(table, _)| !later.contains(table));
        for what in compare(&before.map(|(table, sum)| (table.clone(), sum.clone())).collect(), &now) {
            self.finding(Some(migration), format!("taken back, {what}"));
        }
        Ok(true)
    }

    /// Runs a file as the runner would.
    fn run(&mut self, text: &str) -> Result<(), String> {
        let script = Script::read(text).map_err(|error| error.to_string())?;
        self.attempt(&script, &[]).map(|_| ()).map_err(|error| in_words(&error))
    }
}

/// A list of what differs, each on its line; empty for nothing.
fn differences(got: &Catalog, wanted: &Catalog, ignored: &[Kind]) -> String {
    let hints = Hints::default();
    let difference = specc_diff::diff(got, wanted, &hints);
    let lines = specc_diff::lines(&difference);
    words(lines.iter().filter(|line| !ignored.contains(&line.id.kind)).map(ToString::to_string))
}

fn words(lines: impl Iterator<Item = String>) -> String {
    const MOST: usize = 20;
    let all: Vec<String> = lines.collect();
    let mut out: String = all.iter().take(MOST).map(|line| format!("\n    {}", line.replace('\n', "\n    "))).collect();
    if all.len() > MOST {
        out.push_str(&format!("\n    and {} more", all.len() - MOST));
    }
    out
}

fn said(error: &postgres::Error) -> ScratchError {
    ScratchError::Postgres(in_words(error))
}

fn in_words(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => {
            let detail = db.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
            format!("{}{detail}", db.message())
        }
        None => error.to_string(),
    }
}

/// A lock that did not come in time, or a deadlock.
fn is_in_the_way(error: &postgres::Error) -> bool {
    error.code().is_some_and(|code| ["55P03", "40P01"].contains(&code.code()))
}
