//! What several pages ask for, looked up once.

use crate::{AcceptedWarning, Options, text};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Entry, Function, Index, Object, TableName, Trigger};
use specc_model::effective::{self, Decision, Effective};
use specc_model::{
    Base, Entity, EntityId, Field, FieldIx, Meta, Model, Relation, RelationId, RuleAction, Target, View,
};
use specc_types::{Api, RelationKind, Rights, Through};

/// Entities that one file of the spec declares.
pub struct Area {
    pub name: SmolStr,
    /// Of its page.
    pub path: String,
    pub entities: Vec<EntityId>,
}

/// The role that the platform's servers use.
pub const SERVICE: &str = "service_role";

/// A role as a column of the access matrix.
pub struct RoleColumn<'a> {
    pub name: SmolStr,
    /// It is a role of the database, not what stands for all of them where the spec names none.
    pub is_named: bool,
    /// Itself, the roles whose rights it has, and `public`.
    pub acts_as: Vec<SmolStr>,
    /// Row level security does not hold it up.
    pub bypasses: bool,
    /// What is granted to it.
    pub rights: Rights<'a>,
    /// Of its page.
    pub path: String,
}

/// Objects of the catalog that belong to one table.
#[derive(Default)]
pub struct TableObjects<'a> {
    /// Each with its comment.
    pub indexes: Vec<(&'a Index, Option<&'a str>)>,
    pub triggers: Vec<&'a Trigger>,
    /// Grantee, privilege, columns.
    pub grants: Vec<(&'a SmolStr, &'a SmolStr, &'a [SmolStr])>,
}

/// A model with what is needed to write about it.
pub struct Book<'a> {
    pub model: &'a Model,
    pub catalog: &'a Catalog,
    pub project: SmolStr,
    pub accepted: &'a [AcceptedWarning],
    /// The project's own entities, in the model's order.
    pub own: Vec<EntityId>,
    /// Entities of the platform that own ones refer to.
    pub foreign: Vec<EntityId>,
    pub areas: Vec<Area>,
    /// The roles that have a page; the service's is the last.
    roles: Vec<RoleColumn<'a>>,
    /// The columns of tables and views, each with whether it can be written.
    columns: FxHashMap<TableName, Vec<(SmolStr, bool)>>,
    shown: FxHashMap<TableName, specc_types::Relation>,
    entities: FxHashMap<TableName, EntityId>,
    views: FxHashMap<TableName, &'a View>,
    /// What the own views ask of who reads them.
    through: FxHashMap<TableName, Through>,
    routines: FxHashMap<(&'a str, &'a str), Vec<&'a Function>>,
    paths: FxHashMap<EntityId, String>,
    labels: Vec<String>,
    area_of: FxHashMap<EntityId, usize>,
    tables: FxHashMap<TableName, TableObjects<'a>>,
    nothing: TableObjects<'a>,
    /// Rows by environment, for each entity.
    pub seeds: FxHashMap<EntityId, Vec<(SmolStr, usize)>>,
    /// Webhooks and published tables by entity.
    pub webhooks: FxHashMap<EntityId, Vec<usize>>,
    pub realtime: FxHashMap<EntityId, Vec<usize>>,
    /// Columns that are (part of) a reference.
    references: FxHashMap<(EntityId, FieldIx), RelationId>,
}

impl<'a> Book<'a> {
    /// Looks everything up.
    pub fn new(model: &'a Model, catalog: &'a Catalog, options: &'a Options) -> Self {
        // What the API shows is asked for of views only.
        let has_views = catalog.iter().any(|(_, entry)| matches!(entry.object, Object::View(_)));
        let api = has_views.then(|| Api::new(catalog, &options.around));
        Self::over(model, catalog, options, api.as_ref())
    }

    /// Looks everything up where what the API shows of the catalog is there already, if there are views.
    pub fn over(model: &'a Model, catalog: &'a Catalog, options: &'a Options, api: Option<&Api<'a>>) -> Self {
        let own: Vec<EntityId> = model.entities.iter().filter(|e| !e.external).map(|e| e.id).collect();
        let relations = model.relations.iter().filter(|relation| !model.entity(relation.from).external);
        let mut foreign: Vec<EntityId> = relations.map(|relation| relation.to).collect();
        foreign.retain(|id| model.entity(*id).external);
        foreign.sort_unstable();
        foreign.dedup();
        let mut references = FxHashMap::default();
        for relation in &model.relations {
            for &field in &relation.fields {
                references.entry((relation.from, field)).or_insert(relation.id);
            }
        }
        let mut seeds: FxHashMap<EntityId, Vec<(SmolStr, usize)>> = FxHashMap::default();
        for set in &model.seeds {
            for row in &set.rows {
                let counts = seeds.entry(row.entity).or_default();
                let n = row.count.map_or(1, |n| n as usize);
                match counts.last_mut().filter(|(env, _)| *env == set.env) {
                    Some((_, count)) => *count += n,
                    None => counts.push((set.env.clone(), n)),
                }
            }
        }
        let mut webhooks: FxHashMap<EntityId, Vec<usize>> = FxHashMap::default();
        model.webhooks.iter().enumerate().for_each(|(n, w)| webhooks.entry(w.entity).or_default().push(n));
        let mut realtime: FxHashMap<EntityId, Vec<usize>> = FxHashMap::default();
        model.realtime.iter().enumerate().for_each(|(n, r)| realtime.entry(r.entity).or_default().push(n));
        let mut taken = Taken::default();
        let paths = own.iter().map(|id| {
            let name = text::file_name(&text::short(model, &model.entity(*id).name));
            (*id, taken.path("entities/", &name))
        });
        let paths = paths.collect();
        let areas = areas(model, &own);
        let area_of =
            areas.iter().enumerate().flat_map(|(n, area)| area.entities.iter().map(move |id| (*id, n))).collect();
        let views =
            api.map(Api::relations).unwrap_or_default().iter().filter(|shown| shown.kind != RelationKind::Table);
        let shown = views.map(|shown| (shown.name.clone(), shown.clone())).collect();
        let through = |view: &View| Some((view_name(view), api?.through(&view_name(view))));
        let through = model.views.iter().filter_map(through).collect();
        Self {
            model,
            catalog,
            accepted: &options.accepted,
            project: if options.project.is_empty() { "Schema".into() } else { options.project.clone() },
            areas,
            area_of,
            own,
            foreign,
            roles: roles(model, catalog),
            columns: columns(catalog, &shown),
            shown,
            entities: model.entities.iter().map(|e| (table_name(e), e.id)).collect(),
            views: model.views.iter().map(|view| (view_name(view), view)).collect(),
            through,
            routines: routines(catalog),
            paths,
            labels: model.entities.iter().map(|entity| text::short(model, &entity.name)).collect(),
            tables: tables(catalog),
            nothing: TableObjects::default(),
            seeds,
            webhooks,
            realtime,
            references,
        }
    }

    /// The entity's name, with its schema where that is not the default one.
    pub fn label(&self, id: EntityId) -> &str {
        &self.labels[id.0 as usize]
    }

    /// The area of an entity.
    pub fn area(&self, id: EntityId) -> Option<&Area> {
        self.area_of.get(&id).map(|n| &self.areas[*n])
    }

    /// The path of an entity's page.
    pub fn path(&self, id: EntityId) -> String {
        self.paths.get(&id).cloned().unwrap_or_default()
    }

    /// A link to an entity's page from a page in the folder that `up` leads out of; only its name where it has no page.
    pub fn link(&self, id: EntityId, up: &str) -> String {
        let label = text::code(self.label(id));
        match self.paths.get(&id) {
            Some(path) if up == "here" => ["[", &label, "](", path.trim_start_matches("entities/"), ")"].concat(),
            Some(path) => ["[", &label, "](", up, path, ")"].concat(),
            None => label,
        }
    }

    /// What the catalog has for an entity's table.
    pub fn objects(&self, entity: &Entity) -> &TableObjects<'a> {
        let name = TableName::new(entity.name.schema.clone(), entity.name.name.clone());
        self.tables.get(&name).unwrap_or(&self.nothing)
    }

    /// The name of an entity's table.
    pub fn table(&self, id: EntityId) -> TableName {
        table_name(self.model.entity(id))
    }

    /// The entity that has this table.
    pub fn entity_of(&self, table: &TableName) -> Option<&'a Entity> {
        self.entities.get(table).map(|id| self.model.entity(*id))
    }

    /// The columns of a table or view by name, each with whether it can be written.
    pub fn columns_of(&self, name: &TableName) -> Option<&[(SmolStr, bool)]> {
        self.columns.get(name).map(Vec::as_slice)
    }

    /// A view, as programs see it.
    pub fn shown(&self, view: &TableName) -> Option<&specc_types::Relation> {
        self.shown.get(view)
    }

    /// The project's own views.
    pub fn own_views(&self) -> impl Iterator<Item = &'a View> {
        self.model.views.iter().filter(|view| is_own(&view.meta))
    }

    /// Whether a role reads a view: it has the right, and all rights that the view asks of who reads it.
    pub fn reads(&self, role: &RoleColumn<'_>, view: &View) -> bool {
        let name = view_name(view);
        let open = |(on, column): &(TableName, Option<SmolStr>)| {
            let granted = role.rights.columns(on, "select");
            column.as_ref().map_or(!granted.is_empty(), |column| granted.has(column))
        };
        let asked = self.through.get(&name);
        !role.rights.columns(&name, "select").is_empty() && asked.is_none_or(|asked| asked.relations.iter().all(open))
    }

    /// The view of this name.
    pub fn view_of(&self, name: &TableName) -> Option<&'a View> {
        self.views.get(name).copied()
    }

    /// The project's own functions.
    pub fn own_functions(&self) -> impl Iterator<Item = &'a specc_model::Function> {
        self.model.functions.iter().filter(|function| is_own(&function.meta))
    }

    /// The function of the catalog that one of the model became.
    pub fn routine(&self, function: &specc_model::Function) -> Option<&'a Function> {
        let all = self.routines.get(&(function.name.schema.as_str(), function.name.name.as_str()))?;
        let is = |found: &&&Function| {
            found.params.len() == function.params.len()
                && found.params.iter().zip(&function.params).all(|(found, param)| {
                    let named = param.ty.declared(self.model).map(|name| &name.name);
                    let builtin = match &param.ty.base {
                        Base::Builtin(name) => Some(name),
                        _ => None,
                    };
                    found.name == param.name && named.or(builtin).is_none_or(|name| *name == found.ty.name)
                })
        };
        all.iter().find(is).copied()
    }

    /// The default of a field, and the domain that brings it.
    pub fn default(&self, field: &'a Field) -> Option<(&'a str, Option<&'a str>)> {
        if let Some(default) = &field.default {
            return Some((&default.text, None));
        }
        let Base::Domain(id) = field.ty.base else { return None };
        let domain = &self.model.domains[id.0 as usize];
        domain
            .default
            .as_ref()
            .filter(|_| field.ty.dims == 0)
            .map(|text| (text.text.as_str(), Some(&*domain.name.name)))
    }

    /// Whether the project is for Supabase.
    pub fn is_supabase(&self) -> bool {
        self.model.options.target == Target::Supabase
    }

    /// The role that writes rows past all rules: the service's, or whoever owns the tables.
    pub fn writer(&self) -> SmolStr {
        SmolStr::new_static(if self.is_supabase() { SERVICE } else { "owner" })
    }

    /// The reference that a column is, or is part of.
    pub fn reference(&self, entity: EntityId, field: FieldIx) -> Option<&'a Relation> {
        self.references.get(&(entity, field)).map(|id| self.model.relation(*id))
    }

    /// The columns' names, as code, joined.
    pub fn columns(&self, entity: &Entity, fields: &[FieldIx]) -> String {
        fields.iter().map(|f| text::code(&entity.fields[*f].name)).collect::<Vec<_>>().join(", ")
    }

    /// What decides about an action of a role, if anything lets it in.
    pub fn decision(&self, entity: &'a Entity, role: &RoleColumn<'_>, action: RuleAction) -> Option<Decision<'a>> {
        Effective::decision(self.model, entity, &role.acts_as, action)
    }

    /// Whether a drawing of everything is of use: nobody reads one of more entities than this.
    pub fn is_drawn_whole(&self) -> bool {
        self.own.len() <= 500
    }

    /// The roles that have a page: those of the matrix, then the service's.
    pub fn roles_of_pages(&self) -> &[RoleColumn<'a>] {
        &self.roles
    }

    /// The roles that the matrix has a column for: without the service's.
    pub fn roles(&self) -> &[RoleColumn<'a>] {
        let service = self.roles.last().is_some_and(|role| role.name == SERVICE);
        &self.roles[..self.roles.len() - usize::from(service)]
    }

    /// `anon` and `authenticated` where rules name nobody.
    pub fn everyone(&self) -> &'static str {
        match self.model.options.target {
            Target::Supabase => "everyone who reaches the API",
            Target::Postgres | Target::Citus => "every role",
        }
    }
}

/// Names of files that are taken, whatever their capitals, with the last number behind each.
#[derive(Default)]
pub struct Taken(FxHashMap<String, usize>);

impl Taken {
    /// Takes the name of a page that the folder has anyway.
    pub fn reserve(&mut self, name: &str) {
        self.0.insert(name.to_lowercase(), 1);
    }

    /// The path of a page: that of its name, or with the first number that nobody has yet.
    pub fn path(&mut self, folder: &str, name: &str) -> String {
        let first = name.to_lowercase();
        let mut stem = name.to_owned();
        if let Some(mut number) = self.0.get(&first).copied() {
            while self.0.contains_key(&stem.to_lowercase()) {
                number += 1;
                stem = format!("{name}-{number}");
            }
            self.0.insert(first, number);
        }
        self.0.insert(stem.to_lowercase(), 1);
        format!("{folder}{stem}.md")
    }
}

fn areas(model: &Model, own: &[EntityId]) -> Vec<Area> {
    let mut places: FxHashMap<SmolStr, usize> = FxHashMap::default();
    let mut areas: Vec<Area> = Vec::new();
    let mut taken = Taken::default();
    for &id in own {
        let name = &model.entity(id).meta.area;
        let place = *places.entry(name.clone()).or_insert_with(|| {
            let shown = if name.is_empty() { "main" } else { name.as_str() };
            let path = taken.path("erd/", &text::file_name(shown));
            areas.push(Area { name: shown.into(), path, entities: Vec::new() });
            areas.len() - 1
        });
        areas[place].entities.push(id);
    }
    areas
}

/// Neither from the library nor from the platform.
pub fn is_own(meta: &Meta) -> bool {
    !matches!(meta.area.as_str(), "std" | "platform")
}

fn table_name(entity: &Entity) -> TableName {
    TableName::new(entity.name.schema.clone(), entity.name.name.clone())
}

/// The name of a view as a relation.
pub fn view_name(view: &View) -> TableName {
    TableName::new(view.name.schema.clone(), view.name.name.clone())
}

fn routines(catalog: &Catalog) -> FxHashMap<(&str, &str), Vec<&Function>> {
    let mut all: FxHashMap<(&str, &str), Vec<&Function>> = FxHashMap::default();
    for (_, entry) in catalog.iter() {
        if let Object::Function(function) = &entry.object {
            all.entry((function.schema.as_str(), function.name.as_str())).or_default().push(function);
        }
    }
    all
}

/// The columns of the catalog's tables, and of the views.
fn columns(
    catalog: &Catalog,
    views: &FxHashMap<TableName, specc_types::Relation>,
) -> FxHashMap<TableName, Vec<(SmolStr, bool)>> {
    let of_table = |entry: &Entry| match &entry.object {
        Object::Table(table) => Some((table.table.clone(), specc_types::columns_of(catalog, &table.table))),
        _ => None,
    };
    let of_view = |(name, view): (&TableName, &specc_types::Relation)| {
        (name.clone(), view.columns.iter().map(|column| (column.name.clone(), column.written)).collect())
    };
    catalog.iter().filter_map(|(_, entry)| of_table(entry)).chain(views.iter().map(of_view)).collect()
}

/// The roles that the matrix has a column for: those of the API, then those that a rule, grant or view names; and the
/// service's.
fn roles<'a>(model: &Model, catalog: &'a Catalog) -> Vec<RoleColumn<'a>> {
    let mut names: Vec<SmolStr> = Vec::new();
    let mut add = |name: &SmolStr| {
        if name != "public" && name != SERVICE && !names.contains(name) {
            names.push(name.clone());
        }
    };
    match model.options.target {
        Target::Supabase => ["anon", "authenticated"].iter().for_each(|name| add(&SmolStr::new(name))),
        Target::Postgres | Target::Citus => {}
    }
    let mut named: Vec<&SmolStr> = model.entities.iter().flat_map(|e| &e.rules).flat_map(|r| &r.roles).collect();
    named.extend(model.grants.iter().flat_map(|grant| &grant.roles));
    named.extend(model.roles.iter().filter(|role| !role.external).map(|role| &role.name));
    named.sort_unstable();
    named.dedup();
    named.into_iter().for_each(&mut add);
    let is_named = !names.is_empty();
    if !is_named {
        names.push("every role".into());
    }
    if model.options.target == Target::Supabase {
        names.push(SmolStr::new_static(SERVICE));
    }
    let mut taken = Taken::default();
    let column = |name: SmolStr| {
        let acts_as = effective::acts_as(model, &name);
        let bypasses = effective::bypasses(model, &name);
        let path = taken.path("roles/", &text::file_name(&name));
        RoleColumn { rights: Rights::of(catalog, &name), name, is_named, acts_as, bypasses, path }
    };
    names.into_iter().map(column).collect()
}

fn tables(catalog: &Catalog) -> FxHashMap<TableName, TableObjects<'_>> {
    let mut tables: FxHashMap<TableName, TableObjects<'_>> = FxHashMap::default();
    for (_, entry) in catalog.iter() {
        match &entry.object {
            Object::Index(index) => {
                tables.entry(index.table.clone()).or_default().indexes.push((index, entry.comment.as_deref()))
            }
            Object::Trigger(trigger) => tables.entry(trigger.table.clone()).or_default().triggers.push(trigger),
            Object::Grant(grant) if grant.on.kind == specc_catalog::Kind::Table => {
                let table = TableName::new(grant.on.schema.clone(), grant.on.name.clone());
                let grants = &mut tables.entry(table).or_default().grants;
                grants.extend(grant.privileges.iter().map(|p| (&grant.to, &p.name, p.columns.as_slice())));
            }
            _ => {}
        }
    }
    tables
}
