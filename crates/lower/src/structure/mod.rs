//! What is stored and what can be called: schemas, types, tables with their constraints and indexes, views, functions,
//! triggers that the author wrote, and the platform's own objects.
//!
//! Objects are added in the order of the spec; the catalog's graph decides what is created first. Nothing of an external
//! entity is added but what the spec itself puts on it (a trigger, a published table).

pub(crate) mod depends;
mod distribution;
pub(crate) mod functions;
mod hints;
pub(crate) mod indexes;
pub(crate) mod names;
mod platform;
mod rolling;
pub(crate) mod tables;
pub(crate) mod types;
mod views;

use crate::Output;
use depends::Lookup;
use rayon::prelude::*;
use specc_catalog::{Catalog, Dependency, Entry, Kind, Object, ObjectId, Schema, TableName};
use specc_diag::{Diagnostic, FileId, Span, codes};
use specc_model::{Entity, EntityId, Meta, Model};

pub use hints::hints;
pub use tables::external;

pub(crate) fn lower(model: &Model, out: &mut Output) {
    // A table comes with its key, its references, their indexes, policies and grants.
    out.catalog
        .reserve(model.entities.iter().map(|e| 6 + 2 * e.outgoing.len() + e.indexes.len() + 2 * e.rules.len()).sum());
    let mut room = Room::new(model, out);
    platform::schemas(&mut room);
    platform::extensions(&mut room);
    platform::roles(&mut room);
    types::lower(&mut room);
    tables::lower(&mut room);
    indexes::lower(&mut room);
    functions::lower(&mut room);
    views::lower(&mut room);
    functions::triggers(&mut room);
    platform::storage_and_realtime(&mut room);
    platform::jobs(&mut room);
    platform::sql_blocks(&mut room);
    rolling::lower(&mut room);
    distribution::lower(&mut room);
}

/// What is only read while objects are made, so that entities can be lowered side by side.
pub(crate) struct Ground<'a> {
    pub model: &'a Model,
    pub lookup: Lookup,
    /// The file that ships with specc to say what the platform has.
    platform: Option<FileId>,
}

impl Ground<'_> {
    /// An object with the comment and area of what declares it; none for what the platform has already.
    fn entry(&self, object: impl Into<Object>, meta: &Meta, depends: Vec<Dependency>) -> Option<Entry> {
        if self.platform == Some(meta.span.file) {
            return None;
        }
        let mut entry = Entry::new(object);
        entry.comment = meta.doc.clone();
        entry.area = meta.area.clone();
        entry.depends = depends;
        Some(entry)
    }
}

/// Objects that some entities ask for, each with the place that declares it.
#[derive(Default)]
pub(crate) struct Made(Vec<(Entry, Span)>);

impl Made {
    /// Adds an entry.
    pub fn add(&mut self, entry: Entry, span: Span) {
        self.0.push((entry, span));
    }
}

/// What a room works with.
pub(crate) struct Room<'a> {
    ground: Ground<'a>,
    pub out: &'a mut Output,
}

impl<'a> std::ops::Deref for Room<'a> {
    type Target = Ground<'a>;

    fn deref(&self) -> &Ground<'a> {
        &self.ground
    }
}

impl<'a> Room<'a> {
    pub fn new(model: &'a Model, out: &'a mut Output) -> Self {
        Self { ground: Ground { model, lookup: Lookup::new(model), platform: platform_file(model) }, out }
    }

    /// Makes objects of the spec's entities side by side, and adds them in the order of the spec.
    pub fn each_entity(&mut self, make: impl Fn(&Ground<'a>, &Entity, &mut Made) + Sync) {
        let entities: Vec<&Entity> = own(self.model).map(|(_, entity)| entity).collect();
        for some in entities.chunks(2048) {
            let ground = &self.ground;
            let chunk = |entities: &[&Entity]| {
                let mut made = Made::default();
                entities.iter().for_each(|entity| make(ground, entity, &mut made));
                made
            };
            let made: Vec<Made> = some.par_chunks(64).map(chunk).collect();
            for (entry, span) in made.into_iter().flat_map(|made| made.0) {
                self.add(entry, span);
            }
        }
    }

    /// Adds an object with the comment and area of what declares it. What the platform has already is not made.
    pub fn declare(&mut self, object: impl Into<Object>, meta: &Meta, depends: Vec<Dependency>) {
        if let Some(entry) = self.ground.entry(object, meta, depends) {
            self.add(entry, meta.span);
        }
    }

    /// Adds an entry; a name that is taken is reported at `span`, and the first object keeps it.
    pub fn add(&mut self, mut entry: Entry, span: Span) {
        if matches!(entry.object, Object::Bucket(_) | Object::Job(_) | Object::PublicationTable(_) | Object::Sql(_)) {
            // Rows and lists of the platform's: `comment on` knows none of them.
            entry.comment = None;
        }
        let id = entry.object.id();
        // A definition may mention itself (a recursive function, a self-reference); that orders nothing.
        entry.depends.retain(|d| d.on != id);
        entry.depends.sort();
        entry.depends.dedup();
        // std's functions and an author's may stand there although nothing that is generated does.
        if id.schema == self.model.options.helper_schema {
            helper_schema(self.ground.model, &mut self.out.catalog);
        }
        if let Err(id) = self.out.catalog.insert_new(id, entry) {
            let message = format!("the {id} is declared already, and this would need the same name");
            self.out
                .diagnostics
                .push(Diagnostic::new(codes::NAME_COLLISION, span, message).help("give one of the two another name"));
        }
    }
}

/// Where an author declares a function or a view that is this object.
pub(crate) fn declared(model: &Model, id: &ObjectId) -> Option<Span> {
    let names = |name: &specc_model::Qualified| name.schema == id.schema && name.name == id.name;
    match id.kind {
        Kind::Function => {
            let mut own = model.functions.iter().filter(|own| names(&own.name));
            own.find(|own| functions::id(model, own) == *id).map(|own| own.meta.span)
        }
        Kind::View => model.views.iter().find(|own| names(&own.name)).map(|own| own.meta.span),
        _ => None,
    }
}

/// The file in which the platform's accounts are declared. A file of the author's may have the same name, and so the same
/// area, and still declares things to make.
fn platform_file(model: &Model) -> Option<FileId> {
    let is_platform = |e: &&Entity| {
        e.external && e.name.schema == "auth" && e.name.name == "users" && e.meta.area == specc_model::PLATFORM
    };
    model.entities.iter().find(is_platform).map(|e| e.meta.span.file)
}

/// Makes sure that the schema for generated helpers is there, unless the spec says that it exists already.
pub(crate) fn helper_schema(model: &Model, catalog: &mut Catalog) {
    let name = &model.options.helper_schema;
    let id = ObjectId::new(Kind::Schema, "", name.clone());
    let external = model.schemas.iter().any(|s| s.external && s.name == *name);
    if external || *name == "public" || catalog.contains(&id) {
        return;
    }
    let mut entry = Entry::new(Schema { name: name.clone() });
    entry.comment = Some("Helpers of policies and triggers; not for clients, and not exposed by any API.".into());
    catalog.insert(entry);
}

/// Makes sure that the schema is there for what says who is asking to bodies that clients run.
pub(crate) fn session_schema(model: &Model, catalog: &mut Catalog) {
    let name = depends::session_schema(model);
    if !catalog.contains(&ObjectId::new(Kind::Schema, "", name.clone())) {
        let mut entry = Entry::new(Schema { name });
        entry.comment =
            Some("Who is asking, for bodies that clients run; nothing else is here, and no API exposes it.".into());
        catalog.insert(entry);
    }
}

/// The table of an entity.
pub(crate) fn table_of(entity: &Entity) -> TableName {
    TableName::new(entity.name.schema.clone(), entity.name.name.clone())
}

/// The entities that the spec creates.
pub(crate) fn own(model: &Model) -> impl Iterator<Item = (EntityId, &Entity)> {
    model.entities.iter().filter(|e| !e.external).map(|e| (e.id, e))
}
