//! A look at the database: one read-only transaction for each check, with limits on time and on waiting for locks.

use crate::check::{Check, How, Need, Seen};
use crate::subject::Subject;
use crate::verdict::Verdict;
use serde_json::{Map, Value};
use specc_postgres::postgres::{self, Client, IsolationLevel, Transaction};
use specc_sql::quote;

/// A row of a query, by its columns.
pub type Row = Map<String, Value>;

/// How long, and how much.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Milliseconds for one statement.
    pub statement: u64,
    /// Milliseconds for which a statement waits for a lock.
    pub lock: u64,
    /// How many rows of a table are read; none are for nought.
    pub rows: u64,
    /// Seconds after which a transaction that is open is long.
    pub transaction: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { statement: 10_000, lock: 500, rows: 10_000, transaction: 300 }
    }
}

/// A query and what came of it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The query, which can be run again as it is.
    pub sql: String,
    /// Its rows, or what the server said.
    pub answer: Result<Vec<Row>, String>,
}

/// Why something was not looked at.
#[derive(Debug)]
pub enum Refusal {
    /// In words, with the way out.
    Words(String),
    /// The connection is no more.
    Broken(postgres::Error),
}

/// What is known of who asks and of the server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    pub user: String,
    pub superuser: bool,
    pub roles: Vec<String>,
    pub extensions: Vec<String>,
    pub clients: Vec<String>,
    pub exposed: Vec<String>,
    pub version: u32,
    pub database: String,
    pub now: String,
    pub today: String,
}

/// Schemas that are not the project's: Postgres's own, those of the platform and of extensions.
const OTHERS: &[&str] = &[
    "_timescaledb_cache",
    "_timescaledb_catalog",
    "_timescaledb_config",
    "_timescaledb_internal",
    "auth",
    "cron",
    "extensions",
    "graphql",
    "graphql_public",
    "information_schema",
    "net",
    "pg_catalog",
    "pgbouncer",
    "pgmq",
    "pgroonga",
    "pgsodium",
    "pgsodium_masks",
    "pgtle",
    "realtime",
    "repack",
    "storage",
    "supabase_functions",
    "supabase_migrations",
    "tiger",
    "topology",
    "vault",
];

/// Those of tools that keep a history, which only Supabase's own lints look into.
const ALSO: &[&str] = &["_prisma", "drizzle", "specc"];

/// One check at work.
pub struct Look<'l, 's> {
    transaction: Transaction<'l>,
    pub(crate) standing: &'l Standing,
    pub(crate) subject: &'l Subject<'s>,
    pub(crate) limits: &'l Limits,
    asked: Vec<Asked>,
}

impl<'l> Look<'l, '_> {
    /// The rows of a query of ours, with the lists that this examination has in place of `{clients}` and the like.
    pub(crate) fn ask(&mut self, sql: &'static str) -> Result<Vec<Row>, Refusal> {
        let sql = self.resolved(sql);
        self.run(sql)
    }

    /// The rows of a query that was made. Where it fails, the transaction goes on.
    pub(crate) fn run(&mut self, sql: String) -> Result<Vec<Row>, Refusal> {
        let answer = match rows(&mut self.transaction, &sql) {
            Ok(rows) => Ok(rows),
            Err(error) if error.as_db_error().is_some() => Err(why(&error, &self.standing.user)),
            Err(error) => return Err(Refusal::Broken(error)),
        };
        self.asked.push(Asked { sql, answer: answer.clone() });
        answer.map_err(Refusal::Words)
    }

    /// The rows of a query that was made, or why there are none.
    pub(crate) fn try_ask(&mut self, sql: &str) -> Result<Result<Vec<Row>, String>, Refusal> {
        match self.run(sql.to_owned()) {
            Ok(rows) => Ok(Ok(rows)),
            Err(Refusal::Words(words)) => Ok(Err(words)),
            Err(broken) => Err(broken),
        }
    }

    /// The query with the lists that this examination has.
    fn resolved(&self, sql: &str) -> String {
        let (platform, others) = (texts(OTHERS), others());
        sql.replace("{mine}", &mine())
            .replace("{my_function}", &MY_FUNCTION.replace("{others}", &others))
            .replace("{my_schema}", &MY_SCHEMA.replace("{others}", &others))
            .replace("{platform}", &platform)
            .replace("{long}", &self.limits.transaction.to_string())
            .replace("{exposed}", &names(&self.standing.exposed))
            .replace("{clients}", &names(&self.standing.clients))
    }
}

/// Names as an array of SQL.
pub(crate) fn names(all: &[String]) -> String {
    let all: Vec<String> = all.iter().map(|name| quote::text(name)).collect();
    format!("array[{}]::name[]", all.join(", "))
}

/// Names as a list of texts.
fn texts(names: &[&str]) -> String {
    names.iter().map(|name| quote::text(name)).collect::<Vec<_>>().join(", ")
}

/// The schemas that are not the project's.
fn others() -> String {
    format!("{}, {}", texts(OTHERS), texts(ALSO))
}

/// The condition that a relation `c` in the schema `n` is the project's.
pub(crate) fn mine() -> String {
    MINE.replace("{others}", &others())
}

/// A relation `c` in the schema `n` is the project's.
const MINE: &str = "n.nspname !~ '^pg_' and n.nspname not in ({others}) and not exists (select from pg_catalog.pg_depend e \
    where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')";

/// A function `p` in the schema `n` is the project's.
const MY_FUNCTION: &str = "n.nspname !~ '^pg_' and n.nspname not in ({others}) and not exists (select from \
    pg_catalog.pg_depend e where e.classid = 'pg_catalog.pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')";

/// A schema `n` is the project's.
const MY_SCHEMA: &str = "n.nspname !~ '^pg_' and n.nspname not in ({others})";

/// What a check ended with, and what it asked.
pub(crate) struct Looked {
    pub verdict: Verdict,
    pub asked: Vec<Asked>,
}

/// Names are qualified, a session that row level security binds is told so and not answered with fewer rows, and nothing
/// waits for long.
fn settings(limits: &Limits) -> String {
    format!(
        "set local search_path to ''; set local row_security to off; set local statement_timeout to {}; \
         set local lock_timeout to {}; set local datestyle to 'ISO, YMD'; set local jit to off",
        limits.statement, limits.lock
    )
}

/// Has a check look.
pub(crate) fn look(
    client: &mut Client,
    check: &Check,
    standing: &Standing,
    subject: &Subject<'_>,
    limits: &Limits,
) -> Result<Looked, postgres::Error> {
    let lacks: Vec<String> = check.needs.iter().filter_map(|need| lacking(*need, standing, subject, limits)).collect();
    if !lacks.is_empty() {
        return Ok(Looked { verdict: Verdict::Cannot(lacks), asked: Vec::new() });
    }
    let mut transaction =
        client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start()?;
    transaction.batch_execute(&settings(limits))?;
    let mut look = Look { transaction, standing, subject, limits, asked: Vec::new() };
    let seen = match check.how {
        How::Query(sql) => look.ask(sql).map(|rows| Seen { rows, unseen: Vec::new() }),
        How::Asked(ask) => ask(&mut look),
    };
    let seen = match (seen, check.unseen) {
        (Ok(seen), "") => Ok(seen),
        (Ok(mut seen), sql) => look.ask(sql).map(|rows| {
            let text = |row: &Row, column| row.get(column).map(crate::verdict::shown).unwrap_or_default();
            seen.unseen.extend(rows.iter().map(|row| format!("{}: {}", text(row, "object"), text(row, "way"))));
            seen
        }),
        (Err(refusal), _) => Err(refusal),
    };
    let verdict = match seen {
        Ok(Seen { rows, unseen }) if rows.is_empty() && unseen.is_empty() => Verdict::Ran,
        Ok(Seen { rows, unseen }) if rows.is_empty() => Verdict::Cannot(unseen),
        Ok(Seen { rows, unseen }) => Verdict::Found(rows.into_iter().map(|row| check.finding(row)).collect(), unseen),
        Err(Refusal::Words(words)) => Verdict::Cannot(vec![words]),
        Err(Refusal::Broken(error)) => return Err(error),
    };
    let asked = std::mem::take(&mut look.asked);
    look.transaction.rollback()?;
    Ok(Looked { verdict, asked })
}

/// What is missing, with the way out; nothing where it is there.
fn lacking(need: Need, standing: &Standing, subject: &Subject<'_>, limits: &Limits) -> Option<String> {
    let user = quote::ident(&standing.user);
    let (is_there, what) = match need {
        Need::Superuser => (
            standing.superuser,
            format!("only a superuser sees this, and `{}` is none: ask whoever runs the server", standing.user),
        ),
        Need::Role(role) => (
            standing.superuser || standing.roles.iter().any(|has| has == role),
            format!("`{}` is no member of `{role}`: `grant {role} to {user};`", standing.user),
        ),
        Need::Extension(name) => (
            standing.extensions.iter().any(|has| has == name),
            format!("the extension `{name}` is missing: `create extension {};`", quote::ident(name)),
        ),
        Need::Clients => (
            !standing.clients.is_empty(),
            "none of the roles as which clients ask is there: name them with `--client ROLE`".to_owned(),
        ),
        Need::Spec => (
            subject.spec.is_some(),
            "there is no spec to compare with: run it in a project, without `--no-spec`".to_owned(),
        ),
        Need::Canonical => match &subject.spec {
            None => (false, "there is no spec to compare with: run it in a project, without `--no-spec`".to_owned()),
            Some(spec) => (spec.differences.is_ok(), spec.differences.as_ref().err().cloned().unwrap_or_default()),
        },
        Need::Rows => (limits.rows > 0, "no rows are read: `--scan-rows N` says how many of a table may be".to_owned()),
        Need::Watched => (
            subject.watched.is_some(),
            "nothing of the project says what watches it: `specc monitoring` writes queries, alerts and a dashboard"
                .to_owned(),
        ),
        Need::Organization => match &subject.projects {
            None => (
                false,
                "no organisation is named: `--organization SLUG`, with a token in SUPABASE_ACCESS_TOKEN".to_owned(),
            ),
            Some(projects) => (projects.is_ok(), projects.as_ref().err().cloned().unwrap_or_default()),
        },
        Need::Code => (subject.code.is_some(), "no folder with the code of clients is named: `--code DIR`".to_owned()),
    };
    (!is_there).then_some(what)
}

/// The rows of a query as JSON; in a transaction of its own inside, so that the outer one goes on.
fn rows(transaction: &mut Transaction<'_>, sql: &str) -> Result<Vec<Row>, postgres::Error> {
    let mut inner = transaction.transaction()?;
    let found = inner.query(&format!("select row_to_json(found)::text from ({sql}) found"), &[])?;
    inner.commit()?;
    let parsed = found.iter().map(|row| row.try_get::<_, String>(0));
    parsed.map(|text| text.map(|text| serde_json::from_str(&text).unwrap_or_default())).collect()
}

/// Classes of errors whose message has no value of a row. Others may: what a value cannot be read as, what a function raises.
const TELLS_NO_VALUE: [&str; 9] = ["0A", "25", "42", "53", "54", "55", "57", "58", "XX"];

/// What the server refused, with the way out.
pub(crate) fn why(error: &postgres::Error, user: &str) -> String {
    let Some(db) = error.as_db_error() else { return error.to_string() };
    let said = db.message();
    match db.code().code() {
        "42501" => format!("`{user}` lacks a right: {said}: connect as the owner of the tables, or grant it"),
        "42P01" | "3F000" | "42883" | "42704" => format!("something is not there: {said}"),
        "55P03" => format!("somebody holds a lock: {said}: try again when it is free, or raise `--lock-timeout`"),
        "57014" => format!("it took too long: {said}: raise `--timeout`, or ask when the server is less busy"),
        code if TELLS_NO_VALUE.iter().any(|class| code.starts_with(class)) => {
            format!("the server refused: {said} ({code})")
        }
        code => format!("a value cannot be read as what it is asked for ({code}): see the rows yourself"),
    }
}
