//! Arguments, as clap reads them.

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Compile .dbspec files to what a team needs to run Postgres: migrations, row level security, indexes, seeds, docs.
#[derive(Parser, Debug)]
#[command(version, about, propagate_version = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How findings are written.
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub format: Format,
}

/// How findings and summaries are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
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
    /// Write everything: a migration if the spec moved on, row level security, indexes, seeds, docs
    Build(Build),
    /// Say what a code such as E0102 means
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
    /// The migration's name
    #[arg(long, default_value = "init", value_parser = name)]
    pub name: String,
    /// Write only these
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Part>,
    /// Warnings count as errors
    #[arg(long)]
    pub deny_warnings: bool,
    /// Say where the time went
    #[arg(long)]
    pub timings: bool,
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
}

/// `specc explain`
#[derive(Group, Debug)]
pub struct Explain {
    /// A code, or nothing for the list of all
    pub code: Option<String>,
}

fn stamp(text: &str) -> Result<String, String> {
    let ok = text.len() == 14 && text.bytes().all(|b| b.is_ascii_digit());
    if ok { Ok(text.into()) } else { Err("a stamp is fourteen digits, YYYYMMDDHHMMSS".into()) }
}

fn name(text: &str) -> Result<String, String> {
    let ok = !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if ok { Ok(text.into()) } else { Err("a migration's name is made of a-z, 0-9 and _".into()) }
}
