//! What the API shows of a catalog, for who looks at requests.

use crate::relationships::{self, Relationship};
use crate::world::{Relation, World};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Catalog, TableName};

/// The relations of some schemas and the ways between them that the API follows.
#[derive(Debug)]
pub struct Api<'c> {
    world: World<'c>,
    relationships: FxHashMap<TableName, Vec<Relationship>>,
}

impl<'c> Api<'c> {
    /// Of all schemas of the catalog; `around` has tables that are there besides it.
    pub fn new(catalog: &'c Catalog, around: &'c Catalog) -> Self {
        let mut schemas: Vec<SmolStr> = catalog.iter().map(|(id, _)| id.schema.clone()).collect();
        schemas.sort();
        schemas.dedup();
        let world = World::of(catalog, around, &schemas, false);
        let relationships = relationships::all(&world);
        Self { world, relationships }
    }

    /// A table or view.
    pub fn relation(&self, name: &TableName) -> Option<&Relation> {
        self.world.relation(name)
    }

    /// All tables and views: the tables by name, then the views.
    pub fn relations(&self) -> &[Relation] {
        &self.world.relations
    }

    /// The references of a table or view, with those that views pass on.
    pub fn references_of(&self, name: &TableName) -> &[Relationship] {
        self.relationships.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}
