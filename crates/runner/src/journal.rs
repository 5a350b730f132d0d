//! The journal in the database: schema `specc`.

use crate::script::Step;
use crate::{Error, Migration, Refused};
use specc_postgres::{Session, postgres};
use std::collections::BTreeMap;

/// Made by whoever runs first; nobody else is granted anything.
const SCHEMA: &str = "\
create schema specc;
comment on schema specc is 'which migrations ran here, step by step: see specc status';
";

const TABLES: &str = "\
create table specc.migrations (
  stamp    text primary key,
  name     text not null,
  checksum text not null,
  state    text not null check (state in ('applying', 'applied', 'reverting', 'reverted')),
  adopted  boolean not null default false,
  steps    integer not null default 0,
  attempts integer not null default 0,
  started  timestamptz not null default clock_timestamp(),
  finished timestamptz,
  error    text,
  specc    text not null
);
create table specc.steps (
  stamp    text not null references specc.migrations on delete cascade,
  ordinal  integer not null,
  checksum text not null,
  label    text not null,
  state    text not null check (state in ('begun', 'done')),
  attempts integer not null default 1,
  started  timestamptz not null default clock_timestamp(),
  finished timestamptz,
  error    text,
  primary key (stamp, ordinal)
);
";

/// Whoever looks after the database may have made it before.
const ENVIRONMENT: &str = "\
create table specc.environment (name text primary key);
comment on table specc.environment is 'a row `production` makes specc ask before it changes anything here';
";

/// What the journal says of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Applying,
    Applied,
    Reverting,
    Reverted,
}

impl Phase {
    fn of(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "applying" => Phase::Applying,
            "applied" => Phase::Applied,
            "reverting" => Phase::Reverting,
            "reverted" => Phase::Reverted,
            other => {
                return Err(Error::Database(format!(
                    "specc.migrations has the state `{other}`, which this specc does not know; use the one that wrote it"
                )));
            }
        })
    }
}

/// A migration in the journal.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) stamp: String,
    pub(crate) name: String,
    pub(crate) checksum: String,
    pub(crate) phase: Phase,
    pub(crate) adopted: bool,
    pub(crate) steps: usize,
    pub(crate) started: String,
    pub(crate) finished: Option<String>,
    pub(crate) error: Option<String>,
    /// Of a file that was not run to its end.
    pub(crate) journal: BTreeMap<u32, StepRow>,
}

/// A step in the journal.
#[derive(Clone, Debug)]
pub(crate) struct StepRow {
    pub(crate) checksum: String,
    pub(crate) label: String,
    pub(crate) done: bool,
    pub(crate) error: Option<String>,
}

impl Row {
    /// Whether it was begun and something of it may have stayed. A file that is one transaction has steps in the journal
    /// only when it is done.
    pub(crate) fn is_begun(&self) -> bool {
        matches!(self.phase, Phase::Applying | Phase::Reverting) && !self.journal.is_empty()
    }

    /// Whether it is there: applied, and its way back left it.
    pub(crate) fn is_applied(&self) -> bool {
        match self.phase {
            Phase::Applied => true,
            Phase::Reverting => self.journal.is_empty(),
            Phase::Applying | Phase::Reverted => false,
        }
    }
}

/// Whether there is a journal.
pub(crate) fn exists(session: &mut Session) -> Result<bool, postgres::Error> {
    Ok(session.query_one("select to_regclass('specc.migrations') is not null", &[])?.get(0))
}

/// Makes the journal if it is not there.
pub(crate) fn prepare(session: &mut Session) -> Result<(), Error> {
    if exists(session)? {
        return Ok(());
    }
    let row =
        session.query_one("select to_regnamespace('specc') is null, to_regclass('specc.environment') is null", &[])?;
    let wanted = [(row.get(0), SCHEMA), (true, TABLES), (row.get(1), ENVIRONMENT)];
    let all: String = wanted.iter().filter(|(wanted, _)| *wanted).map(|(_, sql)| *sql).collect();
    let mut transaction = session.transaction()?;
    match transaction.batch_execute(&all) {
        Ok(()) => Ok(transaction.commit()?),
        // insufficient_privilege
        Err(error) if error.code().is_some_and(|code| code.code() == "42501") => {
            let user: String = {
                drop(transaction);
                session.query_one("select current_user::text", &[])?.get(0)
            };
            Err(Refused::new(format!("{user} may not create the schema `specc`, which holds the journal"))
                .help(
                    "connect as the owner of the database, or have the owner run: create schema specc authorization …",
                )
                .into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Everything, in the order of the stamps.
pub(crate) fn read(session: &mut Session) -> Result<BTreeMap<String, Row>, Error> {
    const TIME: &str = "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'";
    let mut all = BTreeMap::new();
    if !exists(session)? {
        return Ok(all);
    }
    let query = format!(
        "select stamp, name, checksum, state, adopted, steps, to_char(started at time zone 'UTC', {TIME}), \
           to_char(finished at time zone 'UTC', {TIME}), error from specc.migrations"
    );
    for row in session.query(&query, &[])? {
        let stamp: String = row.get(0);
        let found = Row {
            stamp: stamp.clone(),
            name: row.get(1),
            checksum: row.get(2),
            phase: Phase::of(row.get(3))?,
            adopted: row.get(4),
            steps: usize::try_from(row.get::<_, i32>(5)).unwrap_or(0),
            started: row.get(6),
            finished: row.get(7),
            error: row.get(8),
            journal: BTreeMap::new(),
        };
        all.insert(stamp, found);
    }
    let query = "select s.stamp, s.ordinal, s.checksum, s.label, s.state = 'done', s.error \
                 from specc.steps s join specc.migrations m using (stamp) where m.state in ('applying', 'reverting')";
    for row in session.query(query, &[])? {
        let step = StepRow { checksum: row.get(2), label: row.get(3), done: row.get(4), error: row.get(5) };
        if let Some(of) = all.get_mut(row.get::<_, &str>(0)) {
            of.journal.insert(u32::try_from(row.get::<_, i32>(1)).unwrap_or(0), step);
        }
    }
    Ok(all)
}

/// A file begins, or is continued.
pub(crate) fn begin(
    session: &mut Session,
    migration: &Migration,
    steps: usize,
    down: bool,
    specc: &str,
) -> Result<(), postgres::Error> {
    let phase = if down { "reverting" } else { "applying" };
    let mut transaction = session.transaction()?;
    // The steps of another direction, or of a run long ago.
    transaction.execute(
        "delete from specc.steps s using specc.migrations m \
         where m.stamp = s.stamp and s.stamp = $1 and m.state <> $2",
        &[&migration.stamp, &phase],
    )?;
    // What is taken back is what was applied, not what the file is now.
    transaction.execute(
        "insert into specc.migrations as m (stamp, name, checksum, state, steps, attempts, specc) \
         values ($1, $2, $3, $4, $5, 1, $6) \
         on conflict (stamp) do update set name = excluded.name, steps = excluded.steps, specc = excluded.specc, \
           checksum = case when excluded.state = 'applying' then excluded.checksum else m.checksum end, \
           attempts = case when m.state = excluded.state then m.attempts else 0 end + 1, \
           started = case when m.state = excluded.state then m.started else clock_timestamp() end, \
           adopted = false, state = excluded.state, finished = null, error = null",
        &[&migration.stamp, &migration.name, &migration.checksum, &phase, &number(steps), &specc],
    )?;
    transaction.commit()
}

/// A file is done; in the transaction that is open, if one is.
pub(crate) fn finish(session: &mut Session, stamp: &str, down: bool) -> Result<(), Error> {
    let (from, to) = if down { ("reverting", "reverted") } else { ("applying", "applied") };
    let found = session.execute(
        "update specc.migrations set state = $3, finished = clock_timestamp(), error = null where stamp = $1 and state = $2",
        &[&stamp, &from, &to],
    )?;
    if found == 1 {
        return Ok(());
    }
    Err(Refused::new(format!("the journal's row of {stamp} was changed while it ran"))
        .help("somebody else writes to specc.migrations; look with `specc status` before anything else")
        .into())
}

/// A file went back with an earlier one.
pub(crate) fn taken_back(session: &mut Session, stamp: &str) -> Result<(), postgres::Error> {
    session.execute(
        "update specc.migrations set state = 'reverted', finished = clock_timestamp(), error = null where stamp = $1",
        &[&stamp],
    )?;
    Ok(())
}

/// All steps of a file that is one transaction.
pub(crate) fn steps_done(session: &mut Session, stamp: &str, steps: &[Step]) -> Result<(), postgres::Error> {
    let ordinals: Vec<i32> = steps.iter().map(|step| number(step.ordinal as usize)).collect();
    let checksums: Vec<&str> = steps.iter().map(|step| step.checksum.as_str()).collect();
    let labels: Vec<&str> = steps.iter().map(|step| step.label.as_str()).collect();
    session.execute("delete from specc.steps where stamp = $1", &[&stamp])?;
    session.execute(
        "insert into specc.steps (stamp, ordinal, checksum, label, state, started, finished) \
         select $1, s.ordinal, s.checksum, s.label, 'done', now(), clock_timestamp() \
         from unnest($2::int[], $3::text[], $4::text[]) s(ordinal, checksum, label)",
        &[&stamp, &ordinals, &checksums, &labels],
    )?;
    Ok(())
}

/// In an error: what was to be made was there already. It stays in the journal until the step is done, for it tells that
/// what has the step's name was made by somebody else.
pub(crate) const DUPLICATE: &str = "(42P07)";

/// A step begins.
pub(crate) fn step_begun(session: &mut Session, stamp: &str, step: &Step) -> Result<(), postgres::Error> {
    session.execute(
        "insert into specc.steps as s (stamp, ordinal, checksum, label, state) values ($1, $2, $3, $4, 'begun') \
         on conflict (stamp, ordinal) do update set checksum = excluded.checksum, label = excluded.label, state = 'begun', \
           attempts = s.attempts + 1, finished = null, \
           error = case when s.checksum = excluded.checksum and strpos(s.error, $5) > 0 then s.error end",
        &[&stamp, &number(step.ordinal as usize), &step.checksum, &step.label, &DUPLICATE],
    )?;
    Ok(())
}

/// A step is done; in the transaction that is open, if one is.
pub(crate) fn step_done(session: &mut Session, stamp: &str, ordinal: u32) -> Result<(), postgres::Error> {
    session.execute(
        "update specc.steps set state = 'done', finished = clock_timestamp(), error = null where stamp = $1 and ordinal = $2",
        &[&stamp, &number(ordinal as usize)],
    )?;
    Ok(())
}

/// Why a file, and one of its steps, did not go on.
pub(crate) fn failed(
    session: &mut Session,
    stamp: &str,
    ordinal: Option<u32>,
    error: &str,
) -> Result<(), postgres::Error> {
    session.execute("update specc.migrations set error = $2 where stamp = $1", &[&stamp, &error])?;
    if let Some(ordinal) = ordinal {
        session.execute(
            "update specc.steps set error = $3 where stamp = $1 and ordinal = $2",
            &[&stamp, &number(ordinal as usize), &error],
        )?;
    }
    Ok(())
}

/// A file failed at its first step, and nothing of that stayed.
pub(crate) fn nothing_done(session: &mut Session, stamp: &str) -> Result<(), postgres::Error> {
    session.execute("delete from specc.steps where stamp = $1", &[&stamp])?;
    Ok(())
}

/// Another tool applied it: the journal takes its word.
pub(crate) fn adopt(session: &mut Session, migration: &Migration, specc: &str) -> Result<(), postgres::Error> {
    session.execute(
        "insert into specc.migrations (stamp, name, checksum, state, adopted, finished, specc) \
         values ($1, $2, $3, 'applied', true, clock_timestamp(), $4) \
         on conflict (stamp) do update set name = excluded.name, checksum = excluded.checksum, state = 'applied', \
           adopted = true, finished = excluded.finished, error = null, specc = excluded.specc",
        &[&migration.stamp, &migration.name, &migration.checksum, &specc],
    )?;
    Ok(())
}

fn number(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
