//! What the API shows of a catalog, for who looks at requests.

use crate::errors::{self, Error, Verb};
use crate::example::{self, Example};
use crate::functions::{self, Call};
use crate::relationships::{self, Relationship};
use crate::rights::Rights;
use crate::through::{self, Through};
use crate::world::{Column, Relation, World};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_analysis::catalog::Known;
use specc_catalog::{Catalog, DataType, TableName};
use std::cell::OnceCell;
use std::sync::OnceLock;

/// The relations of some schemas and the ways between them that the API follows.
#[derive(Debug)]
pub struct Api<'c> {
    world: World<'c>,
    relationships: OnceLock<FxHashMap<TableName, Vec<Relationship>>>,
    /// What queries are resolved against, once one is asked for.
    known: OnceCell<Known<'c>>,
}

impl<'c> Api<'c> {
    /// Of all schemas of the catalog; `around` has tables that are there besides it.
    pub fn new(catalog: &'c Catalog, around: &'c Catalog) -> Self {
        let mut schemas: Vec<SmolStr> = catalog.iter().map(|(id, _)| id.schema.clone()).collect();
        schemas.sort();
        schemas.dedup();
        let world = World::of(catalog, around, &schemas, false);
        Self { world, relationships: OnceLock::new(), known: OnceCell::new() }
    }

    /// A table or view.
    pub fn relation(&self, name: &TableName) -> Option<&Relation> {
        self.world.relation(name)
    }

    /// All tables and views: the tables by name, then the views.
    pub fn relations(&self) -> &[Relation] {
        &self.world.relations
    }

    /// What a view asks of who reads it; nothing of a table.
    pub fn through(&self, view: &TableName) -> Through {
        through::of_view(&self.world, self.known.get_or_init(|| Known::new(self.world.catalog)), view)
    }

    /// The references of a table or view, with those that views pass on.
    pub fn references_of(&self, name: &TableName) -> &[Relationship] {
        self.relationships
            .get_or_init(|| relationships::all(&self.world))
            .get(name)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// What a request of rows may be answered with when it goes wrong.
    pub fn errors(&self, rights: &Rights<'_>, relation: &Relation, verb: Verb, is_anon: bool) -> Vec<Error> {
        errors::of_rows(&self.world, rights, relation, verb, is_anon)
    }

    /// What a call may be answered with when it goes wrong.
    pub fn call_errors(&self, call: &Call<'_>, is_anon: bool) -> Vec<Error> {
        errors::of_call(&self.world, call.function, is_anon)
    }

    /// The functions of a schema that can be called, each overload by itself.
    pub fn calls(&self, schema: &str) -> Vec<Call<'c>> {
        functions::calls(&self.world, schema)
    }

    /// A value that a column may have; none where nothing is known of its type.
    pub fn example(&self, relation: &Relation, column: &Column) -> Option<Example> {
        example::of_column(&self.world, relation, column)
    }

    /// A value of a type; none where nothing is known of it.
    pub fn example_of(&self, ty: &DataType) -> Option<Example> {
        example::of_type(&self.world, ty)
    }
}
