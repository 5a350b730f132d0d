//! The one catalog type: every object a database has, as data, with explicit dependencies.
//!
//! Lowering a spec, introspecting a database and reading the stored last state all produce a [`Catalog`]; what
//! compares two of them cannot tell who made them. Names are exact (never quoted, never case-mapped); only
//! expressions and bodies are SQL text, as they are in Postgres's own catalogs, and what they refer to stands beside
//! them as data.

mod graph;
mod hints;
mod id;
mod merge;
mod naming;
mod needs;
mod object;
mod store;

pub use graph::{Cycle, Needs, Order, Strength, creation_order, order};
pub use hints::{Hints, Kept, Rename, RowsBranch, RowsFrom};
pub use id::{Dependency, Kind, ObjectId, TableName};
pub use merge::{Clash, merge};
pub use naming::{LONGEST_NAME, clip, conventional_name, sequence_of};
pub use needs::IdRef;
pub use object::*;
pub use store::{
    MARK, ROLLED, STORED_HEAD, StoreError, TAKES_BACK, apart, checksum, from_json, has_objects, is_whole, rolled_as,
    to_json, to_sealed_json,
};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::sync::Arc;

/// The grantee that is everyone.
const PUBLIC: &str = "public";

/// Everything that should exist, or does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// Objects by id, in the order in which they were added (deterministic for a spec).
    #[serde(skip)]
    objects: IndexMap<ObjectId, Entry, FxBuildHasher>,
    /// Roles that default privileges may have given something on a new object: revoked first, so that the grants in the catalog
    /// are all there is.
    #[serde(flatten)]
    pub default_grantees: Grantees,
    /// What the spec that made this state says of the way to it. Nothing in a database says so: it is never compared, and
    /// tells what is said for the first time from what was done before.
    #[serde(default, skip_serializing_if = "Hints::is_empty")]
    pub said: Hints,
    /// The settings and the files of the spec that made this state, by name: what its rules meant, which the policies that
    /// were made of them say in other words. Never compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spec: Vec<SpecText>,
}

/// A file of a spec: its name and its text, which who read it may share.
pub type SpecText = (SmolStr, Arc<str>);

/// Roles that default privileges give something on what is new, by what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grantees {
    /// On tables, views, sequences and functions.
    #[serde(rename = "default_grantees", default)]
    pub objects: Vec<SmolStr>,
    /// On enums, domains and composite types.
    #[serde(rename = "default_type_grantees", default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<SmolStr>,
    /// On sequences, the platform's aside: those of identity columns come with it too.
    #[serde(rename = "default_sequence_grantees", default, skip_serializing_if = "Vec::is_empty")]
    pub sequences: Vec<SmolStr>,
    /// On schemas.
    #[serde(rename = "default_schema_grantees", default, skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<SmolStr>,
}

impl Grantees {
    /// Those of a kind of object.
    pub fn of(&self, kind: Kind) -> &[SmolStr] {
        match kind {
            Kind::Table | Kind::View | Kind::Sequence | Kind::Function => &self.objects,
            Kind::Enum | Kind::Domain | Kind::Composite => &self.types,
            Kind::Schema => &self.schemas,
            _ => &[],
        }
    }

    /// Nobody.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.types.is_empty() && self.schemas.is_empty()
    }
}

/// An object with what is said of every kind of object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The object.
    pub object: Object,
    /// `comment on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<SmolStr>,
    /// Whose it is; none: the role's that applies. What has no owner of its own (an owned sequence) is its table's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<SmolStr>,
    /// What its expressions and bodies refer to; what its structure implies (a column's type, a policy's table) is not
    /// repeated here but given by [`Object::implied`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends: Vec<Dependency>,
    /// The part of the spec that it came from (a file stem): groups output, never compared.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub area: SmolStr,
    /// Of a table: columns that triggers keep equal to a count or a sum of other rows. Nothing in a database says so: it is
    /// never compared, and decides when such a column has to be counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<Count>,
    /// Of a table or view: columns that hold something of a person, or a secret. Never compared, as nothing in a database says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<(SmolStr, DataClass)>,
}

/// What a column holds, where that asks for care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataClass {
    /// Something of a person.
    Pii,
    /// Whoever has it may do something.
    Secret,
}

/// A column that triggers keep equal to a count or a sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The column.
    pub column: SmolStr,
    /// The table whose rows are counted.
    pub of: TableName,
    /// How it is worked out for one row of the table.
    pub value: SqlExpr,
}

impl Entry {
    /// An entry without comment, dependencies or area.
    pub fn new(object: impl Into<Object>) -> Self {
        Self {
            object: object.into(),
            comment: None,
            owner: None,
            depends: Vec::new(),
            area: SmolStr::default(),
            counts: Vec::new(),
            classes: Vec::new(),
        }
    }

    /// All it depends on: what its structure implies, then what was recorded.
    pub fn dependencies(&self) -> Vec<Dependency> {
        let mut all = self.object.implied();
        all.extend(self.depends.iter().cloned());
        all
    }
}

impl Catalog {
    /// An empty catalog.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for so many more objects: growing step by step would copy them several times.
    pub fn reserve(&mut self, more: usize) {
        self.objects.reserve_exact(more);
    }

    /// Adds an entry under its object's id. Returns the entry that was there before, if any (a clash).
    pub fn insert(&mut self, entry: Entry) -> Option<Entry> {
        self.objects.insert(entry.object.id(), entry)
    }

    /// Adds an entry whose object has this id, unless the id is taken.
    ///
    /// # Errors
    /// The id, where it is taken; then nothing changes.
    pub fn insert_new(&mut self, id: ObjectId, entry: Entry) -> Result<(), ObjectId> {
        match self.objects.entry(id) {
            indexmap::map::Entry::Occupied(slot) => Err(slot.key().clone()),
            indexmap::map::Entry::Vacant(slot) => {
                slot.insert(entry);
                Ok(())
            }
        }
    }

    /// The entry with this id.
    pub fn get(&self, id: &ObjectId) -> Option<&Entry> {
        self.objects.get(id)
    }

    /// The entry with this id, to change.
    pub fn get_mut(&mut self, id: &ObjectId) -> Option<&mut Entry> {
        self.objects.get_mut(id)
    }

    /// Keeps the entries of which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&ObjectId, &Entry) -> bool) {
        self.objects.retain(|id, entry| keep(id, entry));
    }

    /// The entry at this place in the order of insertion.
    pub fn at(&self, index: usize) -> Option<(&ObjectId, &Entry)> {
        self.objects.get_index(index)
    }

    /// The place of `id` in the order of insertion.
    pub fn index_of(&self, id: &ObjectId) -> Option<usize> {
        self.objects.get_index_of(id)
    }

    /// The place of `id`, which need not be owned.
    pub fn find(&self, id: IdRef<'_>) -> Option<usize> {
        self.objects.get_index_of(&id)
    }

    /// What of this catalog the object with this id needs, with reasons: what its structure implies and what was
    /// recorded, without what belongs to the platform. [`Needs`] answers this for many objects.
    pub fn dependencies_of(&self, id: &ObjectId) -> Vec<Dependency> {
        Needs::new(self).reasons(id)
    }

    /// The grant that lets a role create in a schema, and so own something there.
    pub fn creates_in(&self, schema: &str, role: &str) -> Option<usize> {
        let name = format!("{} {schema}", Kind::Schema.word());
        [role, PUBLIC].iter().find_map(|to| {
            let at = self.find(IdRef { kind: Kind::Grant, schema: "", name: &name, part: to })?;
            let Some((_, Entry { object: Object::Grant(grant), .. })) = self.at(at) else { return None };
            grant.privileges.iter().any(|privilege| privilege.name == "create").then_some(at)
        })
    }

    /// Whether a role that is to own something in a schema has to be allowed to create there meanwhile: it is neither granted
    /// that, nor owns the schema.
    pub fn lends(&self, schema: &str, role: &str) -> bool {
        let is_its = || {
            let at = self.find(IdRef::new(Kind::Schema, "", schema));
            at.and_then(|at| self.at(at)).is_some_and(|(_, entry)| entry.owner.as_deref() == Some(role))
        };
        !schema.is_empty() && self.creates_in(schema, role).is_none() && !is_its()
    }

    /// Whose an object is: a sequence of a column is its table's owner's. None: the role's that applies.
    pub fn owner_of(&self, id: &ObjectId) -> Option<&SmolStr> {
        let entry = self.get(id)?;
        let of = match &entry.object {
            Object::Sequence(o) => o.owned_by.as_ref(),
            _ => None,
        };
        match of {
            Some((table, _)) => {
                self.find(IdRef::table(table)).and_then(|at| self.at(at)).and_then(|(_, entry)| entry.owner.as_ref())
            }
            None => entry.owner.as_ref(),
        }
    }

    /// Whether an object with this id is there.
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.objects.contains_key(id)
    }

    /// All entries in the order of insertion.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ObjectId, &Entry)> {
        self.objects.iter()
    }

    /// How many objects.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }
}
