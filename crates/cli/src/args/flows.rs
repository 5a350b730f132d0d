//! What asks about front-end code.

use super::Where;
use clap::Args as Group;
use std::path::PathBuf;

/// `specc flows`
#[derive(Group, Debug)]
#[command(
    after_help = "The map of data flows is written to stdout as Markdown, or with `--format json` together with the findings as \
                  JSON. Exits with 1 if something is asked for that is not there or that the role may not do."
)]
pub struct Flows {
    #[command(flatten)]
    pub place: Where,
    /// The folder with the code, or one file: .ts, .tsx, .js, .jsx, .mjs, .cjs, .vue, .svelte
    pub dir: PathBuf,
    /// As whom a client asks that has no key of `service_role`; `anon` and `authenticated` unless given
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    pub role: Vec<String>,
    /// The file for the map; stdout unless given
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit with 1 for warnings too
    #[arg(long)]
    pub deny_warnings: bool,
}
