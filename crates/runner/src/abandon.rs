//! A change of several files that is half done, and the script that leads back from there.
//!
//! A file that is a transaction is done or not. Of one that runs step by step the last step may be in doubt: what a
//! concurrent build left is dropped, and batches that were filled are taken back by the script, whether all of them were
//! filled or not. So the script of the last file that is complete serves.

use crate::jobs::Jobs;
use crate::journal::{self, Row};
use crate::migration::script;
use crate::run::Job;
use crate::status::State;
use crate::{Error, Event, File, Migration, Refused, Tell, examine, history};
use specc_postgres::Session;
use specc_split::Kind;

/// A file that was begun and not completed.
pub(crate) struct Begun<'a> {
    pub(crate) migration: &'a Migration,
    row: &'a Row,
}

/// What leads back.
pub(crate) struct Abandon<'a> {
    /// The file that was begun, if there is one.
    pub(crate) begun: Option<Begun<'a>>,
    /// The script, if a file was completed.
    pub(crate) job: Option<Job<'a>>,
    /// Whether nothing but the file that was begun has to be noted.
    alone: bool,
}

impl<'a> Jobs<'a, '_> {
    /// What takes the half-done change back. Nothing where none is half done.
    pub(crate) fn abandon(&self) -> Result<Abandon<'a>, Error> {
        if let Some(title) = self.stopped(State::Reverting) {
            return Err(Refused::new(format!("the way back of {title} was interrupted"))
                .help(
                    "finish that first: specc apply --down-to STAMP, with the stamp of the migration before it (or 0)",
                )
                .into());
        }
        let all = &self.migrations.all;
        let begun = all.iter().find(|migration| self.state(migration) == Some(State::Interrupted));
        let before = |migration: &&Migration| {
            self.state(migration) == Some(State::Applied) && begun.is_none_or(|begun| migration.stamp < begun.stamp)
        };
        let last = all.iter().rfind(before);
        let mut script_of = last.and_then(|last| last.abandon.as_ref());
        // Between the two may be other changes.
        let next = last.and_then(|last| all.iter().find(|migration| migration.stamp > last.stamp));
        if let (Some(begun), Some(next)) = (begun, next)
            && next.stamp != begun.stamp
        {
            script_of = None;
        }
        let begun = match begun {
            Some(migration) => {
                let row = self.standing.journal.get(&migration.stamp);
                let row =
                    row.ok_or_else(|| Refused::new(format!("the journal has no row of {}", migration.title())))?;
                Some(Begun { migration, row })
            }
            None => None,
        };
        if let Some(begun) = &begun {
            if script_of.is_none() && begun.migration.abandon.is_none() && !begun.builds_only()? {
                return Err(Refused::new(format!(
                    "{} is no part of a change that knows its way back",
                    begun.migration.title()
                ))
                .help("only changes that `specc build` planned can be abandoned; finish it: specc apply")
                .into());
            }
            if begun.is_complete()? {
                // A step that cannot be told from the inside; all that it does is done.
                script_of = begun.migration.abandon.as_ref();
                if script_of.is_none() {
                    return Err(Refused::new(format!("all that {} does is done", begun.migration.title()))
                        .help("complete it: specc apply; then take the change back: specc apply --down-to STAMP")
                        .into());
                }
            }
        }
        let job = script_of.map(|file| self.way_back(file, begun.as_ref())).transpose()?;
        let abandon = Abandon { begun, alone: job.is_none(), job };
        self.consent(abandon.job.as_slice())?;
        Ok(abandon)
    }

    fn way_back(&self, file: &'a File, begun: Option<&Begun<'a>>) -> Result<Job<'a>, Error> {
        let script = script(file)?;
        let mut all = Vec::new();
        for stamp in &script.takes_back {
            let migration = self.migrations.find(stamp).filter(|migration| {
                self.state(migration) == Some(State::Applied)
                    || begun.is_some_and(|begun| begun.migration.stamp == migration.stamp)
            });
            all.push(migration.ok_or_else(|| {
                Refused::new(format!("{} takes back {stamp}, which is not applied here", file.path))
                    .help("`specc status` says how each migration stands")
            })?);
        }
        if !script.transaction || all.is_empty() {
            return Err(Refused::new(format!("{} is not as `specc build` wrote it", file.path))
                .help("restore the file (git checkout)")
                .into());
        }
        let first = all.remove(0);
        if let Some(begun) = begun.filter(|begun| {
            begun.migration.stamp != first.stamp && !all.iter().any(|other| other.stamp == begun.migration.stamp)
        }) {
            all.push(begun.migration);
        }
        all.reverse();
        Ok(Job { migration: first, file, script, down: true, with: all, before: None })
    }
}

impl Begun<'_> {
    /// The steps that were begun or done.
    fn kinds(&self) -> Result<Vec<Kind>, Error> {
        let script = self.migration.script()?;
        let known = script.steps.into_iter().filter(|step| self.row.journal.contains_key(&step.ordinal));
        Ok(known.map(|step| step.kind).collect())
    }

    /// Whether it has done nothing but build indexes, so that nothing else has to be taken back.
    fn builds_only(&self) -> Result<bool, Error> {
        let kinds = self.kinds()?;
        Ok(kinds.iter().all(|kind| matches!(kind, Kind::CreateIndex { name: Some(_), .. } | Kind::Setting)))
    }

    /// Whether a step that cannot be undone by itself is done: an index that is gone does not come back alone.
    fn is_complete(&self) -> Result<bool, Error> {
        let script = self.migration.script()?;
        let done = |ordinal| self.row.journal.get(&ordinal).is_some_and(|step| step.done);
        Ok(script.steps.iter().any(|step| matches!(step.kind, Kind::DropIndex { .. }) && done(step.ordinal)))
    }

    /// Drops what its concurrent builds left or made.
    fn clear(&self, session: &mut Session, tell: Tell<'_>) -> Result<(), Error> {
        let script = self.migration.script()?;
        for step in &script.steps {
            let Some(row) = self.row.journal.get(&step.ordinal) else { continue };
            let stranger = row.error.as_deref().is_some_and(|error| error.contains(journal::DUPLICATE));
            if !stranger || row.done {
                examine::undo(session, step, tell)?;
            }
        }
        Ok(())
    }
}

impl<'a> Abandon<'a> {
    /// Before the script: what a step left that runs in no transaction. It may be done again at any time.
    pub(crate) fn clear(&self, session: &mut Session, tell: Tell<'_>) -> Result<(), Error> {
        self.begun.as_ref().map_or(Ok(()), |begun| begun.clear(session, tell))
    }

    /// Where no file was completed there is no script: the file that was begun is noted as taken back.
    pub(crate) fn finish(
        &self,
        session: &mut Session,
        supabase: bool,
        tell: Tell<'_>,
    ) -> Result<Option<&'a Migration>, Error> {
        let Some(begun) = self.begun.as_ref().filter(|_| self.alone) else { return Ok(None) };
        session.batch_execute("begin")?;
        journal::taken_back(session, &begun.migration.stamp)?;
        if supabase {
            history::remove(session, &begun.migration.stamp)?;
        }
        session.batch_execute("commit")?;
        tell(Event::Done { title: begun.migration.title(), took: std::time::Duration::ZERO, down: true });
        Ok(Some(begun.migration))
    }
}
