//! Policies, the helpers and indexes they need, and the grants that follow from them.

mod columns;
mod condition;
mod cycles;
mod defaults;
mod forced;
mod grants;
pub(crate) mod helpers;
mod hidden;
mod lookups;
mod named;
mod policies;
mod sets;

use crate::Output;
use crate::structure::depends::{looked_up_id, session_id};
use grants::Grants;
use helpers::Helpers;
use lookups::Lookup;
use policies::{Guarded, Lowered};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{Entry, Kind, Object, ObjectId};
use specc_diag::Diagnostic;
use specc_model::effective::PUBLIC;
use specc_model::{Entity, EntityId, FieldIx, Model, Owned, Target};
use std::collections::{BTreeMap, BTreeSet};

/// What comes of all rules, with nothing known of other objects.
#[derive(Default)]
pub(crate) struct Rules {
    entries: Vec<Entry>,
    diagnostics: Vec<Diagnostic>,
    found: Found,
    helpers: Helpers,
    grants: Grants,
}

/// Lowers all rules.
pub(crate) fn rules(model: &Model) -> Rules {
    let mut shared = FxHashSet::default();
    loop {
        let rules = with_names(model, &shared);
        if rules.found.shared.is_empty() {
            return rules;
        }
        shared.extend(rules.found.shared);
    }
}

/// The same, where helpers of these names have names of their own.
fn with_names(model: &Model, shared: &FxHashSet<ObjectId>) -> Rules {
    let own = model.entities.iter().filter(|e| !e.rules.is_empty()).map(|entity| Guarded { entity, bucket: None });
    let buckets = storage_objects(model).into_iter().flat_map(|entity| {
        let buckets = model.buckets.iter().filter(|bucket| !bucket.rules.is_empty());
        buckets.map(move |bucket| Guarded { entity, bucket: Some(bucket) })
    });
    let guarded: Vec<Guarded<'_>> = own.chain(buckets).collect();
    let mut all = Rules::default();
    for some in guarded.chunks(2048) {
        let each = |guarded: &Guarded<'_>| policies::lower(model, *guarded, shared);
        let lowered: Vec<Lowered> = some.par_iter().with_min_len(64).map(each).collect();
        lowered.into_iter().for_each(|lowered| all.add(model, lowered));
    }
    let stay = storage_objects(model).and_then(|objects| policies::stay_in_bucket(model, objects, shared));
    stay.into_iter().for_each(|lowered| all.add(model, lowered));
    all
}

/// Adds policies, helpers, indexes and grants to what there is.
pub(crate) fn lower(model: &Model, rules: Rules, out: &mut Output) {
    let Rules { entries, diagnostics, found, helpers, mut grants } = rules;
    entries.into_iter().for_each(|entry| out.add(model, entry));
    out.diagnostics.extend(diagnostics);
    cycles::check(model, &found.reads, &mut out.diagnostics);
    lookups::add(model, out, &found.lookups);
    helpers.finish(model, out);
    let everyone = everyone_at_the_api(model);
    for (id, roles) in found.calls.into_iter().filter(|_| model.options.derive) {
        let is_public = roles.iter().any(|role| role == PUBLIC);
        grants.execute(&id, if is_public { everyone.clone() } else { roles });
    }
    if model.options.derive && model.person.is_some() && model.options.target == Target::Supabase {
        // It calls the functions about a person.
        grants.usage(&model.options.helper_schema, "service_role".into());
    }
    let needs = session_needs(model, out);
    // The key has a function of its own.
    let named = |field: &str| field != "id" && needs.contains_key(format!("viewer_{field}").as_str());
    let fields = model.viewer.map(|id| &model.entity(id).fields[..]).unwrap_or_default();
    let named = fields.iter().enumerate().filter(|(_, field)| named(&field.name)).map(|(at, _)| at);
    let viewer_fields: BTreeSet<FieldIx> = found.viewer_fields.into_iter().chain(named).collect();
    if model.viewer.is_some() || !viewer_fields.is_empty() || !needs.is_empty() {
        helpers::session(model, out, needs.contains_key("claims"));
    }
    for (name, _) in needs.iter().filter(|(_, need)| need.by_whoever_writes && model.options.derive) {
        grants.execute(&session_id(model, name), everyone.clone());
    }
    viewer_fields.into_iter().for_each(|field| helpers::viewer_field(model, out, field));
    let looked_up = needs.iter().filter(|(_, need)| need.is_looked_up && model.options.derive);
    for name in looked_up.map(|(name, _)| name) {
        helpers::looked_up(model, out, name);
        grants.execute(&looked_up_id(model, name), everyone.clone());
    }
    grants.declared(model);
    found.asks.iter().for_each(|query| out.diagnostics.extend(grants.refuses(model, query)));
    grants.finish(model, out);
    owners(model, out);
    forced::check(model, out);
}

/// Says whose an object is, where it is not the role's that applies.
fn owners(model: &Model, out: &mut Output) {
    for ownership in &model.owners {
        let id = match &ownership.of {
            Owned::Object(object) => grants::object_id(model, object),
            Owned::Partition(entity, part) => {
                let name = &model.entity(*entity).partitions[*part].name;
                Some(ObjectId::new(Kind::Table, name.schema.clone(), name.name.clone()))
            }
        };
        // What the platform has and the catalog lacks is not ours to give.
        if let Some(entry) = id.and_then(|id| out.catalog.get_mut(&id)) {
            entry.owner = Some(ownership.role.clone());
        }
    }
}

/// A table that a plain query of a rule reads with the rights of these roles.
struct Asks {
    table: EntityId,
    rule: SmolStr,
    span: specc_diag::Span,
    roles: Vec<SmolStr>,
}

/// What rules ask for.
#[derive(Default)]
struct Found {
    lookups: Vec<Lookup>,
    reads: Vec<(EntityId, EntityId, specc_diag::Span)>,
    asks: Vec<Asks>,
    viewer_fields: Vec<FieldIx>,
    /// Functions, and the roles as which they are called.
    calls: Vec<(ObjectId, Vec<SmolStr>)>,
    /// Names that two helpers would have.
    shared: Vec<ObjectId>,
}

impl Rules {
    /// Takes over what came of the rules of one entity.
    fn add(&mut self, model: &Model, lowered: Lowered) {
        self.entries.extend(lowered.entries);
        self.diagnostics.extend(lowered.diagnostics);
        self.found.lookups.extend(lowered.found.lookups);
        self.found.reads.extend(lowered.found.reads);
        self.found.asks.extend(lowered.found.asks);
        self.found.viewer_fields.extend(lowered.found.viewer_fields);
        self.found.calls.extend(lowered.found.calls);
        self.found.shared.extend(lowered.found.shared);
        self.found.shared.extend(self.helpers.merge(lowered.helpers));
        for (entity, role, command, columns) in lowered.accesses {
            self.grants.access(model.entity(entity), role, command.word(), columns);
        }
    }
}

/// Those who may write at all: the roles of the API, and those that the spec makes beside them.
fn everyone_at_the_api(model: &Model) -> Vec<SmolStr> {
    match model.options.target {
        Target::Supabase => {
            let mut roles = ["anon", "authenticated", "service_role"].map(SmolStr::new).to_vec();
            let made = model.roles.iter().filter(|role| !role.external).map(|role| role.name.clone());
            roles.extend(made.filter(|name| !["anon", "authenticated", "service_role"].contains(&name.as_str())));
            roles
        }
        Target::Postgres | Target::Citus => vec!["public".into()],
    }
}

fn storage_objects(model: &Model) -> Option<&Entity> {
    model.entities.iter().find(|e| e.name.schema == "storage" && e.name.name == "objects")
}

/// Who asks for one of the functions that say who is asking.
#[derive(Clone, Copy, Default)]
struct Need {
    /// Besides policies, for which it is known who calls: a default, a view, a function with the caller's rights.
    by_whoever_writes: bool,
    /// Its name is looked up as whoever writes: a body that is text is read when it runs.
    is_looked_up: bool,
}

/// Of each of these functions, by its name.
fn session_needs(model: &Model, out: &Output) -> BTreeMap<SmolStr, Need> {
    let fields = model.viewer.iter().flat_map(|id| &model.entity(*id).fields);
    let fields = fields.map(|field| SmolStr::from(format!("viewer_{}", field.name)));
    let names = ["viewer_id", "claims"].map(SmolStr::new).into_iter().chain(fields);
    let ids: FxHashMap<ObjectId, SmolStr> = names.map(|name| (session_id(model, &name), name)).collect();
    let mut needs: BTreeMap<SmolStr, Need> = BTreeMap::new();
    for (_, entry) in out.catalog.iter() {
        let (by_whoever_writes, is_looked_up) = match &entry.object {
            Object::Function(f) => (!f.security_definer, !f.security_definer && !f.body.is_atomic()),
            Object::Table(_) | Object::Trigger(_) | Object::View(_) => (true, false),
            _ => (false, false),
        };
        for name in entry.depends.iter().filter_map(|dependency| ids.get(&dependency.on)) {
            let need = needs.entry(name.clone()).or_default();
            need.by_whoever_writes |= by_whoever_writes;
            need.is_looked_up |= is_looked_up;
        }
    }
    needs
}

/// The id of an entity's table.
fn table_id(entity: &Entity) -> specc_catalog::ObjectId {
    specc_catalog::ObjectId::new(Kind::Table, entity.name.schema.clone(), entity.name.name.clone())
}
