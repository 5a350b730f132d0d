//! What asks about access.

use super::{Connection, OnScratch, PullTarget, Where};
use clap::Args as Group;
use std::path::PathBuf;

/// `specc prove`
#[derive(Group, Debug)]
pub struct Prove {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub connection: Connection,
    /// A file of SQL to ask about in place of the spec, as of a database; `--database-url` asks about a live one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["database_url", "env"])]
    pub sql: Option<PathBuf>,
    /// What the database is for; a live one of Supabase is known by its schemas
    #[arg(long, value_enum)]
    pub target: Option<PullTarget>,
    /// Also prove that nobody may more than before: than by the spec in this folder, or by the `last` migration
    #[arg(long, value_name = "A", conflicts_with_all = ["sql", "database_url", "env"])]
    pub against: Option<String>,
    /// Show also what is proven
    #[arg(long)]
    pub all: bool,
    /// Ask also what many specs leave to whoever runs them: that the last who may manage a team does not go
    #[arg(long)]
    pub strict: bool,
    /// Run each counterexample on a scratch server
    #[arg(long)]
    pub run: bool,
    #[command(flatten)]
    pub scratch: OnScratch,
}

/// `specc why`
#[derive(Group, Debug)]
#[command(
    after_help = "Exits with 0 if it is allowed to some rows or to all, with 1 if to none, and with 2 if the question or \
                  the spec is wrong or it cannot be decided."
)]
pub struct Why {
    #[command(flatten)]
    pub place: Where,
    /// Who does it: a role such as anon or authenticated
    pub role: String,
    /// What is done: select, insert, update or delete, with the columns that matter: "update (title)"
    pub action: String,
    /// To rows of which entity
    pub entity: String,
    /// To rows that satisfy this, as a rule would say it: "organizer_id <> viewer"
    pub condition: Option<String>,
    #[command(flatten)]
    pub connection: Connection,
    /// The key of a row of a database: which rules hold of it there; nothing is written
    #[arg(long, value_name = "KEY", conflicts_with = "condition")]
    pub row: Option<String>,
    /// The key of who asks there
    #[arg(long = "as", value_name = "USER", requires = "row")]
    pub user: Option<String>,
}

/// `specc test`
#[derive(Group, Debug)]
pub struct Test {
    #[command(flatten)]
    pub place: Where,
    /// Only entities whose name has this in it
    #[arg(long, value_name = "ENTITY")]
    pub filter: Option<String>,
    /// Show also what passed
    #[arg(long)]
    pub all: bool,
    /// Change each rule in many ways, and say how many of the changes the tests see
    #[arg(long)]
    pub mutants: bool,
    /// Write the tests that pass as files of pgTAP into this folder, such as supabase/tests
    #[arg(long, value_name = "DIR")]
    pub pgtap: Option<PathBuf>,
    #[command(flatten)]
    pub scratch: OnScratch,
}
