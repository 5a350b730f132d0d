//! Arguments, as clap reads them.

mod access;
mod audit;
mod bench;
mod deploy;
mod docs;
mod flows;
mod operate;
mod running;
mod smoke;

pub use access::{Prove, Test, Why};
pub use audit::{Audit, FailOn};
pub use bench::Bench;
pub use deploy::{Api, Checkpoint, Deploy, PlanAsked, Promote, Rollback, Way};
pub use docs::Docs;
pub use flows::Flows;
pub use operate::{Drill, Monitoring};
pub use running::{Apply, Backup, Connection, Reset, Restore, Seed, Status};
pub use smoke::Smoke;

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Compile .dbspec files to what a team needs to run Postgres: migrations, row level security, indexes, seeds, docs.
#[derive(Parser, Debug)]
#[command(version, propagate_version = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How findings are written.
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub format: Asked,
}

/// What may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Asked {
    /// For a person
    Text,
    /// For a program: one JSON object on stdout
    Json,
    /// For tools of code review (lint, flows, test, prove and audit)
    Sarif,
    /// As workflow commands of GitHub (lint and flows only)
    Github,
    /// For CI servers (test, smoke and audit only)
    Junit,
    /// One page for persons (audit only)
    Markdown,
    /// One page for persons, without anything from elsewhere (audit only)
    Html,
}

impl Asked {
    /// What every command can write.
    pub fn format(self) -> Option<Format> {
        match self {
            Asked::Text => Some(Format::Text),
            Asked::Json => Some(Format::Json),
            Asked::Sarif | Asked::Github | Asked::Junit | Asked::Markdown | Asked::Html => None,
        }
    }
}

/// How findings and summaries are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a person.
    Text,
    /// For a program: one JSON object on stdout.
    Json,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Make a small project that builds
    Init(Init),
    /// Write every spec file in the one canonical layout
    Fmt(Fmt),
    /// Parse, resolve, type and check; write nothing
    Check(Check),
    /// Write what is generated: a migration if the spec changed, seeds, docs
    Build(Build),
    /// After a merge: plan this branch's migrations anew, on top of what the other branch has
    Rebase(Rebase),
    /// Merge one of specc's own files, as git's merge driver (`specc init --merge-driver` installs it)
    MergeFile(MergeFile),
    /// Apply the pending migrations, or go back to an earlier one
    Apply(Apply),
    /// Say which migrations were applied, which are pending, and what is wrong
    Status(Status),
    /// Drop everything of the project, apply all migrations, add an environment's rows
    Reset(Reset),
    /// Add rows to a database: those of an environment, or as many as entities grow to
    Seed(Seed),
    /// Dump a database, with a manifest that a restore is checked against
    Backup(Backup),
    /// Restore a backup, or one table of it, and compare
    Restore(Restore),
    /// Restore a backup on a private server: how long that takes, and what is newer in the database in use
    Drill(Drill),
    /// Bring an environment to what the project says: look, plan, approve, back up, apply, verify, report
    Deploy(Deploy),
    /// Take a deployment back: by the down scripts, or by the backup; says first which, and what is lost
    Rollback(Rollback),
    /// Deploy to an environment what another one runs and has proven, and nothing else
    Promote(Promote),
    /// Ask what a project is for, in a file, and say which answers its spec does not meet
    Plan(PlanAsked),
    /// Say what differs between the spec and the last migration, or between two of them
    Diff(Diff),
    /// Write a database as a spec that builds the same database
    Pull(Pull),
    /// Say how a database differs from the spec, and which roles have more or fewer rights in it
    Drift(Drift),
    /// Decide who can do what: who reads and writes rows of others, joins, promotes itself; with counterexamples
    Prove(Prove),
    /// Say whether a role may do something to rows, by which rules, and what would turn the answer
    Why(Why),
    /// Write the pages about the schema, as Markdown or as a site, without a server
    Docs(Docs),
    /// Write types for programs that use the database, without a server
    Types(Types),
    /// Write what watches the database: queries for Prometheus' exporter, alert rules, a dashboard of Grafana, a role
    Monitoring(Monitoring),
    /// Set what front-end code asks for against what its roles may do, and write the map of data flows
    Flows(Flows),
    /// Find statements in SQL migrations that lock, rewrite, lose data, fail or open access
    Lint(Lint),
    /// Try what the rules say on a scratch database: for each role and command the databases in which each condition decides
    Test(Test),
    /// Examine a live database, read-only: what is ready, what is found, what could not be looked at
    Audit(Audit),
    /// Make the requests that an API makes, as each role on each entity: status, rows and times, against effective access
    Smoke(Smoke),
    /// Plan the declared queries at the declared sizes, without rows, and hold them against their budgets
    Bench(Bench),
    /// Run the migrations on a scratch database: up, down, up again, with rows and concurrent sessions
    Verify(Verify),
    /// Explain a code such as E0102 or L001
    Explain(Explain),
    /// Print a completion script for a shell
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// `specc init`
#[derive(Group, Debug)]
pub struct Init {
    /// Where; made if it is not there
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Tell git how to merge specc's own files in this clone; a project that is there stays as it is
    #[arg(long)]
    pub merge_driver: bool,
}

/// Where the project is.
#[derive(Group, Debug)]
pub struct Where {
    /// The project folder, or a folder in it; found by walking up to specc.toml
    #[arg(long, short = 'C', default_value = ".", env = "SPECC_PROJECT")]
    pub project: PathBuf,
}

/// `specc fmt`
#[derive(Group, Debug)]
pub struct Fmt {
    #[command(flatten)]
    pub place: Where,
    /// Write nothing; name the files that would change, and exit with 1 if there are any
    #[arg(long)]
    pub check: bool,
    /// Only these files; without them, all of the project's
    pub files: Vec<PathBuf>,
}

/// `specc check`
#[derive(Group, Debug)]
pub struct Check {
    #[command(flatten)]
    pub place: Where,
    /// Warnings count as errors
    #[arg(long)]
    pub deny_warnings: bool,
}

/// `specc build`
#[derive(Group, Debug)]
pub struct Build {
    #[command(flatten)]
    pub place: Where,
    /// Where to write; the project folder unless given
    #[arg(long, short)]
    pub out: Option<PathBuf>,
    /// The migration's time stamp, YYYYMMDDHHMMSS; now (UTC) unless given
    #[arg(long, value_parser = stamp, env = "SPECC_STAMP")]
    pub stamp: Option<String>,
    /// The migration's name; without it, `init` for the first and what it is about for any other
    #[arg(long, value_parser = name)]
    pub name: Option<String>,
    /// Allow statements that lose rows or values
    #[arg(long)]
    pub allow_data_loss: bool,
    /// Nobody uses the database meanwhile: take the shortest way, whatever it locks
    #[arg(long)]
    pub offline_ok: bool,
    /// Where a column gets another type, keep the old one as COLUMN__old until a build without this flag
    #[arg(long)]
    pub keep_old: bool,
    /// This table or column (schema.table, schema.table.column) is dropped, not renamed
    #[arg(long, value_name = "NAME")]
    pub drop: Vec<String>,
    /// Write only these
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Part>,
    /// Warnings count as errors
    #[arg(long)]
    pub deny_warnings: bool,
    /// Print how long each stage took
    #[arg(long)]
    pub timings: bool,
}

/// `specc rebase`
#[derive(Group, Debug)]
pub struct Rebase {
    /// The branch or commit whose migrations stay; in a merge, what is merged, and in `git rebase`, what is rebased onto
    #[arg(long, value_name = "COMMIT")]
    pub onto: Option<String>,
    #[command(flatten)]
    pub build: Build,
}

/// `specc merge-file`
#[derive(Group, Debug)]
pub struct MergeFile {
    /// The file as both sides had it
    pub base: PathBuf,
    /// As this side has it: the result is written there
    pub ours: PathBuf,
    /// As the other side has it
    pub theirs: PathBuf,
    /// Its place in the repository
    pub path: PathBuf,
}

/// What a build writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Migrations, up and down, and the stored catalog
    Migrations,
    /// Seeds of each environment
    Seeds,
    /// Markdown, ERDs, the access matrix
    Docs,
    /// Types for programs, where specc.toml names a file for them
    Types,
}

/// `specc diff`
#[derive(Group, Debug)]
pub struct Diff {
    #[command(flatten)]
    pub place: Where,
    /// From here: `last` for the last migration, a project folder, a database URL, or a file of SQL
    #[arg(long, default_value = "last", value_name = "A")]
    pub from: String,
    /// To here, in the same forms; the project itself unless given
    #[arg(long, value_name = "B")]
    pub to: Option<String>,
    /// The statements that lead from one to the other
    #[arg(long)]
    pub sql: bool,
    /// Nobody uses the database meanwhile: take the shortest way, whatever it locks
    #[arg(long)]
    pub offline_ok: bool,
    /// Exit with 1 if anything differs
    #[arg(long)]
    pub exit_code: bool,
    /// Print how long each stage took
    #[arg(long)]
    pub timings: bool,
}

/// `specc pull`
#[derive(Group, Debug)]
pub struct Pull {
    #[command(flatten)]
    pub connection: Connection,
    /// A file of SQL to read in place of a database
    #[arg(long, value_name = "FILE", conflicts_with_all = ["database_url", "env"])]
    pub sql: Option<PathBuf>,
    /// The schema of another tool to read in place of a database
    #[arg(long, value_enum, value_name = "TOOL", conflicts_with_all = ["database_url", "env", "sql"])]
    pub from: Option<PullFrom>,
    /// Its file; for Drizzle, unless given, the newest snapshot under drizzle/meta
    #[arg(requires = "from", required_if_eq_any([("from", "prisma"), ("from", "dbml")]))]
    pub file: Option<PathBuf>,
    /// The folder to write; it must not have a project in it
    #[arg(long, short)]
    pub out: PathBuf,
    /// The project's name; the database's unless given
    #[arg(long)]
    pub name: Option<String>,
    /// What the database is; seen from the database unless given, and a plain server for a file
    #[arg(long, value_enum)]
    pub target: Option<PullTarget>,
}

/// Whose schema is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PullFrom {
    /// schema.prisma, for Postgres
    Prisma,
    /// Database Markup Language
    Dbml,
    /// A snapshot of drizzle-kit, JSON
    Drizzle,
}

/// What a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PullTarget {
    /// A plain server
    Postgres,
    /// Supabase: its schemas and roles are not pulled
    Supabase,
}

/// `specc drift`
#[derive(Group, Debug)]
pub struct Drift {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub connection: Connection,
}

/// `specc types`
#[derive(Group, Debug)]
pub struct Types {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub connection: Connection,
    /// The language
    #[arg(long, value_enum, default_value = "typescript")]
    pub lang: Lang,
    /// The role whose API it is, for `--lang openapi`
    #[arg(long, value_name = "ROLE", required_if_eq("lang", "openapi"))]
    pub role: Option<String>,
    /// The schemas; those of `[types]` in specc.toml unless given, and `public` without
    #[arg(long, short, value_name = "SCHEMA", value_delimiter = ',')]
    pub schema: Vec<String>,
    /// The file to write; stdout unless given
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Say more than Supabase's own types: keys of their own types, values that a check leaves, columns of views that are never null
    #[arg(long)]
    pub strict: bool,
    /// Write nothing; exit with 1 if this file says something else, and say what differs first
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    pub check: Option<PathBuf>,
    /// A file of SQL in place of the spec, as of a database; `--database-url` asks a live one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["database_url", "env"])]
    pub sql: Option<PathBuf>,
    /// What the database is for; a live one of Supabase is known by its schemas
    #[arg(long, value_enum)]
    pub target: Option<PullTarget>,
}

/// A language to write types in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// TypeScript, as `supabase gen types` writes it
    Typescript,
    /// Schemas of zod 4, which refuse what the database refuses
    Zod,
    /// Structs of Rust for serde and sqlx
    Rust,
    /// The API as one role has it, in OpenAPI 3.1
    Openapi,
    /// What Supabase's generators of Go, Python and Swift read, as JSON
    Metadata,
}

/// `specc lint`
#[derive(Group, Debug)]
pub struct Lint {
    /// Files of SQL in the order in which they run, or folders, whose files run in the order of their names
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Also report matters of style
    #[arg(long)]
    pub all: bool,
    /// Schemas whose tables clients reach directly; '' for none
    #[arg(long, value_name = "SCHEMA", value_delimiter = ',', default_value = "public")]
    pub exposed: Vec<String>,
}

/// `specc verify`
#[derive(Group, Debug)]
pub struct Verify {
    #[command(flatten)]
    pub place: Where,
    /// How many rows each table gets; 0 for none
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub rows: usize,
    /// How many milliseconds somebody who reads or writes may wait for a migration
    #[arg(long, value_name = "MS", default_value_t = 2000)]
    pub longest_wait: u64,
    #[command(flatten)]
    pub scratch: OnScratch,
}

/// Where scratch databases are made.
#[derive(Group, Debug)]
pub struct OnScratch {
    /// The major version of the private server; the newest that there is unless given
    #[arg(long, value_name = "MAJOR", conflicts_with = "scratch_url")]
    pub postgres: Option<u32>,
    /// How many seconds it may take; what is not done by then is ended
    #[arg(long, value_name = "SECONDS", default_value_t = 600.0, value_parser = seconds)]
    pub timeout: f64,
    /// Make the scratch databases on this server instead; the role that it names runs what the project says
    #[arg(long, value_name = "URL")]
    pub scratch_url: Option<String>,
}

/// `specc explain`
#[derive(Group, Debug)]
pub struct Explain {
    #[command(flatten)]
    pub place: Where,
    /// A code, or nothing for the list of all; `access` for what roles may do
    pub code: Option<String>,
    /// After `access`: a role or an entity, or both; without them, all
    #[arg(value_name = "ROLE, ENTITY", num_args = 0..=2)]
    pub of: Vec<String>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|s| (0.001..=86_400.0).contains(s));
    seconds.ok_or_else(|| "write seconds, such as 3 or 0.5".into())
}

fn stamp(text: &str) -> Result<String, String> {
    let ok = text.len() == 14 && text.bytes().all(|b| b.is_ascii_digit());
    if ok { Ok(text.into()) } else { Err("a stamp is fourteen digits, YYYYMMDDHHMMSS".into()) }
}

fn name(text: &str) -> Result<String, String> {
    let ok = !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if ok { Ok(text.into()) } else { Err("a migration's name is made of a-z, 0-9 and _".into()) }
}
