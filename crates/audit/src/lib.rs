//! A read-only examination of a live database, against its spec or without one.
//!
//! A [`Check`](check::Check) looks for one thing and ends in a [`Verdict`]: it RAN and there is nothing, it FOUND something, or it
//! CANNOT look, and says what is missing. Nothing passes because it could not look. Each check has a read-only transaction
//! of its own, with limits on time and on waiting for locks, and reads no more of a table than the budget allows.
//!
//! Who examines gives a session and a [`Subject`], and gets a [`Report`], which can be written in several forms; files, the
//! terminal and the network are somebody else's.

pub mod baseline;
pub mod check;
mod checks;
pub mod keys;
mod look;
mod matrix;
pub mod projects;
pub mod report;
pub mod since;
mod subject;
mod verdict;

pub use checks::all;
pub use look::{Asked, Limits, Row};
pub use matrix::{Cell, Matrix};
pub use subject::{Change, Differences, Folder, Spec, Standing, Subject, Tool};
pub use verdict::{Finding, Verdict};

use check::{Check, Severity};
use look::Standing as Known;
use specc_postgres::postgres::{self, Client};

/// A check and how it ended.
pub struct Examined {
    /// The check.
    pub check: &'static Check,
    /// How it ended.
    pub verdict: Verdict,
    /// What it asked, with what came of it.
    pub asked: Vec<Asked>,
}

/// What an examination gave.
pub struct Report {
    /// The database.
    pub database: String,
    /// As whom it was examined.
    pub user: String,
    /// The server's version, as it says it.
    pub version: u32,
    /// When, by the server's clock.
    pub at: String,
    /// The day, by the server's clock: what a baseline's dates are compared with.
    pub today: String,
    /// Whether there was a spec to compare with.
    pub with_spec: bool,
    /// Each check.
    pub examined: Vec<Examined>,
    /// What the baseline accepts, with its reasons.
    pub accepted: Vec<baseline::Accepted>,
    /// Entries of the baseline that ended, or that nothing was found for.
    pub stale: Vec<String>,
    /// Table by table.
    pub matrix: Matrix,
    /// What is new since an earlier examination, where one is named.
    pub since: Option<since::Since>,
}

/// Why there was no examination.
#[derive(Debug)]
pub enum Error {
    /// The server refused what every examination needs, or the connection broke.
    Postgres(postgres::Error),
    /// In words.
    Words(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Words(words) => f.write_str(words),
            Error::Postgres(error) => match error.as_db_error() {
                Some(db) => write!(f, "the server refused: {} ({})", db.message(), db.code().code()),
                None => write!(f, "the connection to the database is gone: {error}"),
            },
        }
    }
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        Error::Postgres(error)
    }
}

/// Examines the database that `client` is connected to. Only checks that `wanted` says are run.
///
/// # Errors
/// Where the connection breaks, or the server is older than any that specc knows.
pub fn examine(
    client: &mut Client,
    subject: &Subject<'_>,
    limits: &Limits,
    wanted: &dyn Fn(&Check) -> bool,
) -> Result<Report, Error> {
    client.batch_execute(&format!(
        "set default_transaction_read_only to on; set statement_timeout to {}; set lock_timeout to {}",
        limits.statement, limits.lock
    ))?;
    let standing = standing(client, subject)?;
    if standing.version < 150_000 {
        return Err(Error::Words(format!(
            "the server is Postgres {}, and specc reads 15 and newer",
            standing.version / 10_000
        )));
    }
    let mut examined = Vec::new();
    for check in all().filter(|check| wanted(check)) {
        let looked = look::look(client, check, &standing, subject, limits)?;
        examined.push(Examined { check, verdict: looked.verdict, asked: looked.asked });
    }
    let tables = matrix::tables(client)?;
    let matrix = Matrix::of(&tables, &examined);
    Ok(Report {
        database: standing.database,
        user: standing.user,
        version: standing.version,
        at: standing.now,
        today: standing.today,
        with_spec: subject.spec.is_some(),
        examined,
        accepted: Vec::new(),
        stale: Vec::new(),
        matrix,
        since: None,
    })
}

/// Who asks whom.
fn standing(client: &mut Client, subject: &Subject<'_>) -> Result<Known, postgres::Error> {
    let mut transaction = client.build_transaction().read_only(true).start()?;
    transaction.batch_execute("set local search_path to ''")?;
    let row = transaction.query_one(
        "select current_user::text, (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user),
                current_setting('server_version_num')::int, current_database()::text,
                to_char(now() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), (now() at time zone 'UTC')::date::text,
                array(select g.rolname::text from pg_catalog.pg_roles g
                      where g.rolname like 'pg\\_%' and pg_catalog.pg_has_role(current_user, g.oid, 'usage')),
                array(select x.extname::text from pg_catalog.pg_extension x),
                array(select r.rolname::text from unnest($1::text[]) with ordinality w(name, at)
                      join pg_catalog.pg_roles r on r.rolname = w.name order by w.at),
                coalesce(nullif(current_setting('pgrst.db_schemas', true), ''),
                  (select substr(c.setting, 18) from pg_catalog.pg_db_role_setting d cross join lateral unnest(d.setconfig) c(setting)
                   where d.setrole = (select r.oid from pg_catalog.pg_roles r where r.rolname = 'authenticator')
                     and d.setdatabase in (0, (select b.oid from pg_catalog.pg_database b where b.datname = current_database()))
                     and c.setting like 'pgrst.db\\_schemas=%' order by d.setdatabase desc limit 1), '')",
        &[&subject.clients],
    )?;
    let version: i32 = row.try_get(2)?;
    let said: String = row.try_get(9)?;
    let exposed = subject.exposed.clone().unwrap_or_else(|| {
        let all: Vec<String> =
            said.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
        if all.is_empty() { vec!["public".to_owned()] } else { all }
    });
    let known = Known {
        user: row.try_get(0)?,
        superuser: row.try_get(1)?,
        version: u32::try_from(version).unwrap_or_default(),
        database: row.try_get(3)?,
        now: row.try_get(4)?,
        today: row.try_get(5)?,
        roles: row.try_get(6)?,
        extensions: row.try_get(7)?,
        clients: row.try_get(8)?,
        exposed,
    };
    transaction.rollback()?;
    Ok(known)
}

impl Report {
    /// Every finding that the baseline does not accept, the worst first, then in the order of the checks.
    pub fn findings(&self) -> Vec<&Finding> {
        let mut all: Vec<&Finding> = self.examined.iter().flat_map(|one| one.verdict.findings()).collect();
        all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        all
    }

    /// Whether something is found, or could not be looked for, that is as bad as this; of what is new since an earlier
    /// examination, where one is named.
    pub fn fails(&self, level: Severity) -> bool {
        let is_new = |finding: &Finding| self.since.as_ref().is_none_or(|since| since.is_new(finding));
        let is_blind = |one: &Examined| match &self.since {
            Some(since) => since.is_newly_blind(one),
            None => !one.verdict.unseen().is_empty(),
        };
        self.examined.iter().any(|one| {
            one.verdict.findings().iter().any(|finding| finding.severity >= level && is_new(finding))
                || is_blind(one) && one.check.severity >= level
        })
    }

    /// How many checks ended with this word.
    pub fn count(&self, word: &str) -> usize {
        self.examined.iter().filter(|one| one.verdict.word() == word).count()
    }
}
