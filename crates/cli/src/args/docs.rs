//! `specc docs`

use super::Where;
use clap::Args as Group;
use std::path::PathBuf;

/// `specc docs`
#[derive(Group, Debug)]
pub struct Docs {
    #[command(flatten)]
    pub place: Where,
    /// A site of static HTML with search and diagrams, in place of Markdown
    #[arg(long, requires = "out")]
    pub site: bool,
    /// The folder to write; unless given, those that builds write their pages and guides into
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write nothing; exit with 1 if the folder has something else, and name the files
    #[arg(long)]
    pub check: bool,
}
