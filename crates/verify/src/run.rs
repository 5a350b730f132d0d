//! A file's statements, one after the other, and what each does to those who use the database.

use crate::prediction::{Matched, enter};
use crate::watch::{Ledger, Watch};
use crate::words::in_words;
use specc_migrate::Prediction;
use specc_postgres::Session;
use specc_postgres::postgres;
use specc_runner::Script;
use std::collections::{BTreeMap, BTreeSet};

/// What was seen while a file ran.
#[derive(Default)]
pub(crate) struct Ran {
    /// How many statements were held against what was said of them.
    pub checked: usize,
    /// What was not as it was said.
    pub wrong: Vec<String>,
    /// What the file leaves behind in its session, in words.
    pub left: Vec<String>,
}

/// Why a file did not go through.
pub(crate) struct Stopped {
    /// What the server said.
    pub error: postgres::Error,
    /// The line of the statement and its first words.
    at: Option<(usize, String)>,
}

impl Stopped {
    /// In words, with the place in the file.
    pub fn words(&self, path: &str) -> String {
        let said = in_words(&self.error);
        match &self.at {
            Some((line, label)) => format!("{said}\n{path}, line {line}: {label}"),
            None => format!("{said}\n{path}"),
        }
    }
}

impl From<postgres::Error> for Stopped {
    fn from(error: postgres::Error) -> Self {
        Self { error, at: None }
    }
}

/// More looks than this would take longer than the migration.
const LOOKS: usize = 100_000;

/// What a script is held against.
#[derive(Clone, Copy)]
pub(crate) struct Held<'a> {
    pub said: &'a [Prediction],
    pub matched: &'a Matched,
    /// Tables that others may be using; `None`: all that are there before it.
    pub used: Option<&'a BTreeSet<u32>>,
}

/// Runs the steps as the runner would. What it locks and rewrites is held against what was said, where something was.
pub(crate) fn run(session: &mut Session, script: &Script, said: Option<Held<'_>>) -> Result<Ran, Stopped> {
    let before = settings(session)?;
    let ran = steps(session, script, said);
    let mut ran = match ran {
        Ok(ran) => ran,
        Err(stopped) => {
            let _ = session.batch_execute("rollback");
            let _ = session.batch_execute(CLEAN);
            return Err(stopped);
        }
    };
    ran.left = settings(session)?
        .into_iter()
        .filter(|(name, value)| before.get(name) != Some(value))
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    session.batch_execute(CLEAN)?;
    Ok(ran)
}

const CLEAN: &str = "reset session authorization; reset role; reset all; discard temp";

/// What a session has of its own.
const SETTINGS: &str = "\
select name, setting from pg_catalog.pg_settings where source = 'session' \
union all select 'role', current_user::text \
union all select 'session authorization', session_user::text \
union all select 'temporary table ' || relname, 'there' from pg_catalog.pg_class \
  where relnamespace = pg_catalog.pg_my_temp_schema() and relkind in ('r', 'p', 'v', 'S') \
union all select 'advisory lock ' || classid || ' ' || objid, mode from pg_catalog.pg_locks \
  where locktype = 'advisory' and pid = pg_catalog.pg_backend_pid()";

fn settings(session: &mut Session) -> Result<BTreeMap<String, String>, postgres::Error> {
    Ok(session.query(SETTINGS, &[])?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

fn steps(session: &mut Session, script: &Script, said: Option<Held<'_>>) -> Result<Ran, Stopped> {
    // What runs in no transaction has let go of its locks by the time that somebody looks.
    let mut watch = match said {
        Some(said) if script.transaction => {
            let mut watch = Watch::start(session)?;
            if let Some(used) = said.used {
                watch.keep(used);
            }
            Some((watch, said))
        }
        _ => None,
    };
    let every = watch.as_ref().map_or(1, |(watch, _)| 1 + script.steps.len() * watch.len() / LOOKS);
    let (mut ledger, mut ran) = (Ledger::default(), Ran::default());
    if script.transaction {
        session.batch_execute("begin")?;
    }
    if let Some((watch, _)) = &mut watch {
        watch.begin(session)?;
    }
    let (mut entered, mut since) = (None, 0);
    for (n, step) in script.steps.iter().enumerate() {
        if let Some((watch, Held { said, matched, .. })) = &watch
            && let Some(at) = matched.assigned[n].filter(|at| entered != Some(*at))
        {
            enter(&said[at], &mut ledger, watch);
            entered = Some(at);
        }
        session
            .batch_execute(&step.text)
            .map_err(|error| Stopped { error, at: Some((step.line, step.label.clone())) })?;
        let Some((watch, Held { said, matched, .. })) = &mut watch else { continue };
        let is_whole = matched.assigned[n].is_none() || matched.assigned.get(n + 1) != Some(&matched.assigned[n]);
        since += 1;
        let is_block = matched.assigned[n].is_some_and(|at| said[at].block);
        if is_whole && (is_block || since >= every || n + 1 == script.steps.len()) {
            ran.checked += since;
            since = 0;
            let seen = watch.look(session)?;
            if is_block {
                ledger.learn(&seen);
                continue;
            }
            let found = ledger.check(watch, &seen);
            ran.wrong.extend(found.iter().map(|what| format!("{what}, after `{}` in line {}", step.label, step.line)));
        }
    }
    if script.transaction {
        session.batch_execute("commit")?;
    }
    Ok(ran)
}

/// A lock that did not come in time, or a deadlock.
pub(crate) fn is_in_the_way(stopped: &Stopped) -> bool {
    stopped.error.code().is_some_and(|code| ["55P03", "40P01"].contains(&code.code()))
}
