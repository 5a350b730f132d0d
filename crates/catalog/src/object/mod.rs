//! The objects themselves, one struct each.

mod access;
mod keys;
mod named;
mod parameters;
mod platform;
mod routine;
mod table;
mod value;

pub use access::*;
pub use keys::*;
pub use named::*;
pub use parameters::*;
pub use platform::*;
pub use routine::*;
pub use table::*;
pub use value::*;

use crate::{Dependency, Kind, ObjectId, TableName};
use serde::{Deserialize, Serialize};

macro_rules! objects {
    ($($name:ident($($held:tt)*)),* $(,)?) => {
        /// Any object. The largest are boxed: every entry of a catalog is as large as the largest that is not.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        #[allow(missing_docs)] // each is named after its struct
        pub enum Object { $($name($($held)*)),* }
        $(impl From<$name> for Object { fn from(object: $name) -> Self { Object::$name(object.into()) } })*
    };
}

objects!(
    Schema(Schema),
    Extension(Extension),
    Role(Role),
    Enum(Enum),
    Domain(Box<Domain>),
    Composite(Composite),
    Sequence(Box<Sequence>),
    Table(Box<Table>),
    Constraint(Constraint),
    Index(Index),
    Function(Box<Function>),
    View(View),
    Trigger(Box<Trigger>),
    Policy(Policy),
    Grant(Grant),
    Publication(Publication),
    PublicationTable(PublicationTable),
    Bucket(Bucket),
    Job(Job),
    Seed(Seed),
    Sql(Sql),
);

/// Short for the many fields that are absent most of the time, so that the stored catalog stays small.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Object {
    /// What identifies it.
    pub fn id(&self) -> ObjectId {
        match self {
            Object::Schema(o) => ObjectId::new(Kind::Schema, "", o.name.clone()),
            Object::Extension(o) => ObjectId::new(Kind::Extension, "", o.name.clone()),
            Object::Role(o) => ObjectId::new(Kind::Role, "", o.name.clone()),
            Object::Enum(o) => ObjectId::new(Kind::Enum, o.schema.clone(), o.name.clone()),
            Object::Domain(o) => ObjectId::new(Kind::Domain, o.schema.clone(), o.name.clone()),
            Object::Composite(o) => ObjectId::new(Kind::Composite, o.schema.clone(), o.name.clone()),
            Object::Sequence(o) => ObjectId::new(Kind::Sequence, o.schema.clone(), o.name.clone()),
            Object::Table(o) => o.table.id(),
            Object::Constraint(o) => o.table.part(Kind::Constraint, o.name.clone()),
            Object::Index(o) => ObjectId::new(Kind::Index, o.table.schema.clone(), o.name.clone()),
            Object::Function(o) => ObjectId::new(Kind::Function, o.schema.clone(), o.name.clone()).part(o.signature()),
            Object::View(o) => ObjectId::new(Kind::View, o.view.schema.clone(), o.view.name.clone()),
            Object::Trigger(o) => o.table.part(Kind::Trigger, o.name.clone()),
            Object::Policy(o) => o.table.part(Kind::Policy, o.name.clone()),
            Object::Grant(o) => {
                let name = format!("{} {}({})", o.on.kind.word(), o.on.name, o.on.part);
                let name = if o.on.part.is_empty() { format!("{} {}", o.on.kind.word(), o.on.name) } else { name };
                ObjectId::new(Kind::Grant, o.on.schema.clone(), name).part(o.to.clone())
            }
            Object::Publication(o) => ObjectId::new(Kind::Publication, "", o.name.clone()),
            Object::PublicationTable(o) => o.table.part(Kind::PublicationTable, o.publication.clone()),
            Object::Bucket(o) => ObjectId::new(Kind::Bucket, "", o.id.clone()),
            Object::Job(o) => ObjectId::new(Kind::Job, "", o.name.clone()),
            Object::Seed(o) => o.table.part(Kind::Seed, o.order.to_string()),
            Object::Sql(o) => ObjectId::new(Kind::Sql, "", o.name.clone()),
        }
    }

    /// The table that it is a part of: a constraint, index, trigger, policy, seed or published table.
    pub fn table(&self) -> Option<&TableName> {
        match self {
            Object::Constraint(o) => Some(&o.table),
            Object::Index(o) => Some(&o.table),
            Object::Trigger(o) => Some(&o.table),
            Object::Policy(o) => Some(&o.table),
            Object::Seed(o) => Some(&o.table),
            Object::PublicationTable(o) => Some(&o.table),
            _ => None,
        }
    }

    /// What its structure needs, with reasons. Ids that are not in the catalog belong to the platform; a type is listed
    /// under every kind of object that has types ([`Catalog::dependencies_of`](crate::Catalog::dependencies_of) knows
    /// which is meant).
    pub fn implied(&self) -> Vec<Dependency> {
        crate::graph::implied(self)
    }
}
