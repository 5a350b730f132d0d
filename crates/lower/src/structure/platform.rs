//! Schemas, extensions and roles; buckets, published tables and jobs; and what only a `sql` block says.

use super::tables::{bare, column_names};
use super::types::table_name;
use super::{Room, depends, names, table_of};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog as catalog;
use specc_catalog::{Catalog, Dependency, Entry, Job, Kind, ObjectId, PublicationTable};
use specc_model::{Qualified, ReplicaIdentity, Target, View};
use specc_split::{Lexer, TokenKind};
use specc_sql::quote;
use specc_syntax::ast::WebhookTarget;

/// The publication that Supabase's realtime server follows; the platform makes it.
const REALTIME: &str = "supabase_realtime";

pub(super) fn schemas(room: &mut Room) {
    let model = room.model;
    for schema in model.schemas.iter().filter(|s| !s.external && s.name != "public") {
        room.declare(catalog::Schema { name: schema.name.clone() }, &schema.meta, Vec::new());
    }
    let default = &model.options.default_schema;
    if *default != "public" && model.schemas.iter().all(|s| s.name != *default) {
        room.out.catalog.insert(Entry::new(catalog::Schema { name: default.clone() }));
    }
}

pub(super) fn extensions(room: &mut Room) {
    let model = room.model;
    for it in &model.extensions {
        let extension = catalog::Extension {
            name: it.name.clone(),
            schema: it.schema.clone().unwrap_or_default(),
            version: it.version.clone(),
        };
        room.declare(extension, &it.meta, Vec::new());
    }
    for (name, schema) in needed_extensions(room) {
        if model.extensions.iter().all(|e| e.name != name) {
            let (name, schema) = (name.into(), schema.into());
            room.out.catalog.insert(Entry::new(catalog::Extension { name, schema, version: None }));
        }
    }
}

/// What schedules and webhooks run on, whether or not the author remembered it.
fn needed_extensions(room: &Room) -> Vec<(&'static str, &'static str)> {
    let model = room.model;
    let mut needed = Vec::new();
    if model.options.target != Target::Supabase || !model.options.derive {
        return needed;
    }
    if !model.schedules.is_empty() || model.views.iter().any(|v| v.refresh.is_some()) {
        needed.push(("pg_cron", ""));
    }
    if !model.webhooks.is_empty() {
        needed.push(("pg_net", "extensions"));
    }
    let secret = |w: &specc_model::Webhook| {
        matches!(w.target, WebhookTarget::EdgeFunction(_)) || w.headers.iter().any(|(_, _, secret)| *secret)
    };
    if model.webhooks.iter().any(secret) {
        needed.push(("supabase_vault", "vault"));
    }
    needed
}

pub(super) fn roles(room: &mut Room) {
    let model = room.model;
    for it in model.roles.iter().filter(|r| !r.external) {
        let (mut options, mut member_of) = (it.options.clone(), it.member_of.clone());
        options.sort();
        member_of.sort();
        room.declare(catalog::Role { name: it.name.clone(), options, member_of }, &it.meta, Vec::new());
    }
}

pub(super) fn storage_and_realtime(room: &mut Room) {
    let model = room.model;
    for it in &model.buckets {
        let bucket = catalog::Bucket {
            id: it.name.clone(),
            public: it.public,
            size_limit: it.size,
            mime_types: it.mime.clone(),
        };
        room.declare(bucket, &it.meta, Vec::new());
    }
    for it in &model.realtime {
        let entity = model.entity(it.entity);
        let mut entry = Entry::new(PublicationTable {
            publication: REALTIME.into(),
            table: table_of(entity),
            columns: column_names(entity, &it.columns),
            filter: it.filter.as_deref().map(|f| bare(model, entity.id, f)),
        });
        entry.depends = it.filter.iter().flat_map(|f| room.lookup.of_expr(model, f)).collect();
        entry.area = entity.meta.area.clone();
        room.add(entry, it.span);
    }
}

/// Schedules, and the refreshing of materialized views.
pub(super) fn jobs(room: &mut Room) {
    let model = room.model;
    let cron = Dependency::new(ObjectId::new(Kind::Extension, "", "pg_cron"), "it runs the job");
    for it in &model.schedules {
        let mut depends = depends::declared(model, &it.depends, "the job uses it");
        depends.push(cron.clone());
        let command = it.command.trim().into();
        room.declare(Job { name: it.name.clone(), schedule: it.cron.clone(), command }, &it.meta, depends);
    }
    for view in &model.views {
        let Some(schedule) = view.refresh.clone() else {
            continue;
        };
        let name = refresh_name(&model.options.default_schema, &view.name);
        let view_id = ObjectId::new(Kind::View, view.name.schema.clone(), view.name.name.clone());
        let mut depends = vec![cron.clone(), Dependency::new(view_id, "the job refreshes it")];
        // `concurrently` would fail without its index, which is an object of its own.
        depends.extend(unique_indexes(view).map(|index| {
            let id = ObjectId::new(Kind::Index, view.name.schema.clone(), index.name.clone());
            Dependency::new(id, "refreshing without blocking readers needs it")
        }));
        let mut meta = view.meta.clone();
        meta.doc = None;
        room.declare(Job { name, schedule, command: refresh_command(view) }, &meta, depends);
    }
}

fn refresh_name(default_schema: &SmolStr, view: &Qualified) -> SmolStr {
    if view.schema == *default_schema {
        names::joined(&["refresh", &view.name])
    } else {
        names::joined(&["refresh", &view.schema, &view.name])
    }
}

/// Readers are not blocked where Postgres can do without: the view has rows from the start and tells them apart.
fn refresh_command(view: &View) -> SmolStr {
    let table = table_name(&view.name);
    let name = quote::qualified(&table.schema, &table.name);
    let concurrently = if !view.no_data && unique_indexes(view).next().is_some() { "concurrently " } else { "" };
    format!("refresh materialized view {concurrently}{name}").into()
}

fn unique_indexes(view: &View) -> impl Iterator<Item = &specc_model::Index> {
    view.indexes.iter().filter(|index| {
        let columns = index.elements.iter().all(|e| match &e.on {
            specc_model::On::Field(_) => true,
            specc_model::On::Expr(expr) => matches!(&expr.formula.node, specc_model::formula::Node::Name(_)),
        });
        index.unique && index.filter.is_none() && columns
    })
}

/// What is said of an index and has no place in the catalog: a block, as one that is read from a database.
fn replica_identities(room: &mut Room) {
    let model = room.model;
    for (_, entity) in super::own(model) {
        let Some(ReplicaIdentity::Index { name, span }) = &entity.replica_identity else { continue };
        let table = super::table_of(entity);
        let constraint = entity.key.as_ref().is_some_and(|key| key.name == *name)
            || entity.uniques.iter().any(|unique| unique.name == *name && !unique.is_index());
        let on = match constraint {
            true => table.part(Kind::Constraint, name.clone()),
            false => ObjectId::new(Kind::Index, table.schema.clone(), name.clone()),
        };
        let alter = format!("alter table {} replica identity", quote::qualified(&table.schema, &table.name));
        let mut entry = Entry::new(catalog::Sql {
            name: format!("replica identity {}.{name}", table.schema).into(),
            up: format!("{alter} using index {};", quote::ident(name)).into(),
            down: Some(format!("{alter} default;").into()),
            last: false,
            provides: Vec::new(),
        });
        entry.depends.push(Dependency::new(on, "it is said of this index"));
        entry.area = entity.meta.area.clone();
        room.add(entry, *span);
    }
}

pub(super) fn sql_blocks(room: &mut Room) {
    replica_identities(room);
    let model = room.model;
    if model.sql_blocks.is_empty() {
        return;
    }
    let parts = parts_by_table(&room.out.catalog);
    for it in &model.sql_blocks {
        let block = catalog::Sql {
            name: it.name.clone(),
            up: it.up.trim().into(),
            down: it.down.as_ref().map(|down| down.trim().into()),
            last: it.after,
            provides: it.provides.iter().map(|(kind, name)| provided(kind, name)).collect(),
        };
        let mut depends = depends::declared(model, &it.depends, "the block says so");
        if block.provides.is_empty() {
            depends.extend(named_parts(&parts, &depends, &block.up));
        }
        room.declare(block, &it.meta, depends);
    }
}

/// Indexes and constraints by their table: they are made after it.
fn parts_by_table(catalog: &Catalog) -> FxHashMap<ObjectId, Vec<ObjectId>> {
    let mut all: FxHashMap<ObjectId, Vec<ObjectId>> = FxHashMap::default();
    for (id, entry) in catalog.iter().filter(|(id, _)| matches!(id.kind, Kind::Index | Kind::Constraint)) {
        if let Some(table) = entry.object.table() {
            all.entry(table.id()).or_default().push(id.clone());
        }
    }
    all
}

/// Those parts of what a block depends on that its text names.
fn named_parts(parts: &FxHashMap<ObjectId, Vec<ObjectId>>, depends: &[Dependency], text: &str) -> Vec<Dependency> {
    let homes = depends.iter().map(|need| ObjectId { kind: Kind::Table, ..need.on.clone() });
    let of_homes: Vec<&ObjectId> = homes.filter_map(|home| parts.get(&home)).flatten().collect();
    if of_homes.is_empty() {
        return Vec::new();
    }
    let names = names_in(text);
    let own = |id: &&ObjectId| names.contains(if id.kind == Kind::Index { id.name.as_str() } else { id.part.as_str() });
    of_homes.into_iter().filter(own).map(|id| Dependency::new(id.clone(), "the block names it")).collect()
}

/// Every identifier of a text, and the words of its literals: a `do` runs what is in one.
fn names_in(text: &str) -> FxHashSet<String> {
    let mut names = FxHashSet::default();
    for token in Lexer::new(text).map_while(Result::ok) {
        names.extend(token.name(text));
        if token.kind == TokenKind::Text {
            let words = text[token.start..token.end].split(|c: char| !c.is_alphanumeric() && c != '_');
            names.extend(words.map(str::to_lowercase));
        }
    }
    names
}

/// What a block makes, by its kind word. A function stands for all of its overloads, a plain `type` for any kind of type.
fn provided(kind: &str, name: &Qualified) -> ObjectId {
    let in_schema = |kind| ObjectId::new(kind, name.schema.clone(), name.name.clone());
    let alone = |kind| ObjectId::new(kind, "", name.name.clone());
    match kind {
        "schema" => alone(Kind::Schema),
        "extension" => alone(Kind::Extension),
        "role" => alone(Kind::Role),
        "publication" => alone(Kind::Publication),
        "job" | "schedule" => alone(Kind::Job),
        "bucket" => alone(Kind::Bucket),
        "enum" => in_schema(Kind::Enum),
        "domain" => in_schema(Kind::Domain),
        "type" | "composite" | "range" => in_schema(Kind::Composite),
        "sequence" => in_schema(Kind::Sequence),
        "index" => in_schema(Kind::Index),
        "view" | "materialized view" => in_schema(Kind::View),
        "function" | "procedure" | "aggregate" => in_schema(Kind::Function),
        "table" | "foreign table" | "entity" => in_schema(Kind::Table),
        _ => ObjectId::new(Kind::Sql, name.schema.clone(), name.name.clone()).part(kind),
    }
}
