//! Runs one file: as one transaction, or step by step.

#![expect(clippy::disallowed_methods, reason = "a run waits for a server and says how long it took")]

use crate::apply::{Options, StepId};
use crate::blockers::Blocker;
use crate::error::{Error, Refused, ServerError};
use crate::examine::{self, Past, Verdict};
use crate::failure::FailedTry;
use crate::journal::{self, Row};
use crate::migration::File;
use crate::script::{Script, Step};
use crate::wait::backoff;
use crate::watch::Watch;
use crate::{Event, Migration, Tell, history};
use specc_postgres::Session;
use specc_split::Kind;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A file to run.
pub(crate) struct Job<'a> {
    pub(crate) migration: &'a Migration,
    pub(crate) file: &'a File,
    pub(crate) script: Script,
    pub(crate) down: bool,
    /// Later files that it takes back too: their own down scripts have no statements.
    pub(crate) with: Vec<&'a Migration>,
    /// What the journal has of an earlier try.
    pub(crate) before: Option<&'a Row>,
}

/// Runs files in one session.
pub(crate) struct Runner<'a> {
    pub(crate) session: &'a mut Session,
    pub(crate) options: &'a Options,
    pub(crate) tell: Tell<'a>,
    pub(crate) watch: &'a Watch<'a>,
    /// How many statements of a transaction are sent at once.
    pub(crate) batch: usize,
}

/// A step that took longer is told of.
const WORTH_TELLING: Duration = Duration::from_secs(1);
/// From this time for an answer on, statements of a transaction are sent together.
const FAR: Duration = Duration::from_millis(2);
const TOGETHER: usize = 100;

/// What every file starts from.
pub(crate) fn settle(session: &mut Session, lock_timeout: Duration, supabase: bool) -> Result<(), Error> {
    // What a body or an extension means must not depend on how this database or role is set up.
    let path = if supabase { "public, extensions" } else { "public" };
    session.batch_execute(&format!(
        "reset session authorization; reset role; reset all; set search_path = {path}; set statement_timeout = 0; \
         set idle_in_transaction_session_timeout = 0; set idle_session_timeout = 0; set lock_timeout = {}",
        lock_timeout.as_millis()
    ))?;
    // What the journal says must outlive a crash of the server, whatever the database does with other commits.
    session.batch_execute(
        "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'",
    )?;
    // If we are gone, the server stops working for us soon; not every platform can.
    let _ = session.batch_execute("set client_connection_check_interval = '2s'");
    session.take_notices();
    Ok(())
}

/// Refuses a server that only repeats what another one does.
pub(crate) fn writable(session: &mut Session) -> Result<(), Error> {
    let standby: bool = session.query_one("select pg_is_in_recovery()", &[])?.get(0);
    if standby {
        return Err(Error::Database(
            "this server is a hot standby: it repeats what its primary does, and nothing can be changed in it\n  help: connect \
             to the primary; with several hosts in the address, target_session_attrs=read-write finds it"
                .into(),
        ));
    }
    Ok(())
}

/// How many statements to send at once, by how far the server is.
pub(crate) fn batch(session: &mut Session, options: &Options) -> Result<usize, Error> {
    if let Some(together) = options.together {
        return Ok(together.max(1));
    }
    let began = Instant::now();
    session.simple_query("select 1")?;
    Ok(if began.elapsed() < FAR { 1 } else { TOGETHER })
}

impl Runner<'_> {
    /// Runs the file to its end, or says why not.
    pub(crate) fn run(&mut self, job: &Job<'_>) -> Result<Duration, Error> {
        let began = Instant::now();
        let known = |step: &&Step| self.done(job, step);
        let done = if job.script.transaction { 0 } else { job.script.steps.iter().filter(known).count() };
        (self.tell)(Event::Begins {
            title: job.migration.title(),
            steps: job.script.steps.len(),
            done,
            loses: job.script.loses.clone(),
        });
        settle(self.session, self.options.lock_timeout, self.options.supabase)?;
        if !job.script.transaction {
            unchanged(job)?;
        }
        journal::begin(self.session, job.migration, job.script.steps.len(), job.down, &self.options.specc)?;
        if job.script.transaction {
            self.transaction(job)?
        } else {
            self.steps(job)?
        }
        settle(self.session, self.options.lock_timeout, self.options.supabase)?;
        let took = began.elapsed();
        for migration in job.with.iter().copied().chain([job.migration]) {
            (self.tell)(Event::Done { title: migration.title(), took, down: job.down });
        }
        Ok(took)
    }

    fn done(&self, job: &Job<'_>, step: &Step) -> bool {
        job.before.and_then(|row| row.journal.get(&step.ordinal)).is_some_and(|row| row.done)
    }

    /// The whole file in one transaction, tried again as a whole where a lock is not free.
    fn transaction(&mut self, job: &Job<'_>) -> Result<(), Error> {
        let mut attempt = 1;
        let mut batch = self.batch;
        loop {
            let failure = match self.try_transaction(job, batch)? {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            if !failure.said.is_lost() {
                self.session.batch_execute("rollback")?;
                self.session.take_notices();
                let label = failure.step.and_then(|n| job.script.steps.get(n)).map_or("commit", |step| &step.label);
                if self.again(&failure, label, attempt) {
                    attempt += 1;
                    continue;
                }
                if failure.step.is_none() && batch > 1 {
                    // Nothing of it stayed, so it can be found which statement it was.
                    batch = 1;
                    continue;
                }
                settle(self.session, self.options.lock_timeout, self.options.supabase)?;
                journal::failed(self.session, &job.migration.stamp, None, &failure.said.to_string())?;
            }
            let state = match job.down {
                false => {
                    "nothing of this file was kept: it is one transaction; correct what is wrong and run `specc apply` again"
                }
                true => {
                    "nothing was taken back: it is one transaction, and the database is as it was before; correct what is \
                         wrong and run the same command again, or go on with `specc apply`"
                }
            };
            return Err(failure.into_error(job.file, &job.script.steps, state.into()));
        }
    }

    fn try_transaction(&mut self, job: &Job<'_>, batch: usize) -> Result<Result<(), FailedTry>, Error> {
        self.session.batch_execute("begin")?;
        let steps = &job.script.steps;
        let mut first = 0;
        for chunk in steps.chunks(batch.max(1)) {
            let (Some(head), Some(last)) = (chunk.first(), chunk.last()) else {
                continue;
            };
            let text = &job.file.text[head.start..last.start + last.text.len()];
            let (result, took, blockers) = self.watched(&head.label, text);
            if let Err(error) = result {
                let mut failure = FailedTry::new(ServerError::of(&error), text, head.start, blockers);
                failure.step = match failure.at {
                    Some(at) => steps.iter().rposition(|step| step.start <= at),
                    None if chunk.len() == 1 => Some(first),
                    None => None,
                };
                return Ok(Err(failure));
            }
            if took > WORTH_TELLING {
                let (ordinal, label) = (last.ordinal, last.label.clone());
                (self.tell)(Event::Step { ordinal, of: steps.len(), label, took });
            }
            first += chunk.len();
        }
        self.warnings();
        // The journal is written as who we are, whoever the file became.
        self.session.batch_execute("reset session authorization; reset role")?;
        let stamp = &job.migration.stamp;
        journal::steps_done(self.session, stamp, steps)?;
        self.finish(job)?;
        match self.session.batch_execute("commit") {
            Ok(()) => Ok(Ok(())),
            // What is checked at the end only.
            Err(error) => {
                Ok(Err(FailedTry { said: ServerError::of(&error), at: None, step: None, blockers: Vec::new() }))
            }
        }
    }

    /// The file is done: in the journal, and in Supabase's history.
    fn finish(&mut self, job: &Job<'_>) -> Result<(), Error> {
        journal::finish(self.session, &job.migration.stamp, job.down)?;
        job.with.iter().try_for_each(|later| journal::taken_back(self.session, &later.stamp))?;
        if self.options.supabase {
            if job.down {
                history::remove(self.session, &job.migration.stamp)?;
                job.with.iter().try_for_each(|later| history::remove(self.session, &later.stamp))?;
            } else {
                history::add(self.session, job.migration, &job.script.steps)?;
            }
        }
        Ok(())
    }

    /// Runs a text while it is watched.
    fn watched(
        &mut self,
        label: &str,
        text: &str,
    ) -> (Result<(), specc_postgres::postgres::Error>, Duration, Vec<Blocker>) {
        self.watch.begin(label);
        let result = self.session.batch_execute(text);
        let (took, blockers) = self.watch.end();
        (result, took, blockers)
    }

    fn warnings(&mut self) {
        for notice in self.session.take_notices().into_iter().filter(specc_postgres::Notice::is_warning) {
            (self.tell)(Event::Warning(notice.message));
        }
    }

    /// Whether to try again; if so, waits before.
    fn again(&self, failure: &FailedTry, label: &str, attempt: u32) -> bool {
        if !failure.said.may_pass() || attempt > self.options.lock_retries {
            return false;
        }
        let after = backoff(self.options.backoff, attempt);
        (self.tell)(Event::Again {
            label: label.to_owned(),
            said: failure.said.message.clone(),
            blockers: failure.blockers.clone(),
            attempt,
            of: self.options.lock_retries + 1,
            after,
        });
        sleep(after);
        true
    }

    /// Step by step; each is in the journal before it runs and after.
    fn steps(&mut self, job: &Job<'_>) -> Result<(), Error> {
        for step in &job.script.steps {
            if step.kind == Kind::Setting {
                // It holds for what follows, whatever was done before.
                self.setting(job, step)?;
            } else if !self.done(job, step) {
                self.step(job, step)?;
            }
        }
        self.session.batch_execute("reset session authorization; reset role; begin")?;
        self.finish(job)?;
        Ok(self.session.batch_execute("commit")?)
    }

    fn setting(&mut self, job: &Job<'_>, step: &Step) -> Result<(), Error> {
        if let Err(error) = self.session.batch_execute(&step.text) {
            let failure = FailedTry::new(ServerError::of(&error), &step.text, step.start, Vec::new());
            return self.give_up(job, step, failure);
        }
        self.warnings();
        Ok(())
    }

    fn step(&mut self, job: &Job<'_>, step: &Step) -> Result<(), Error> {
        let before = job.before.and_then(|row| row.journal.get(&step.ordinal));
        let id = StepId { stamp: job.migration.stamp.clone(), ordinal: step.ordinal };
        let same = before.filter(|row| row.checksum == step.checksum);
        let error = same.and_then(|row| row.error.as_deref());
        let mut past = Past {
            begun: same.is_some() && !self.options.run_again.contains(&id),
            failed: error.is_some(),
            stranger: error.is_some_and(|error| error.contains(journal::DUPLICATE)),
        };
        let mut attempt = 1;
        loop {
            let patient = step.kind.is_patient() && !job.script.sets_lock_timeout;
            if patient {
                // While it waits for its turn nobody waits behind it: it may take as long as it takes.
                self.session.batch_execute("set lock_timeout = 0")?;
            }
            let verdict = examine::examine(self.session, step, past, self.tell)?;
            let text = match verdict {
                Verdict::Run => step.text.as_str().to_owned(),
                Verdict::Instead(text) => text,
                Verdict::Done(why) => {
                    (self.tell)(Event::Note(format!("step {} was done already: {why}", step.ordinal)));
                    journal::step_done(self.session, &job.migration.stamp, step.ordinal)?;
                    return self.impatient(patient);
                }
                Verdict::Unknown(why) => return Err(unknown(job, step, &id, &why).into()),
            };
            journal::step_begun(self.session, &job.migration.stamp, step)?;
            let failure = match self.try_step(job, step, &text)? {
                Ok(took) => {
                    (self.tell)(Event::Step {
                        ordinal: step.ordinal,
                        of: job.script.steps.len(),
                        label: step.label.clone(),
                        took,
                    });
                    self.warnings();
                    return self.impatient(patient);
                }
                Err(failure) => failure,
            };
            if failure.said.is_lost() {
                return self.give_up(job, step, failure);
            }
            if step.is_atomic() {
                self.session.batch_execute("rollback")?;
            }
            examine::clean_up(self.session, step, self.tell)?;
            self.impatient(patient)?;
            if !self.again(&failure, &step.label, attempt) {
                return self.give_up(job, step, failure);
            }
            attempt += 1;
            (past.begun, past.failed) = (true, true);
        }
    }

    fn impatient(&mut self, was_patient: bool) -> Result<(), Error> {
        if was_patient {
            self.session.batch_execute(&format!("set lock_timeout = {}", self.options.lock_timeout.as_millis()))?;
        }
        Ok(())
    }

    /// With its journal row in one transaction, where it can be in one.
    fn try_step(&mut self, job: &Job<'_>, step: &Step, text: &str) -> Result<Result<Duration, FailedTry>, Error> {
        let atomic = step.is_atomic();
        if atomic {
            self.session.batch_execute("begin")?;
        }
        let (result, took, blockers) = self.watched(&step.label, text);
        let failure = |error: &specc_postgres::postgres::Error, blockers| {
            let mut failure = FailedTry::new(ServerError::of(error), text, step.start, blockers);
            failure.step = Some(step.ordinal as usize - 1);
            failure
        };
        if let Err(error) = result {
            return Ok(Err(failure(&error, blockers)));
        }
        journal::step_done(self.session, &job.migration.stamp, step.ordinal)?;
        if atomic && let Err(error) = self.session.batch_execute("commit") {
            return Ok(Err(failure(&error, Vec::new())));
        }
        Ok(Ok(took))
    }

    fn give_up(&mut self, job: &Job<'_>, step: &Step, mut failure: FailedTry) -> Result<(), Error> {
        failure.step.get_or_insert(step.ordinal as usize - 1);
        if !failure.said.is_lost() {
            settle(self.session, self.options.lock_timeout, self.options.supabase)?;
            let stamp = &job.migration.stamp;
            journal::failed(self.session, stamp, Some(step.ordinal), &failure.said.to_string())?;
            let nothing =
                !job.script.steps.iter().any(|other| other.ordinal < step.ordinal && other.kind != Kind::Setting);
            if nothing && step.is_atomic() {
                journal::nothing_done(self.session, stamp)?;
            }
        }
        let before = match step.ordinal {
            1 if step.kind == Kind::Block => String::new(),
            1 => "nothing of this file was done; ".to_owned(),
            n => format!("what comes before, step 1 to {}, is done and stays; ", n - 1),
        };
        let part = match step.kind {
            Kind::Block => "of this step, what it committed on its way (as batches of rows) is done and stays; ",
            _ => "",
        };
        let back = if job.down { "" } else { "; a change of several files goes back with `specc apply --abandon`" };
        let state = format!(
            "{before}{part}correct what is wrong, in the data or in the file from here on, and run `specc apply` again: it \
             continues here{back}"
        );
        Err(failure.into_error(job.file, &job.script.steps, state))
    }
}

/// The steps that were done must be those of the file still.
fn unchanged(job: &Job<'_>) -> Result<(), Refused> {
    let Some(row) = job.before else {
        return Ok(());
    };
    for (ordinal, done) in row.journal.iter().filter(|(_, step)| step.done) {
        let now = job.script.steps.iter().find(|step| step.ordinal == *ordinal);
        if now.is_none_or(|step| step.checksum != done.checksum) {
            return Err(Refused::new(format!(
                "{} was edited in a part that ran already: step {ordinal} was `{}`",
                job.file.path, done.label
            ))
            .help("bring back what ran, and change only what comes after it"));
        }
    }
    Ok(())
}

fn unknown(job: &Job<'_>, step: &Step, id: &StepId, why: &str) -> Refused {
    Refused::new(format!(
        "{}:{}: step {} was begun and not completed, and {why}\n  in: {}",
        job.file.path, step.line, step.ordinal, step.label
    ))
    .help(format!(
        "look whether it was done; if so: specc apply --mark-done {id}; if not: specc apply --run-again {id}"
    ))
}
