//! What programs that use a database start from, made of a catalog alone: types of TypeScript as `supabase gen types` writes
//! them, schemas of zod, structs of Rust, documents of OpenAPI, and metadata for other generators.
//!
//! Each is a pure function: the same catalog gives the same bytes. [`world`] says what a program sees of the catalog and
//! [`resolved`] what a type is, for all of them. For TypeScript, [`functions`] and [`relationships`] say what the API makes of
//! functions and references, [`database`] puts it together and [`print`] lays it out; [`strict`] is what can be said beyond that.

mod api;
mod collate;
mod compare;
mod database;
mod errors;
mod example;
mod formats;
mod functions;
mod helpers;
mod json;
mod metadata;
mod openapi;
mod print;
mod relationships;
mod resolved;
mod rights;
mod rust;
mod strict;
mod through;
mod world;
mod zod;

pub use api::Api;
pub use compare::{Difference, difference};
pub use errors::{Error, Verb, What, status};
pub use example::Example;
pub use functions::Call;
pub use openapi::segment;
pub use print::{json as json_text, member, text as quoted};
pub use relationships::Relationship;
pub use rights::{Columns, Rights};
pub use through::Through;
pub use world::{Column, Relation, RelationKind, columns_of};

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
    /// What the database holds and the language cannot say.
    pub beyond: Vec<String>,
}

/// The types of a catalog in TypeScript; `around` has tables that are there besides it, such as the platform's, which its views
/// may read.
///
/// # Errors
/// The first schema that the catalog does not have.
pub fn typescript(catalog: &Catalog, around: &Catalog, options: &Options) -> Result<Types, SmolStr> {
    let world = seen(catalog, around, options, options.strict)?;
    let mut text = format!("// {MARK}\n\n");
    text.push_str(helpers::JSON);
    if options.strict {
        text.push_str(strict::ID);
    }
    database::write(&world, &mut text);
    helpers::write(&world, &mut text);
    Ok(Types { text, doubts: world.doubts(), beyond: Vec::new() })
}

/// Schemas of zod 4 for the rows of a catalog, for new rows and for changes.
///
/// # Errors
/// The first schema that the catalog does not have.
pub fn zod(catalog: &Catalog, around: &Catalog, options: &Options) -> Result<Types, SmolStr> {
    let world = seen(catalog, around, options, true)?;
    let mut text = format!("// {MARK}\n\n");
    let beyond = zod::write(&world, &mut text);
    Ok(Types { text, doubts: world.doubts(), beyond })
}

/// Structs of Rust for the rows of a catalog, for new rows and for changes.
///
/// # Errors
/// The first schema that the catalog does not have.
pub fn rust(catalog: &Catalog, around: &Catalog, options: &Options) -> Result<Types, SmolStr> {
    let world = seen(catalog, around, options, true)?;
    let mut text = format!("// {MARK}\n");
    let beyond = rust::write(&world, &mut text);
    Ok(Types { text, doubts: world.doubts(), beyond })
}

/// What `postgrest-typegen` of Supabase reads of a database, as JSON: its generators write Go, Python and Swift from it.
///
/// # Errors
/// The first schema that the catalog does not have.
pub fn metadata(catalog: &Catalog, around: &Catalog, options: &Options) -> Result<Types, SmolStr> {
    let world = seen(catalog, around, options, false)?;
    let mut text = String::new();
    metadata::write(&world, &mut text);
    Ok(Types { text, doubts: world.doubts(), beyond: Vec::new() })
}

/// The API as one role has it, as a document of OpenAPI 3.1.
///
/// # Errors
/// The first schema that the catalog does not have.
pub fn openapi(catalog: &Catalog, around: &Catalog, options: &Options, role: &str) -> Result<Types, SmolStr> {
    let world = seen(catalog, around, options, false)?;
    let mut text = String::new();
    let beyond = openapi::write(&world, role, &mut text);
    Ok(Types { text, doubts: world.doubts(), beyond })
}

/// The roles that a catalog makes or grants something to, sorted.
pub fn roles(catalog: &Catalog) -> Vec<SmolStr> {
    rights::roles(catalog)
}

fn seen<'c>(catalog: &'c Catalog, around: &'c Catalog, options: &Options, strict: bool) -> Result<World<'c>, SmolStr> {
    let public = [SmolStr::new_static("public")];
    let schemas = if options.schemas.is_empty() { &public[..] } else { &options.schemas[..] };
    World::new(catalog, around, schemas, strict)
}
