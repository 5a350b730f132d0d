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
    #[arg(long)]
    pub plan: bool,
    /// Without --plan: the declared sizes times this
    #[arg(long, value_name = "SCALE", default_value_t = 1.0, conflicts_with = "plan", value_parser = super::running::scale)]
    pub scale: f64,
    /// Without --plan: requests a second, of all queries in turns, whether those before are done or not
    #[arg(long, value_name = "REQUESTS", default_value_t = 50.0, conflicts_with = "plan", value_parser = super::running::scale)]
    pub rate: f64,
    /// Without --plan: for how long
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, conflicts_with = "plan", value_parser = super::running::scale)]
    pub seconds: f64,
    /// Without --plan: clients that make the requests
    #[arg(long, value_name = "CLIENTS", default_value_t = 8, conflicts_with = "plan")]
    pub clients: u8,
    /// Only queries whose name has this in it
    #[arg(long, value_name = "QUERY")]
    pub filter: Option<String>,
    /// The sizes of this environment; those for all unless given
    #[arg(long, value_name = "ENV")]
    pub env: Option<String>,
    /// Write each plan down; later ones are compared with it
    #[arg(long, requires = "plan")]
    pub pin: bool,
    /// The major version of the private server; the newest that there is unless given
    #[arg(long, value_name = "MAJOR")]
    pub postgres: Option<u32>,
}
