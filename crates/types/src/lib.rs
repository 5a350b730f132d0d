//! Types for programs that use a database: TypeScript as `supabase gen types` writes it, from a catalog alone.
//!
//! [`typescript`] is a pure function: the same catalog gives the same bytes. [`world`] says what a program sees of the
//! catalog, [`functions`] and [`relationships`] what the API makes of functions and references, [`database`] puts it together
//! and [`print`] lays it out. [`strict`] is what can be said beyond that.

mod api;
mod collate;
mod compare;
mod database;
mod formats;
mod functions;
mod helpers;
mod print;
mod relationships;
mod strict;
mod world;

pub use api::Api;
pub use compare::{Difference, difference};
pub use relationships::Relationship;
pub use world::{Column, Relation, RelationKind};

use smol_str::SmolStr;
use specc_catalog::{Catalog, MARK};
use world::World;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The schemas whose types are written; `public` if there are none.
    pub schemas: Vec<SmolStr>,
    /// Say more than the API's own types do, wherever the catalog does: see [`strict`].
    pub strict: bool,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Types {
    /// The whole file.
    pub text: String,
    /// What the catalog does not tell, so that the file may differ from what the database has.
    pub doubts: Vec<String>,
}

/// The types of a catalog in TypeScript; `around` has tables that are there besides it, such as the platform's, which its views
/// may read.
///
/// # Errors
/// The first schema that the catalog does not have.
pub fn typescript(catalog: &Catalog, around: &Catalog, options: &Options) -> Result<Types, SmolStr> {
    let public = [SmolStr::new_static("public")];
    let schemas = if options.schemas.is_empty() { &public[..] } else { &options.schemas[..] };
    let world = World::new(catalog, around, schemas, options.strict)?;
    let mut text = format!("// {MARK}\n\n");
    text.push_str(helpers::JSON);
    if options.strict {
        text.push_str(strict::ID);
    }
    database::write(&world, &mut text);
    helpers::write(&world, &mut text);
    Ok(Types { text, doubts: world.doubts() })
}
