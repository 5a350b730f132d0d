//! Brings a database to the newest migration, or back to an older one.

#![expect(clippy::disallowed_methods, reason = "a run waits for a server and says how long it took")]

use crate::abandon::Abandon;
use crate::approval;
use crate::jobs::{Jobs, jobs};
use crate::journal::{self, Phase, Row};
use crate::run::{self, Job, Runner};
use crate::status::{self, Standing};
use crate::watch::{Watch, Watching};
use crate::{Connect, Error, Event, Migration, Migrations, Production, Refused, Tell, guard, history, lock};
use serde::Serialize;
use specc_postgres::Session;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What is looked at before anything runs, such as whether the database is as the project thinks.
pub type Before<'a> = &'a mut dyn FnMut(&mut Session) -> Result<(), Refused>;

/// How to apply.
#[derive(Clone, Debug)]
pub struct Options {
    /// The last migration to apply.
    pub to: Option<String>,
    /// Takes back what came after this one.
    pub down_to: Option<String>,
    /// Takes back a change of several files that is half done.
    pub abandon: bool,
    /// Down scripts that are not as they were written.
    pub edited: Vec<String>,
    /// Consent to run them.
    pub allow_edited: bool,
    /// The hash of what may run: nothing else does.
    pub approve: Option<String>,
    /// Changes nothing.
    pub dry_run: bool,
    /// Runs nothing, and takes what is pending as applied: `before` has found that the database has what it makes.
    pub adopt: bool,
    /// Applies what sorts before something that was applied.
    pub out_of_order: bool,
    /// Consent to change production.
    pub allow_production: bool,
    /// Consent to lose what the way back loses.
    pub allow_data_loss: bool,
    /// Why the project says that this is production, if it does.
    pub production: Option<Production>,
    /// Keeps Supabase's history in step.
    pub supabase: bool,
    /// How long to wait for another runner.
    pub wait: Duration,
    /// How long a statement waits for a lock, where the file does not say.
    pub lock_timeout: Duration,
    /// How often to try again when a lock is not free.
    pub lock_retries: u32,
    /// How long to wait before the second try; twice as long before each next one.
    pub backoff: Duration,
    /// How many statements of a transaction are sent at once; by how far the server is unless told.
    pub together: Option<usize>,
    /// Steps that somebody knows to be done.
    pub mark_done: Vec<StepId>,
    /// Steps that somebody knows not to be done.
    pub run_again: Vec<StepId>,
    /// The version of specc, for the journal.
    pub specc: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            to: None,
            down_to: None,
            abandon: false,
            edited: Vec::new(),
            allow_edited: false,
            approve: None,
            dry_run: false,
            adopt: false,
            out_of_order: false,
            allow_production: false,
            allow_data_loss: false,
            production: None,
            supabase: false,
            wait: Duration::ZERO,
            lock_timeout: Duration::from_secs(3),
            lock_retries: 10,
            backoff: Duration::from_secs(1),
            together: None,
            mark_done: Vec::new(),
            run_again: Vec::new(),
            specc: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

/// A step of a migration: `20260101000000/3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepId {
    /// The migration's stamp.
    pub stamp: String,
    /// From 1.
    pub ordinal: u32,
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stamp, self.ordinal)
    }
}

impl FromStr for StepId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(stamp, ordinal)| Some((stamp, ordinal.parse().ok()?)));
        match parts {
            Some((stamp, ordinal)) if !stamp.is_empty() && ordinal > 0 => Ok(Self { stamp: stamp.to_owned(), ordinal }),
            _ => Err("a step is named by its migration's stamp and its number: 20260101000000/3".into()),
        }
    }
}

/// A file that was run, or would be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ran {
    /// Its stamp.
    pub stamp: String,
    /// Its name.
    pub name: String,
    /// How many steps it has.
    pub steps: usize,
    /// Whether it is one transaction.
    pub transaction: bool,
    /// What its header says is lost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub loses: Vec<String>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Applied {
    /// Files that were run, in this order; with `dry_run` those that would be.
    pub ran: Vec<Ran>,
    /// The SHA-256 of what was run, or would be: files, order and direction. Empty where nothing is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub plan: String,
    /// What was applied before specc came, by another tool or by hand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adopted: Vec<String>,
    /// Whether files were taken back.
    pub down: bool,
    /// Whether nothing was changed.
    pub dry_run: bool,
}

/// Runs what is pending, or takes back what came later than `down_to`.
///
/// # Errors
/// [`Error::Refused`] where it must not run, [`Error::Failed`] where the server refused a step. What was done before stays,
/// and the journal says so.
pub fn apply(
    connect: Connect<'_>,
    migrations: &Migrations,
    options: &Options,
    before: Before<'_>,
    tell: Tell<'_>,
) -> Result<Applied, Error> {
    let mut session = connect()?;
    let down = options.down_to.is_some() || options.abandon;
    known(migrations, options)?;
    lock::direct(&mut session, connect)?;
    run::writable(&mut session)?;
    let says = guard::production(&mut session)?.or_else(|| options.production.clone());
    if options.dry_run {
        let standing = status::standing(&mut session, migrations, options.supabase)?;
        let (_, jobs) = wanted(migrations, options, &standing)?;
        let plan = approval::hash(&jobs, options);
        approval::check(&plan, options)?;
        let ran = jobs.iter().flat_map(|job| ran(job, None)).collect();
        return Ok(Applied { ran, plan, down, dry_run: true, ..Applied::default() });
    }
    guard::check(says.as_ref(), options.allow_production, "changing it", "specc apply --allow-production")?;
    run::settle(&mut session, options.lock_timeout, options.supabase)?;
    lock::take(&mut session, options.wait, tell)?;
    journal::prepare(&mut session)?;
    if options.supabase {
        history::prepare(&mut session)?;
    }
    let adopted = adopt(&mut session, migrations, options, tell)?;
    mark(&mut session, options)?;
    let standing = status::standing(&mut session, migrations, options.supabase)?;
    let (abandon, jobs) = wanted(migrations, options, &standing)?;
    let plan = approval::hash(&jobs, options);
    approval::check(&plan, options)?;
    before(&mut session)?;
    let mut done = Applied { adopted, plan, down, ..Applied::default() };
    if options.adopt {
        done.adopted.extend(take_over(&mut session, &jobs, options)?);
        let _ = lock::release(&mut session);
        return Ok(done);
    }
    if let Some(abandon) = &abandon {
        abandon.clear(&mut session, tell)?;
        let only = abandon.finish(&mut session, options.supabase, tell)?;
        done.ran.extend(only.map(taken_back));
    }
    let pid: i32 = session.query_one("select pg_backend_pid()", &[])?.get(0);
    let batch = run::batch(&mut session, options)?;
    let watch = Watch::new(connect, tell, pid, options.lock_timeout);
    std::thread::scope(|scope| {
        scope.spawn(|| watch.run());
        let _watching = Watching(&watch);
        let mut runner = Runner { session: &mut session, options, tell, watch: &watch, batch };
        for job in &jobs {
            let took = runner.run(job)?;
            done.ran.extend(ran(job, Some(took)));
        }
        Ok::<(), Error>(())
    })?;
    // It would go with the session; but who comes next need not wait for that.
    let _ = lock::release(&mut session);
    Ok(done)
}

/// What is to be run, and what a change that is abandoned left besides.
fn wanted<'a>(
    migrations: &'a Migrations,
    options: &Options,
    standing: &'a Standing,
) -> Result<(Option<Abandon<'a>>, Vec<Job<'a>>), Error> {
    if !options.abandon {
        return Ok((None, jobs(migrations, options, standing)?));
    }
    status::refuse(&standing.report, true)?;
    let mut abandon = Jobs { migrations, options, standing }.abandon()?;
    let jobs = abandon.job.take().into_iter().collect::<Vec<_>>();
    Ok((Some(abandon), jobs))
}

/// A file that went back without a script.
fn taken_back(migration: &Migration) -> Ran {
    let (stamp, name) = (migration.stamp.clone(), migration.name.clone());
    Ran { stamp, name, steps: 0, transaction: true, loses: Vec::new(), seconds: Some(0.0) }
}

/// The file of a job, and before it those that go back with it.
fn ran(job: &Job<'_>, took: Option<Duration>) -> Vec<Ran> {
    let one = |migration: &Migration| Ran {
        stamp: migration.stamp.clone(),
        name: migration.name.clone(),
        steps: if migration.stamp == job.migration.stamp { job.script.steps.len() } else { 0 },
        transaction: job.script.transaction,
        loses: if migration.stamp == job.migration.stamp { job.script.loses.clone() } else { Vec::new() },
        seconds: took.map(|took| (took.as_secs_f64() * 1000.0).round() / 1000.0),
    };
    job.with.iter().copied().chain([job.migration]).map(one).collect()
}

/// The stamps that were named must be there.
fn known(migrations: &Migrations, options: &Options) -> Result<(), Refused> {
    let named = options.to.iter().chain(options.down_to.iter().filter(|stamp| stamp.as_str() != "0"));
    for stamp in named.chain(options.mark_done.iter().chain(&options.run_again).map(|step| &step.stamp)) {
        if migrations.find(stamp).is_none() {
            return Err(Refused::new(format!("there is no migration with the stamp {stamp}"))
                .help("`specc status` lists them; --down-to 0 takes all back"));
        }
    }
    Ok(())
}

/// What is pending was applied before specc came: all of it goes into the journal, or none.
fn take_over(session: &mut Session, jobs: &[Job<'_>], options: &Options) -> Result<Vec<String>, Error> {
    if let Some(job) = jobs.iter().find(|job| job.before.is_some_and(Row::is_begun)) {
        return Err(Refused::new(format!("{} was begun here and not completed", job.migration.title()))
            .help("`specc apply` continues it; what it made so far is not drift")
            .into());
    }
    session.batch_execute("begin")?;
    let mut titles = Vec::new();
    for job in jobs {
        journal::adopt(session, job.migration, &options.specc)?;
        if options.supabase {
            history::add(session, job.migration, &job.script.steps)?;
        }
        titles.push(job.migration.title());
    }
    session.batch_execute("commit")?;
    Ok(titles)
}

/// What Supabase's history knows and the journal does not counts as applied; and the other way round.
fn adopt(
    session: &mut Session,
    migrations: &Migrations,
    options: &Options,
    tell: Tell<'_>,
) -> Result<Vec<String>, Error> {
    let mut adopted = Vec::new();
    if !options.supabase {
        return Ok(adopted);
    }
    let Standing { journal, history, .. } = status::standing(session, migrations, true)?;
    for migration in &migrations.all {
        match journal.get(&migration.stamp).map(|row| row.phase) {
            None if history.contains(&migration.stamp) => {
                journal::adopt(session, migration, &options.specc)?;
                tell(Event::Note(format!(
                    "{}: applied by another tool, as Supabase's history says; taken over",
                    migration.title()
                )));
                adopted.push(migration.title());
            }
            Some(Phase::Applied) if !history.contains(&migration.stamp) => {
                history::add(session, migration, &migration.script()?.steps)?;
                tell(Event::Note(format!("{}: was not in Supabase's history; added", migration.title())));
            }
            _ => {}
        }
    }
    Ok(adopted)
}

/// Takes the word of who looked.
fn mark(session: &mut Session, options: &Options) -> Result<(), Error> {
    for step in &options.mark_done {
        let ordinal = i32::try_from(step.ordinal).unwrap_or(i32::MAX);
        let begun = session.query_opt(
            "select from specc.steps s join specc.migrations m using (stamp) \
             where s.stamp = $1 and s.ordinal = $2 and s.state = 'begun' and m.state in ('applying', 'reverting')",
            &[&step.stamp, &ordinal],
        )?;
        if begun.is_none() {
            return Err(Refused::new(format!("{step} is no step that was begun and not completed"))
                .help("`specc status` says where a migration stopped")
                .into());
        }
        journal::step_done(session, &step.stamp, step.ordinal)?;
    }
    Ok(())
}
