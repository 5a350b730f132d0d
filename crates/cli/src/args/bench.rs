//! What asks about time.

use super::Where;
use clap::Args as Group;

/// `specc bench`
#[derive(Group, Debug)]
#[command(
    after_help = "Exits with 0 if each query keeps its budget and has the plan that is written down, with 1 if one does not."
)]
pub struct Bench {
    #[command(flatten)]
    pub place: Where,
    /// Plans alone: a private server is told of the declared sizes, and no rows are made
    #[arg(long, required = true)]
    pub plan: bool,
    /// Only queries whose name has this in it
    #[arg(long, value_name = "QUERY")]
    pub filter: Option<String>,
    /// The sizes of this environment; those for all unless given
    #[arg(long, value_name = "ENV")]
    pub env: Option<String>,
    /// Write each plan down; later ones are compared with it
    #[arg(long)]
    pub pin: bool,
    /// The major version of the private server; the newest that there is unless given
    #[arg(long, value_name = "MAJOR")]
    pub postgres: Option<u32>,
}
