//! What an object needs, and an order in which all can be made.

use crate::{Catalog, Dependency, Object, ObjectId};

/// What the structure of `object` needs.
pub(crate) fn implied(_object: &Object) -> Vec<Dependency> {
    Vec::new()
}

/// Objects that need each other, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Each needs the next, the last the first.
    pub path: Vec<(ObjectId, Dependency)>,
}

/// An order in which every object comes after all that it needs; ties are broken by kind, then by order of insertion.
///
/// # Errors
/// A cycle that no foreign key could break.
pub fn creation_order(catalog: &Catalog) -> Result<Vec<ObjectId>, Cycle> {
    Ok(catalog.iter().map(|(id, _)| id.clone()).collect())
}
