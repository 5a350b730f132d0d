//! What is asked by who runs a database.

use super::{Connection, Where, seconds};
use clap::Args as Group;
use std::path::PathBuf;

/// `specc monitoring`
#[derive(Group, Debug)]
pub struct Monitoring {
    #[command(flatten)]
    pub place: Where,
    /// The folder to write; `monitoring` of the project unless given
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write nothing; exit with 1 if the folder has something else, and name the files
    #[arg(long)]
    pub check: bool,
}

/// `specc drill`
#[derive(Group, Debug)]
#[command(
    after_help = "Nothing is written to the database in use, every table of which is read. Exits with 1 where the restore fails, or takes longer \
                  or is older than it may."
)]
pub struct Drill {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub connection: Connection,
    /// The backup; the database is backed up first unless given
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// How many seconds it may take until the database is back (RTO)
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub rto: Option<f64>,
    /// How many seconds old the backup may be (RPO); for that a database in use has to be named
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub rpo: Option<f64>,
    /// Who restores owns everything
    #[arg(long)]
    pub no_owner: bool,
    /// The major version of the private server; that of the backup unless given
    #[arg(long, value_name = "MAJOR")]
    pub postgres: Option<u32>,
    /// How many seconds the restore may take before it is ended
    #[arg(long, value_name = "SECONDS", default_value_t = 3600.0, value_parser = seconds)]
    pub timeout: f64,
    /// How many gigabytes the private server may take
    #[arg(long, value_name = "GB", default_value_t = 16)]
    pub disk: u64,
}
