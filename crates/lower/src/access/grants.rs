//! Grants: what the rules allow and nothing else, then what the spec grants or revokes in so many words.

use super::{Asks, defaults, table_id};
use crate::Output;
use crate::structure::table_of;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Dependency, Entry, Grant, Kind, ObjectId, Privilege, sequence_of};
use specc_diag::{Diagnostic, codes};
use specc_model::effective::{PUBLIC, acts_as};
use specc_model::{Entity, Model, Object, Owned, RuleAction, Target};
use std::collections::BTreeSet;

/// Columns that a privilege is limited to; `None` is the whole object.
type Columns = Option<BTreeSet<SmolStr>>;

/// A privilege that a grantee has.
struct Given {
    privilege: SmolStr,
    columns: Columns,
    grantable: bool,
}

/// Privileges by object and grantee.
#[derive(Default)]
pub(super) struct Grants {
    all: FxHashMap<(ObjectId, SmolStr), Vec<Given>>,
    areas: FxHashMap<ObjectId, SmolStr>,
    /// The sequences of identity columns, and their tables.
    tables: FxHashMap<ObjectId, ObjectId>,
    /// Schemas that the spec grants something on in so many words.
    schemas: BTreeSet<ObjectId>,
}

impl Grants {
    fn add(&mut self, on: ObjectId, to: SmolStr, privilege: &str, columns: &[SmolStr], grantable: bool) {
        let privileges = self.all.entry((on, to)).or_default();
        let new: Columns = (!columns.is_empty()).then(|| columns.iter().cloned().collect());
        match privileges.iter_mut().find(|given| given.privilege == privilege) {
            Some(given) => {
                given.columns = given.columns.take().zip(new).map(|(old, new)| &old | &new);
                given.grantable |= grantable;
            }
            None => privileges.push(Given { privilege: privilege.into(), columns: new, grantable }),
        }
    }

    /// A command that rules open to a role, on these columns or on all.
    pub fn access(&mut self, entity: &Entity, role: SmolStr, command: &str, columns: Option<Vec<SmolStr>>) {
        let id = table_id(entity);
        self.areas.insert(id.clone(), entity.meta.area.clone());
        match columns {
            Some(columns) if columns.is_empty() => {}
            columns => self.add(id, role, command, &columns.unwrap_or_default(), false),
        }
    }

    /// The right to call a function, or to read a view.
    pub fn execute(&mut self, on: &ObjectId, roles: Vec<SmolStr>) {
        for role in roles {
            let privilege = if on.kind == Kind::View { "select" } else { "execute" };
            self.add(on.clone(), role, privilege, &[], false);
        }
    }

    /// The right to look up what a schema has.
    pub fn usage(&mut self, schema: &SmolStr, role: SmolStr) {
        self.add(ObjectId::new(Kind::Schema, "", schema.clone()), role, "usage", &[], false);
    }

    /// The service role's full access, views and functions with `to`, and `grant` and `revoke` items.
    pub fn declared(&mut self, model: &Model) {
        let supabase = model.options.target == Target::Supabase && model.options.derive;
        let helper_schema = &model.options.helper_schema;
        if supabase {
            for entity in model.entities.iter().filter(|e| !e.external && e.name.schema != *helper_schema) {
                let id = table_id(entity);
                self.areas.insert(id.clone(), entity.meta.area.clone());
                for action in [RuleAction::Select, RuleAction::Insert, RuleAction::Update, RuleAction::Delete] {
                    self.add(id.clone(), "service_role".into(), action.word(), &[], false);
                }
            }
        }
        for view in &model.views {
            let id = ObjectId::new(Kind::View, view.name.schema.clone(), view.name.name.clone());
            self.areas.insert(id.clone(), view.meta.area.clone());
            let mut roles = view.roles.clone();
            if supabase && view.name.schema != *helper_schema {
                roles.push("service_role".into());
            }
            roles.into_iter().for_each(|role| self.add(id.clone(), role, "select", &[], false));
        }
        for (at, function) in model.functions.iter().enumerate() {
            let Some(id) = object_id(model, &Object::Function(at)) else { continue };
            self.areas.insert(id.clone(), function.meta.area.clone());
            let is_trigger = matches!(&function.returns, Some(specc_model::Returns::Pseudo(p)) if p == "trigger");
            let mut roles = function.roles.clone();
            if supabase && function.name.schema != *helper_schema && !is_trigger {
                roles.push("service_role".into());
            }
            self.execute(&id, roles);
        }
        for grant in &model.grants {
            let Some(id) = object_id(model, &grant.object) else { continue };
            if let Object::Identity(entity, _) = &grant.object {
                self.tables.insert(id.clone(), table_id(model.entity(*entity)));
            }
            if let Object::Schema(_) = &grant.object {
                self.schemas.insert(id.clone());
            }
            for role in grantees(&grant.roles) {
                for (privilege, columns) in &grant.privileges {
                    for privilege in expand(id.kind, privilege) {
                        if grant.revoke {
                            self.revoke(&id, &role, privilege);
                        } else {
                            self.add(id.clone(), role.clone(), privilege, columns, grant.grant_option);
                        }
                    }
                }
            }
        }
    }

    /// That a query of a rule fails, since the roles that ask it may not read its table.
    pub fn refuses(&self, model: &Model, query: &Asks) -> Option<Diagnostic> {
        let entity = model.entity(query.table);
        let table = table_id(entity);
        let owner = model.owners.iter().find(|owned| owned.of == Owned::Object(Object::Entity(query.table)));
        let reads = |role: &SmolStr| {
            let given = self.all.get(&(table.clone(), role.clone())).into_iter().flatten();
            given.into_iter().any(|given| given.privilege == "select") || owner.is_some_and(|owned| owned.role == *role)
        };
        // Of all who are asked for as `public`, some may.
        let may =
            |role: &&SmolStr| *role == PUBLIC || is_superuser(model, role) || acts_as(model, role).iter().any(reads);
        let refused: Vec<String> =
            query.roles.iter().filter(|role| !may(role)).map(|role| format!("`{role}`")).collect();
        if entity.external || refused.is_empty() {
            return None;
        }
        let name = &entity.name.name;
        let message = format!("rule `{}` asks `{name}`, which {} may not read", query.rule, refused.join(" and "));
        let help = format!(
            "write `exists path (…)`, which is asked with the owner's rights, or `allow select` on `{name}` to those roles"
        );
        Some(Diagnostic::new(codes::QUERY_WITHOUT_GRANT, query.span, message).help(help))
    }

    fn revoke(&mut self, on: &ObjectId, from: &SmolStr, privilege: &str) {
        if let Some(privileges) = self.all.get_mut(&(on.clone(), from.clone())) {
            privileges.retain(|given| given.privilege != privilege);
        }
    }

    /// Puts all into the catalog, with the use of each schema that a grantee reaches into.
    pub fn finish(mut self, model: &Model, out: &mut Output) {
        let open = ["public", "pg_catalog"];
        let reached: BTreeSet<_> = self
            .all
            .keys()
            .filter(|_| model.options.derive)
            .filter(|(on, _)| !on.schema.is_empty() && !open.contains(&on.schema.as_str()))
            .filter(|(on, _)| on.schema != model.options.helper_schema)
            .map(|(on, to)| (on.schema.clone(), to.clone()))
            .collect();
        for (schema, to) in reached {
            self.usage(&schema, to);
        }
        let mut all: Vec<_> = self.all.into_iter().collect();
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for ((on, to), mut privileges) in all {
            // What the platform has and the catalog lacks is not ours to grant; every database has `public`.
            let table = self.tables.get(&on).filter(|table| out.catalog.contains(table));
            let is_public = on.name == "public" && self.schemas.contains(&on);
            if table.is_none() && !is_public && !out.catalog.contains(&on) {
                continue;
            }
            let table = table.cloned();
            privileges.sort_by(|a, b| a.privilege.cmp(&b.privilege));
            let privileges: Vec<_> = privileges
                .into_iter()
                .map(|given| Privilege {
                    name: given.privilege,
                    columns: given.columns.into_iter().flatten().collect(),
                    grantable: given.grantable,
                })
                .collect();
            if privileges.is_empty() {
                continue;
            }
            let area = self.areas.get(&on).cloned().unwrap_or_default();
            let mut entry = Entry::new(Grant { on, to, privileges });
            entry.area = area;
            entry
                .depends
                .extend(table.map(|table| Dependency::new(table, "an identity column of it makes the sequence")));
            out.add(model, entry);
        }
        out.catalog.default_grantees = defaults::grantees(model);
    }
}

/// Roles as grantees: none given means everyone.
fn grantees(roles: &[SmolStr]) -> Vec<SmolStr> {
    if roles.is_empty() { vec!["public".into()] } else { roles.to_vec() }
}

/// Whether no grant is asked of the role.
fn is_superuser(model: &Model, role: &str) -> bool {
    model.roles.iter().any(|other| other.name == role && other.options.iter().any(|option| option == "superuser"))
}

/// `all` in so many words.
fn expand(kind: Kind, privilege: &str) -> Vec<&str> {
    if privilege != "all" {
        return vec![privilege];
    }
    let kind = match kind {
        Kind::Table | Kind::View => "table",
        Kind::Sequence => "sequence",
        Kind::Schema => "schema",
        Kind::Function => "function",
        _ => "type",
    };
    specc_facts::privileges(kind).collect()
}

/// The id of something declared.
pub(super) fn object_id(model: &Model, object: &Object) -> Option<ObjectId> {
    let named = |kind, name: &specc_model::Qualified| ObjectId::new(kind, name.schema.clone(), name.name.clone());
    Some(match object {
        Object::Schema(name) => ObjectId::new(Kind::Schema, "", name.clone()),
        Object::Extension(name) => ObjectId::new(Kind::Extension, "", name.clone()),
        Object::Enum(id) => named(Kind::Enum, &model.enums[id.0 as usize].name),
        Object::Domain(id) => named(Kind::Domain, &model.domains[id.0 as usize].name),
        Object::Composite(id) => named(Kind::Composite, &model.composites[id.0 as usize].name),
        Object::Sequence(at) => named(Kind::Sequence, &model.sequences[*at].name),
        Object::Identity(id, field) => {
            let entity = model.entity(*id);
            sequence_of(&table_of(entity), &entity.fields[*field].name)
        }
        Object::Entity(id) => named(Kind::Table, &model.entity(*id).name),
        Object::View(at) => named(Kind::View, &model.views[*at].name),
        Object::Function(at) => {
            let function = &model.functions[*at];
            let inputs = function.params.iter().filter(|p| p.mode != "out");
            let types: Vec<_> = inputs.map(|p| crate::types::data_type(model, &p.ty).to_string()).collect();
            named(Kind::Function, &function.name).part(types.join(", "))
        }
        Object::Sql(_) | Object::Session(_) => return None,
    })
}
