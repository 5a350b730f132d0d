//! What is asked of an API.

use super::{Connection, OnScratch, Where};
use clap::Args as Group;
use std::path::PathBuf;

/// `specc smoke`
#[derive(Group, Debug)]
#[command(
    after_help = "Without --database-url or --env the requests are made on a scratch database, with the rows of `specc test`. On a database in use \
                  they read, unless --write is given; what they write is undone. Exits with 1 where something comes out otherwise than \
                  the spec says."
)]
pub struct Smoke {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub connection: Connection,
    /// Only entities, views and functions whose name has this in it
    #[arg(long, value_name = "NAME")]
    pub filter: Option<String>,
    /// Show also what came out as it should
    #[arg(long)]
    pub all: bool,
    /// The key of somebody who asks on the database in use; may be given again. Nobody asks besides
    #[arg(long = "as", value_name = "USER", requires = "Connection")]
    pub viewers: Vec<String>,
    /// Also change and delete rows of the database in use, and call functions that write, each in a transaction that is undone
    #[arg(long, requires = "Connection")]
    pub write: bool,
    /// How many rows a request on the database in use reads at most
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..), requires = "Connection")]
    pub rows: u64,
    /// The address of an API: one row of everything is read over HTTP, and stories are played; no database is asked
    #[arg(long, value_name = "URL", conflicts_with = "Connection")]
    pub api_url: Option<String>,
    /// The variable of the environment that has the project's key
    #[arg(long, value_name = "NAME", default_value = "SUPABASE_ANON_KEY", requires = "api_url")]
    pub key_env: String,
    /// The variable that has the token of somebody who is signed in, as whom is read too
    #[arg(long, value_name = "NAME", requires = "api_url")]
    pub token_env: Option<String>,
    /// A file of stories; those of the project's folder `smoke` unless given. May be given again
    #[arg(long, value_name = "FILE", requires = "api_url")]
    pub stories: Vec<PathBuf>,
    /// The role of who has not signed in
    #[arg(long, value_name = "ROLE", default_value = "anon")]
    pub anon: String,
    /// Schemas that the API shows; those of supabase/config.toml unless given, else `public`
    #[arg(long, value_name = "SCHEMA", value_delimiter = ',')]
    pub exposed: Vec<String>,
    #[command(flatten)]
    pub scratch: OnScratch,
}
