//! What is asked of deployments.

use super::Where;
use clap::{Args as Group, ValueEnum};
use std::path::PathBuf;

/// Where a deployment stops until somebody has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Checkpoint {
    /// The plan is made, and nothing is changed
    Design,
    /// The database has what the plan says
    Provisioning,
    /// The database is verified
    Testing,
}

/// How Supabase's Management API is asked.
#[derive(Group, Debug)]
pub struct Api {
    /// Another address of the Management API
    #[arg(long, value_name = "URL", env = "SUPABASE_API_URL", default_value = "https://api.supabase.com")]
    pub api_url: String,
    /// How many seconds it may take to answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, value_parser = super::seconds)]
    pub api_timeout: f64,
}

/// `specc deploy`
#[derive(Group, Debug)]
#[command(
    after_help = "It stops at three checkpoints: after design (the plan, which is approved by its hash), after provisioning (the database \
                  has what the plan says) and after testing. On a terminal it asks; elsewhere `--approve HASH` passes the first one, and \
                  `--yes-until CHECKPOINT` the others. What stopped is continued by the same command."
)]
pub struct Deploy {
    #[command(flatten)]
    pub place: Where,
    /// The environment of specc.toml
    pub environment: String,
    /// Say what would be done and its hash, and change nothing
    #[arg(long, conflicts_with_all = ["approve", "yes_until", "status"])]
    pub plan: bool,
    /// Say how the last deployment stands, and change nothing
    #[arg(long, conflicts_with_all = ["approve", "yes_until"])]
    pub status: bool,
    /// Do what has this hash, as it was shown, and nothing else
    #[arg(long, value_name = "HASH")]
    pub approve: Option<String>,
    /// Do not ask at the checkpoints up to this one; the plan is approved by its hash all the same
    #[arg(long, value_enum, value_name = "CHECKPOINT")]
    pub yes_until: Option<Checkpoint>,
    /// Make the project of Supabase first, by the Management API; the token is in SUPABASE_ACCESS_TOKEN
    #[arg(long)]
    pub create: bool,
    /// With --create: its name; the project's and the environment's unless given
    #[arg(long, value_name = "NAME", requires = "create")]
    pub name: Option<String>,
    /// With --create: delete the project again if the deployment fails
    #[arg(long, requires = "create")]
    pub delete_on_failure: bool,
    /// How many seconds a new project may take until it is healthy
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub healthy_within: u64,
    #[command(flatten)]
    pub api: Api,
    /// Where backups go; the folder of the deployment unless given
    #[arg(long, value_name = "DIR")]
    pub backups: Option<PathBuf>,
    /// How many seconds a statement waits for a lock, where the file does not say
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = super::seconds)]
    pub lock_timeout: f64,
    /// How often to try again when a lock is not free
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub lock_retries: u32,
}

/// How a deployment is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// By the down scripts: newer rows stay
    Down,
    /// By the backup: all is as it was then
    Restore,
}

/// `specc rollback`
#[derive(Group, Debug)]
pub struct Rollback {
    #[command(flatten)]
    pub place: Where,
    /// The environment of specc.toml
    pub environment: String,
    /// How; what loses least unless given
    #[arg(long, value_enum)]
    pub by: Option<Way>,
    /// Do what has this hash, as it was shown, and lose what it says
    #[arg(long, value_name = "HASH")]
    pub approve: Option<String>,
    /// Delete the project of Supabase that the deployment made; nothing of it comes back
    #[arg(long, value_name = "REFERENCE", conflicts_with = "by")]
    pub delete_project: Option<String>,
    #[command(flatten)]
    pub api: Api,
}

/// `specc promote`
#[derive(Group, Debug)]
pub struct Promote {
    /// The environment that has run and proven it
    pub from: String,
    #[command(flatten)]
    pub deploy: Deploy,
}

/// `specc plan`
#[derive(Group, Debug)]
pub struct PlanAsked {
    #[command(flatten)]
    pub place: Where,
    /// The file with the questions; written if it is not there, and checked against the spec if it is
    #[arg(long, value_name = "FILE")]
    pub requirements: PathBuf,
}
