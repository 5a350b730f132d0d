//! Which files are to be run, and in which order.

use crate::apply::Options;
use crate::journal::Phase;
use crate::migration::script;
use crate::run::Job;
use crate::script::Script;
use crate::status::{self, Standing, State};
use crate::{Error, Migration, Migrations, Refused};

/// What is to be run, in this order. Every file is taken apart before the first one runs.
pub(crate) fn jobs<'a>(
    migrations: &'a Migrations,
    options: &Options,
    standing: &'a Standing,
) -> Result<Vec<Job<'a>>, Error> {
    status::refuse(&standing.report, options.out_of_order || options.down_to.is_some())?;
    let all = Jobs { migrations, options, standing };
    match &options.down_to {
        None => all.up(),
        Some(down_to) => all.down(down_to),
    }
}

/// What is asked for, and how things stand.
pub(crate) struct Jobs<'a, 'o> {
    pub(crate) migrations: &'a Migrations,
    pub(crate) options: &'o Options,
    pub(crate) standing: &'a Standing,
}

impl<'a> Jobs<'a, '_> {
    pub(crate) fn state(&self, migration: &Migration) -> Option<State> {
        let entries = &self.standing.report.migrations;
        entries.iter().find(|entry| entry.stamp == migration.stamp).map(|entry| entry.state)
    }

    /// The first one that was left in this state.
    pub(crate) fn stopped(&self, state: State) -> Option<String> {
        let entry = self.standing.report.migrations.iter().find(|entry| entry.state == state)?;
        Some(format!("{}_{}", entry.stamp, entry.name))
    }

    fn job(&self, migration: &'a Migration, script: Script, down: bool) -> Job<'a> {
        let phase = if down { Phase::Reverting } else { Phase::Applying };
        Job {
            migration,
            file: if down { migration.down.as_ref().unwrap_or(&migration.up) } else { &migration.up },
            script,
            down,
            with: Vec::new(),
            before: self.standing.journal.get(&migration.stamp).filter(|row| row.phase == phase),
        }
    }

    fn up(&self) -> Result<Vec<Job<'a>>, Error> {
        if let Some(title) = self.stopped(State::Reverting) {
            return Err(Refused::new(format!("the way back of {title} was interrupted"))
                .help(
                    "finish that first: specc apply --down-to STAMP, with the stamp of the migration before it (or 0)",
                )
                .into());
        }
        let wanted = |migration: &&Migration| {
            let open = matches!(self.state(migration), Some(State::Pending | State::Interrupted | State::OutOfOrder));
            open && self.options.to.as_ref().is_none_or(|to| migration.stamp <= *to)
        };
        let mut open: Vec<_> = self.migrations.all.iter().filter(wanted).collect();
        // What was begun comes first, whatever its stamp.
        open.sort_by_key(|migration| self.state(migration) != Some(State::Interrupted));
        open.into_iter().map(|migration| Ok(self.job(migration, migration.script()?, false))).collect()
    }

    fn down(&self, down_to: &str) -> Result<Vec<Job<'a>>, Error> {
        if let Some(title) = self.stopped(State::Interrupted) {
            return Err(Refused::new(format!("{title} was interrupted"))
                .help("finish it: specc apply, and then take it back; or go back to before the change: specc apply --abandon")
                .into());
        }
        let mut jobs: Vec<Job<'a>> = Vec::new();
        // Files whose down scripts have no statements go back with the file before them that has some.
        let mut with: Vec<&'a Migration> = Vec::new();
        let mut open: Vec<&'a Migration> = Vec::new();
        for migration in self.migrations.all.iter().rev() {
            let there = matches!(self.state(migration), Some(State::Applied | State::Reverting));
            let wanted = migration.stamp.as_str() > down_to;
            if !wanted && with.is_empty() {
                break;
            }
            let Some(file) = &migration.down else {
                if !there {
                    continue;
                }
                return Err(Refused::new(format!(
                    "{} has no down script, so it cannot be taken back",
                    migration.up.path
                ))
                .help(format!("write specc/down/{}.down.sql", migration.title()))
                .into());
            };
            let script = script(file)?;
            match (script.steps.is_empty(), there) {
                (true, true) => with.push(migration),
                (true, false) => open.push(migration),
                (false, true) if !wanted => return Err(self.in_the_middle(migration, &with).into()),
                (false, true) => {
                    if let Some(later) = open.last() {
                        return Err(Refused::new(format!(
                            "{} goes back together with {}, which is not applied",
                            migration.title(),
                            later.title()
                        ))
                        .help("apply the whole change first: specc apply, and then take it back; or go back to before it: specc apply --abandon")
                        .into());
                    }
                    let mut job = self.job(migration, script, true);
                    job.with = std::mem::take(&mut with);
                    jobs.push(job);
                }
                (false, false) => open.clear(),
            }
        }
        // Down scripts without statements up to the very first file: there is nothing to do but to say so.
        for migration in with {
            let file = migration.down.as_ref().unwrap_or(&migration.up);
            jobs.push(self.job(migration, script(file)?, true));
        }
        self.consent(&jobs)?;
        jobs.sort_by_key(|job| self.state(job.migration) != Some(State::Reverting));
        Ok(jobs)
    }

    fn in_the_middle(&self, first: &Migration, with: &[&Migration]) -> Refused {
        let names: Vec<_> = with.iter().map(|migration| migration.title()).collect();
        let before = self.migrations.all.iter().rev().find(|migration| migration.stamp < first.stamp);
        Refused::new(format!(
            "{} cannot go back alone: {} takes the whole change back",
            names.join(", "),
            first.title()
        ))
        .help(format!("go back further: specc apply --down-to {}", before.map_or("0", |migration| &migration.stamp)))
    }

    /// What going back loses needs a word.
    pub(crate) fn consent(&self, jobs: &[Job<'_>]) -> Result<(), Refused> {
        let loss = |job: &Job<'_>| -> String {
            job.script.loses.iter().map(|loss| format!("\n  {}: {loss}", job.migration.title())).collect()
        };
        let edited = |job: &Job<'_>| job.down && self.options.edited.contains(&job.file.path);
        if let Some(job) = jobs.iter().find(|job| edited(job))
            && !self.options.allow_edited
        {
            return Err(Refused::new(format!("{} was edited after `specc build` wrote it", job.file.path)).help(
                "what it says of what it loses may not be true any more: restore it (git checkout); if the edit is intended: \
                 --allow-edited",
            ));
        }
        let lost: String = jobs.iter().map(loss).collect();
        if lost.is_empty() || self.options.allow_data_loss || self.options.dry_run {
            return Ok(());
        }
        Err(Refused::new(format!("going back loses:{lost}"))
            .help("if that is intended: --allow-data-loss (and `specc backup` before)"))
    }
}
