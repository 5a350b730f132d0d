//! What is examined, beside the database: what the project says of it.

use crate::keys::Text;
use crate::projects::Project;
use specc_catalog::{Catalog, Kind};

/// What the project says.
#[derive(Default)]
pub struct Subject<'s> {
    /// The spec; none outside a project.
    pub spec: Option<Spec<'s>>,
    /// Migrations of the folders that tools have; a tool without a folder has none.
    pub folders: Vec<Folder>,
    /// Code of clients; none where no folder is named.
    pub code: Option<Vec<Text>>,
    /// The tables that the project's monitoring watches, as Postgres writes them; none where it has none.
    pub watched: Option<Vec<String>>,
    /// The projects of the organisation that is named, or why they are not known.
    pub projects: Option<Result<Vec<Project>, String>>,
    /// The roles as which clients ask.
    pub clients: Vec<String>,
    /// The schemas that clients reach; none for what the server says, and `public` where it says nothing.
    pub exposed: Option<Vec<String>>,
}

/// A spec, as far as the examination asks about it.
pub struct Spec<'s> {
    /// What should exist.
    pub catalog: &'s Catalog,
    /// How the database differs from it, or why that is not known.
    pub differences: Result<Differences, String>,
    /// What the runner says of the project's own migrations.
    pub migrations: Result<Vec<Standing>, String>,
}

/// How a database differs from its spec.
#[derive(Default)]
pub struct Differences {
    /// Object by object.
    pub objects: Vec<Change>,
    /// What roles may do there that the spec does not say, or the other way round.
    pub access: Vec<String>,
}

/// An object that is not as the spec says.
pub struct Change {
    /// What sort of object.
    pub kind: Kind,
    /// Its name, with its sort.
    pub object: String,
    /// The table that it is of, as Postgres writes it.
    pub table: Option<String>,
    /// `only in the database`, `only in the spec`, or what of it differs.
    pub how: String,
}

/// A migration of the project that is not simply applied.
pub struct Standing {
    /// Its name.
    pub name: String,
    /// In a word.
    pub state: String,
    /// More of it.
    pub detail: String,
}

/// A tool that keeps a history of migrations in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `_prisma_migrations`, by the name of the folder and the checksum of its file.
    Prisma,
    /// `drizzle.__drizzle_migrations`, by the checksum of the file.
    Drizzle,
    /// `supabase_migrations.schema_migrations`, by the stamp.
    Supabase,
}

/// Migrations in a folder.
pub struct Folder {
    /// Whose.
    pub tool: Tool,
    /// Name and SHA-256 of each.
    pub migrations: Vec<(String, String)>,
}
