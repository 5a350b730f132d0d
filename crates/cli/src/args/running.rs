//! What is asked of migrations on a live database.

use super::{Where, seconds};
use clap::Args as Group;
use std::path::PathBuf;

/// Which database.
#[derive(Group, Debug)]
pub struct Connection {
    /// postgresql://user@host/database; without it DATABASE_URL, else the PG* variables and .pgpass
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// An environment of specc.toml, which says in which variable the URL is
    #[arg(long, value_name = "ENVIRONMENT", conflicts_with = "database_url")]
    pub env: Option<String>,
}

impl Connection {
    /// Whether the arguments say which database.
    pub fn is_given(&self) -> bool {
        self.database_url.is_some() || self.env.is_some()
    }
}

/// `specc apply`
#[derive(Group, Debug)]
pub struct Apply {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub connection: Connection,
    /// The last migration to apply
    #[arg(long, value_name = "STAMP")]
    pub to: Option<String>,
    /// Take back, with the down scripts, what came after this migration; 0 for all
    #[arg(long, value_name = "STAMP", conflicts_with = "to")]
    pub down_to: Option<String>,
    /// Take a change of several files that is half done back to before its first file, whatever stopped it
    #[arg(long, conflicts_with_all = ["to", "down_to", "adopt", "out_of_order", "mark_done", "run_again"])]
    pub abandon: bool,
    /// Run a down script although it was edited after it was written
    #[arg(long)]
    pub allow_edited: bool,
    /// Run only what has this hash, as `--dry-run` shows it
    #[arg(long, value_name = "HASH", conflicts_with = "adopt")]
    pub approve: Option<String>,
    /// Say what would run and its hash, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The database has what the pending migrations make, as after `specc pull`: compare, run nothing, and take them as
    /// applied
    #[arg(long, conflicts_with_all = ["down_to", "dry_run", "check_drift", "backup"])]
    pub adopt: bool,
    /// Apply a migration although a later one was applied before
    #[arg(long)]
    pub out_of_order: bool,
    /// Allow changes to a production database
    #[arg(long)]
    pub allow_production: bool,
    /// Allow the losses that the down scripts declare
    #[arg(long)]
    pub allow_data_loss: bool,
    /// Back up first, into the working folder
    #[arg(long)]
    pub backup: bool,
    /// First compare the database with its applied migrations, and refuse if it was changed since
    #[arg(long)]
    pub check_drift: bool,
    /// How many seconds to wait for another runner
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u64,
    /// How many seconds a statement waits for a lock, where the file does not say
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = seconds)]
    pub lock_timeout: f64,
    /// How often to try again when a lock is not free
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub lock_retries: u32,
    /// Take this step (STAMP/NUMBER), which was begun, as done
    #[arg(long, value_name = "STEP")]
    pub mark_done: Vec<specc_runner::StepId>,
    /// Run this step (STAMP/NUMBER), which was begun, again
    #[arg(long, value_name = "STEP")]
    pub run_again: Vec<specc_runner::StepId>,
}

/// `specc status`
#[derive(Group, Debug)]
pub struct Status {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub connection: Connection,
    /// Exit with 1 if anything is pending or wrong
    #[arg(long)]
    pub exit_code: bool,
}

/// `specc reset`
#[derive(Group, Debug)]
pub struct Reset {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub connection: Connection,
    /// Add the rows of this environment afterwards
    #[arg(long, value_name = "ENVIRONMENT")]
    pub seed: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Allow the reset of this production database
    #[arg(long, value_name = "DATABASE")]
    pub allow_production_reset: Option<String>,
    /// How many seconds to wait for another runner
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u64,
}

/// `specc seed`
#[derive(Group, Debug)]
pub struct Seed {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub connection: Connection,
    /// The environment whose rows are added
    pub environment: Option<String>,
    /// Fill every entity to its size, times this
    #[arg(long, value_name = "SCALE", num_args = 0..=1, default_missing_value = "1", value_parser = scale)]
    pub size: Option<f64>,
    /// Fill this entity to so many rows, and what it refers to; may be given again
    #[arg(long, value_name = "ENTITY=ROWS", value_parser = rows)]
    pub rows: Vec<(String, u64)>,
}

/// A number above 0.
pub(crate) fn scale(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "a number is wanted, such as 1 or 0.01".to_owned())?;
    if number.is_finite() && number > 0.0 { Ok(number) } else { Err("a number above 0 is wanted".to_owned()) }
}

fn rows(text: &str) -> Result<(String, u64), String> {
    let wanted = || "an entity and a number are wanted, such as events=1000000".to_owned();
    let (name, number) = text.split_once('=').ok_or_else(wanted)?;
    let number = number.replace('_', "").parse().map_err(|_| wanted())?;
    Ok((name.trim().to_owned(), number))
}

/// `specc backup`
#[derive(Group, Debug)]
pub struct Backup {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub connection: Connection,
    /// The file to write; named by database and time unless given. Its manifest has the same name with `.json` added
    #[arg(long, short)]
    pub file: Option<PathBuf>,
    /// Without rows
    #[arg(long, conflicts_with = "data_only")]
    pub schema_only: bool,
    /// Only rows
    #[arg(long)]
    pub data_only: bool,
    /// Columns that the spec calls `pii` or `secret` hold other values, of the same form
    #[arg(long, conflicts_with = "schema_only")]
    pub masked: bool,
    /// Only this table, schema.name; may be given again
    #[arg(long, value_name = "TABLE")]
    pub table: Vec<String>,
}

/// `specc restore`
#[derive(Group, Debug)]
pub struct Restore {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub connection: Connection,
    /// The dump; its manifest lies next to it
    pub file: PathBuf,
    /// First drop what is there; with --table, delete rows that are not in the backup
    #[arg(long)]
    pub clean: bool,
    /// Only the rows of this table
    #[arg(long, value_name = "TABLE")]
    pub table: Option<String>,
    /// With --table: into a new table of this name
    #[arg(long, value_name = "NAME", requires = "table", conflicts_with = "clean")]
    pub into: Option<String>,
    /// The role that restores owns everything
    #[arg(long)]
    pub no_owner: bool,
    /// Allow changes to a production database
    #[arg(long)]
    pub allow_production: bool,
    /// How many seconds to wait for another runner
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u64,
}
