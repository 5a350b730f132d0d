//! What is asked of a live database.

use super::{Api, Connection, Where, seconds};
use clap::{Args as Group, ValueEnum};
use std::path::PathBuf;

/// `specc audit`
#[derive(Group, Debug)]
#[command(
    after_help = "Each check ends RAN (looked, nothing), FOUND or CANNOT (what is missing, and the way out). Nothing is written to the \
                  database. Exits with 1 where something is found that is as bad as `--fail-on` says, or could not be looked for."
)]
pub struct Audit {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub connection: Connection,
    /// Examine the database alone, although there is a project here
    #[arg(long)]
    pub no_spec: bool,
    /// Run only these checks, or those of these sections: schema, data, security, performance, integration
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub only: Vec<String>,
    /// List the checks; no database is asked
    #[arg(long)]
    pub list: bool,
    /// A role as which clients ask; the one that has not signed in comes first
    #[arg(long, value_name = "ROLE", value_delimiter = ',', default_values = ["anon", "authenticated"])]
    pub client: Vec<String>,
    /// Schemas that clients reach; what the server says of PostgREST unless given, else `public`
    #[arg(long, value_name = "SCHEMA", value_delimiter = ',')]
    pub exposed: Vec<String>,
    /// How many rows of a table are read at most; 0 for none
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub scan_rows: u32,
    /// How many seconds a statement may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    pub timeout: f64,
    /// How many seconds a statement waits for a lock
    #[arg(long, value_name = "SECONDS", default_value_t = 0.5, value_parser = seconds)]
    pub lock_timeout: f64,
    /// After how many seconds an open transaction is long
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0, value_parser = seconds)]
    pub long_transaction: f64,
    /// A folder with the code of clients, in which no secret should be; may be given again
    #[arg(long, value_name = "DIR")]
    pub code: Vec<PathBuf>,
    /// The folder with what watches the database, as `specc monitoring` writes it; `monitoring` of the project unless given
    #[arg(long, value_name = "DIR")]
    pub monitoring: Option<PathBuf>,
    /// Look at the projects of this organisation of Supabase, too; the token is in SUPABASE_ACCESS_TOKEN
    #[arg(long, value_name = "SLUG")]
    pub organization: Option<String>,
    #[command(flatten)]
    pub api: Api,
    /// A folder for the evidence, which is not there yet: for each check its queries, and what came of them
    #[arg(long, value_name = "DIR")]
    pub evidence: Option<PathBuf>,
    /// A folder for issues, which is not there yet: a text for each gap, whose first line is the title
    #[arg(long, value_name = "DIR")]
    pub issues: Option<PathBuf>,
    /// An earlier report (--format json): what is new since then is said, and only that decides the exit code
    #[arg(long, value_name = "FILE")]
    pub since: Option<PathBuf>,
    /// How bad a finding has to be for an exit code of 1
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "error")]
    pub fail_on: FailOn,
    /// A file with what is accepted, each with a reason and, if wanted, the day on which it ends
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write what there is as a baseline, into a file that is not there yet
    #[arg(long, value_name = "FILE", requires = "reason")]
    pub write_baseline: Option<PathBuf>,
    /// Why what is written as a baseline is accepted
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The last day on which it is, YYYY-MM-DD
    #[arg(long, value_name = "DATE", requires = "write_baseline")]
    pub until: Option<String>,
}

/// From which level on findings fail the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Only what nothing goes live with
    Error,
    /// Also what is to be mended
    Warning,
    /// Anything
    Info,
    /// Nothing
    Never,
}
