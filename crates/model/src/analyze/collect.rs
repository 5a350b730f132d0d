//! Declarations of all files into one namespace.

use super::project::{MixinAt, Project, Seen, check_name, show};
use crate::types::*;
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes};
use specc_syntax::ast::{self, Item, ItemKind};

/// An item and what it declares.
pub(crate) type At<'a, T> = (&'a Item, &'a T);

/// Items by kind, those that lost a fight over a name left out.
#[derive(Debug, Default)]
pub(crate) struct Decls<'a> {
    pub schemas: Vec<At<'a, ast::SchemaDecl>>,
    pub extensions: Vec<At<'a, ast::ExtensionDecl>>,
    pub enums: Vec<At<'a, ast::EnumDecl>>,
    pub domains: Vec<At<'a, ast::DomainDecl>>,
    pub composites: Vec<At<'a, ast::CompositeDecl>>,
    pub sequences: Vec<At<'a, ast::SequenceDecl>>,
    pub entities: Vec<At<'a, ast::EntityDecl>>,
    pub persons: Vec<At<'a, ast::PersonDecl>>,
    pub viewers: Vec<At<'a, ast::ViewerDecl>>,
    pub predicates: Vec<At<'a, ast::PredicateDecl>>,
    pub policies: Vec<At<'a, ast::PolicyBlock>>,
    pub promises: Vec<At<'a, ast::PromiseDecl>>,
    pub scenarios: Vec<At<'a, ast::ScenarioDecl>>,
    pub views: Vec<At<'a, ast::ViewDecl>>,
    pub functions: Vec<At<'a, ast::FunctionDecl>>,
    pub triggers: Vec<At<'a, ast::TriggerDecl>>,
    pub roles: Vec<At<'a, ast::RoleDecl>>,
    pub grants: Vec<At<'a, ast::GrantDecl>>,
    pub owners: Vec<At<'a, ast::OwnerDecl>>,
    pub buckets: Vec<At<'a, ast::BucketDecl>>,
    pub realtime: Vec<At<'a, ast::RealtimeDecl>>,
    pub schedules: Vec<At<'a, ast::ScheduleDecl>>,
    pub webhooks: Vec<At<'a, ast::WebhookDecl>>,
    pub seeds: Vec<At<'a, ast::SeedDecl>>,
    pub sql_blocks: Vec<At<'a, ast::SqlDecl>>,
    pub queries: Vec<At<'a, ast::QueryDecl>>,
    pub sizes: Vec<At<'a, ast::SizeDecl>>,
}

/// What a name is unique among.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Space {
    Type,
    Relation,
    Schema,
    Extension,
    Mixin,
    Predicate,
    Role,
    Bucket,
    Schedule,
    Webhook,
    Sql,
    Query,
}

struct Collector<'a, 'p> {
    project: &'p mut Project<'a>,
    decls: Decls<'a>,
    seen: Seen<(Space, Qualified)>,
    renames: Vec<(Space, Qualified, Span, &'static str)>,
    /// Names of what was called otherwise before: what had such a name may have moved on to another.
    moved: FxHashSet<(Space, Qualified)>,
    out: &'p mut Vec<Diagnostic>,
}

/// Sorts the items of `files` into `Decls` and fills the name tables of `project`.
pub(crate) fn collect<'a>(
    files: &'a [ast::SpecFile],
    project: &mut Project<'a>,
    out: &mut Vec<Diagnostic>,
) -> Decls<'a> {
    let mut all = Collector {
        project,
        decls: Decls::default(),
        seen: Seen::new(),
        renames: Vec::new(),
        moved: FxHashSet::default(),
        out,
    };
    for file in files {
        for item in &file.items {
            all.item(item);
        }
    }
    all.check_renames();
    all.decls
}

impl<'a> Collector<'a, '_> {
    fn item(&mut self, item: &'a Item) {
        match &item.kind {
            ItemKind::Schema(d) => {
                if is_own_schema(&d.name.text) {
                    let message = format!("schema name `{}` is reserved", d.name.text);
                    let help = "choose another name; `pg_…` and `information_schema` are Postgres's own";
                    self.out.push(Diagnostic::new(codes::RESERVED_NAME, d.name.at.0, message).help(help));
                } else if JOURNALS.contains(&d.name.text.as_str()) {
                    let message = format!("schema name `{}` is reserved", d.name.text);
                    let help = "choose another name; the list of what is applied is kept in it";
                    self.out.push(Diagnostic::new(codes::RESERVED_NAME, d.name.at.0, message).help(help));
                }
                if self.plain(Space::Schema, "schema", &d.name, d.was.as_ref()) {
                    self.project.schemas.insert(d.name.text.clone());
                    self.decls.schemas.push((item, d));
                }
            }
            ItemKind::Extension(d) => {
                // the author may declare an extension that the platform has as well
                if self.project.is_shipped(item.at.0) && self.project.extensions.contains_key(&d.name.text) {
                    return;
                }
                if self.plain(Space::Extension, "extension", &d.name, None) {
                    let schema = d.schema.as_ref().map(|s| s.text.clone());
                    self.project.extensions.insert(d.name.text.clone(), schema);
                    self.decls.extensions.push((item, d));
                }
            }
            ItemKind::Enum(d) => {
                if self.in_schema(&[Space::Type], "enum", &d.name, d.was.as_ref()) {
                    let id = Base::Enum(EnumId(self.decls.enums.len() as u32));
                    self.project.types.insert(self.project.qualified(&d.name), id);
                    self.decls.enums.push((item, d));
                }
            }
            ItemKind::Domain(d) => {
                if self.in_schema(&[Space::Type], "domain", &d.name, d.was.as_ref()) {
                    let id = Base::Domain(DomainId(self.decls.domains.len() as u32));
                    self.project.types.insert(self.project.qualified(&d.name), id);
                    self.decls.domains.push((item, d));
                }
            }
            ItemKind::Composite(d) => {
                if self.in_schema(&[Space::Type, Space::Relation], "composite", &d.name, d.was.as_ref()) {
                    let id = Base::Composite(CompositeId(self.decls.composites.len() as u32));
                    self.project.types.insert(self.project.qualified(&d.name), id);
                    self.decls.composites.push((item, d));
                }
            }
            ItemKind::Sequence(d) => {
                if self.in_schema(&[Space::Relation], "sequence", &d.name, d.was.as_ref()) {
                    let object = Object::Sequence(self.decls.sequences.len());
                    self.project.relations.insert(self.project.qualified(&d.name), object);
                    self.decls.sequences.push((item, d));
                }
            }
            ItemKind::Entity(d) => self.entity(item, d),
            ItemKind::Mixin(d) => {
                // a mixin of the author's wins over ours
                if self.project.is_shipped(item.at.0) && self.project.mixins.contains_key(&d.name.text) {
                    return;
                }
                if self.plain(Space::Mixin, "mixin", &d.name, None) {
                    self.project.mixins.insert(d.name.text.clone(), MixinAt { decl: d });
                }
            }
            ItemKind::Person(d) => self.decls.persons.push((item, d)),
            ItemKind::Viewer(d) => self.decls.viewers.push((item, d)),
            ItemKind::Predicate(d) => {
                if self.plain(Space::Predicate, "predicate", &d.name, None) {
                    self.decls.predicates.push((item, d));
                }
            }
            ItemKind::Policy(d) => self.decls.policies.push((item, d)),
            ItemKind::View(d) => {
                if self.in_schema(&[Space::Type, Space::Relation], "view", &d.name, d.was.as_ref()) {
                    let name = self.project.qualified(&d.name);
                    self.project.relations.insert(name.clone(), Object::View(self.decls.views.len()));
                    self.project.types.insert(name.clone(), Base::Named(name));
                    self.decls.views.push((item, d));
                }
            }
            ItemKind::Function(d) => {
                check_name(&d.name.name, self.out);
                let name = self.project.qualified(&d.name);
                self.project.functions.entry(name).or_default().push(self.decls.functions.len());
                self.decls.functions.push((item, d));
            }
            ItemKind::Trigger(d) => self.decls.triggers.push((item, d)),
            ItemKind::Role(d) => {
                if !d.external && (d.name.text.starts_with("pg_") || is_role_word(&d.name.text)) {
                    let message = format!("role name `{}` is reserved", d.name.text);
                    let help = "choose another name; `pg_…`, `public`, `none` and `session_user` are Postgres's own";
                    self.out.push(Diagnostic::new(codes::RESERVED_NAME, d.name.at.0, message).help(help));
                }
                // the author may declare a role that the platform has as well
                if self.project.is_shipped(item.at.0) && self.project.roles.contains(&d.name.text) {
                    return;
                }
                if self.plain(Space::Role, "role", &d.name, d.was.as_ref()) {
                    self.project.roles.insert(d.name.text.clone());
                    self.decls.roles.push((item, d));
                }
            }
            ItemKind::ExternalType(name) => {
                if self.in_schema(&[Space::Type], "type", name, None) {
                    let full = self.project.qualified(name);
                    self.project.external_types.insert(full.clone());
                    self.project.types.insert(full.clone(), Base::Named(full));
                }
            }
            ItemKind::Grant(d) => self.decls.grants.push((item, d)),
            ItemKind::Owner(d) => self.decls.owners.push((item, d)),
            ItemKind::Bucket(d) => {
                if self.plain(Space::Bucket, "bucket", &d.name, None) {
                    self.decls.buckets.push((item, d));
                }
            }
            ItemKind::Realtime(d) => self.decls.realtime.push((item, d)),
            ItemKind::Schedule(d) => {
                if self.plain(Space::Schedule, "schedule", &d.name, None) {
                    self.decls.schedules.push((item, d));
                }
            }
            ItemKind::Webhook(d) => {
                if self.plain(Space::Webhook, "webhook", &d.name, None) {
                    self.decls.webhooks.push((item, d));
                }
            }
            ItemKind::Seed(d) => self.decls.seeds.push((item, d)),
            ItemKind::Sql(d) => self.sql_block(item, d),
            ItemKind::Promise(d) => self.decls.promises.push((item, d)),
            ItemKind::Scenario(d) => self.decls.scenarios.push((item, d)),
            ItemKind::Query(d) => {
                if self.plain(Space::Query, "query", &d.name, None) {
                    self.decls.queries.push((item, d));
                }
            }
            ItemKind::Size(d) => self.decls.sizes.push((item, d)),
        }
    }

    fn entity(&mut self, item: &'a Item, d: &'a ast::EntityDecl) {
        if !self.in_schema(&[Space::Type, Space::Relation], "entity", &d.name, d.was.as_ref()) {
            return;
        }
        let id = EntityId(self.decls.entities.len() as u32);
        let name = self.project.qualified(&d.name);
        self.project.relations.insert(name.clone(), Object::Entity(id));
        self.project.types.insert(name, Base::Row(id));
        self.decls.entities.push((item, d));
        for member in &d.members {
            if let ast::MemberKind::Partition(p) = &member.kind {
                self.in_schema(&[Space::Type, Space::Relation], "partition", &p.name, None);
            }
        }
    }

    fn sql_block(&mut self, item: &'a Item, d: &'a ast::SqlDecl) {
        if !self.plain(Space::Sql, "sql block", &d.name, None) {
            return;
        }
        let at = self.decls.sql_blocks.len();
        self.project.sql_blocks.insert(d.name.text.clone(), at);
        self.project.block_texts.push(&d.up.text);
        for (kind, name) in &d.provides {
            let full = self.project.qualified(name);
            match &*kind.text {
                "function" | "procedure" | "aggregate" => {
                    self.project.provided_functions.insert(full, at);
                }
                "type" | "domain" | "enum" if self.in_schema(&[Space::Type], "type", name, None) => {
                    self.project.types.insert(full.clone(), Base::Named(full));
                }
                "table" | "view" | "sequence" | "materialized view" | "foreign table"
                    if self.in_schema(&[Space::Relation], "table", name, None) =>
                {
                    self.project.relations.insert(full.clone(), Object::Sql(at));
                    self.project.types.entry(full.clone()).or_insert(Base::Named(full));
                }
                "schema" => {
                    self.project.schemas.insert(name.name.text.clone());
                }
                "extension" => {
                    self.project.extensions.entry(name.name.text.clone()).or_insert(None);
                }
                "role" => {
                    self.project.roles.insert(name.name.text.clone());
                }
                _ => {}
            }
        }
        self.decls.sql_blocks.push((item, d));
    }

    /// A name without a schema.
    fn plain(&mut self, space: Space, kind: &'static str, name: &ast::Name, was: Option<&ast::Name>) -> bool {
        check_name(name, self.out);
        let full = |text: &SmolStr| Qualified { schema: SmolStr::default(), name: text.clone() };
        if let Some(was) = was {
            self.renames.push((space, full(&was.text), was.at.0, kind));
            if was.text != name.text {
                self.moved.insert((space, full(&name.text)));
            }
        }
        let message = || {
            let help = if kind == "extension" { "remove one of the two" } else { "rename or remove one of the two" };
            (format!("{kind} `{}` is declared twice", name.text), help.to_owned())
        };
        self.seen.add((space, full(&name.text)), name.at.0, codes::DUPLICATE_NAME, message, self.out)
    }

    /// A name in a schema, unique in each of `spaces`.
    fn in_schema(&mut self, spaces: &[Space], kind: &'static str, name: &ast::QName, was: Option<&ast::QName>) -> bool {
        check_name(&name.name, self.out);
        let full = self.project.qualified(name);
        if let (Some(was), Some(space)) = (was, spaces.last()) {
            let schema = was.schema.as_ref().map_or_else(|| full.schema.clone(), |schema| schema.text.clone());
            let old = Qualified { schema, name: was.name.text.clone() };
            if old != full {
                self.moved.extend(spaces.iter().map(|space| (*space, full.clone())));
            }
            self.renames.push((*space, old, was.span(), kind));
        }
        let taken = spaces.iter().any(|s| self.seen.get(&(*s, full.clone())).is_some());
        for space in spaces {
            if taken && self.seen.get(&(*space, full.clone())).is_none() {
                continue;
            }
            let message = || {
                let help = "rename or remove one of the two; types, entities and views of a schema share their names";
                (format!("{kind} `{}` has a name that is taken", show(name)), help.to_owned())
            };
            if !self.seen.add((*space, full.clone()), name.span(), codes::DUPLICATE_NAME, message, self.out) {
                return false;
            }
        }
        true
    }

    /// Renames from names that are still there, unless what has the name now came from another one: names change places.
    fn check_renames(&mut self) {
        for (space, old, span, kind) in std::mem::take(&mut self.renames) {
            if self.moved.contains(&(space, old.clone())) {
                continue;
            }
            if let Some(there) = self.seen.get(&(space, old.clone())) {
                let shown = if old.schema.is_empty() { old.name.to_string() } else { self.project.spell(&old) };
                self.out.push(still_there(kind, &shown, span, there));
            }
        }
    }
}

/// A rename from a name that is still declared.
pub(crate) fn still_there(kind: &str, old: &str, span: Span, there: Span) -> Diagnostic {
    Diagnostic::new(codes::BAD_WAS, span, format!("{kind} `{old}` is still declared"))
        .also(there, "declared here")
        .help(format!("remove `was {old}`, or the declaration of `{old}`"))
}

/// Whether only Postgres makes this schema and what is in it.
/// Schemas in which `specc apply` and the platform keep what they applied.
const JOURNALS: [&str; 2] = ["specc", "supabase_migrations"];

pub(crate) fn is_own_schema(name: &str) -> bool {
    name.starts_with("pg_") || name == "information_schema"
}

/// Names that authors give to indexes and constraints.
pub(crate) fn indexes(files: &[ast::SpecFile]) -> FxHashSet<SmolStr> {
    let of_members = |members: &[ast::Member]| -> Vec<SmolStr> {
        let name = |member: &ast::Member| match &member.kind {
            ast::MemberKind::Key(d) => d.name.clone(),
            ast::MemberKind::Unique(d) => d.name.clone(),
            ast::MemberKind::Exclude(d) => d.name.clone(),
            ast::MemberKind::Index(d) => d.name.clone(),
            _ => None,
        };
        members.iter().filter_map(name).map(|name| name.text).collect()
    };
    let of_item = |item: &Item| match &item.kind {
        ItemKind::Entity(d) => of_members(&d.members),
        ItemKind::Mixin(d) => of_members(&d.members),
        ItemKind::View(d) => d.indexes.iter().filter_map(|i| i.name.as_ref()).map(|name| name.text.clone()).collect(),
        _ => Vec::new(),
    };
    files.iter().flat_map(|file| &file.items).flat_map(of_item).collect()
}

/// Whether the word means some role or all, and so none by its name.
fn is_role_word(name: &str) -> bool {
    name == "none" || specc_facts::ROLE_WORDS.contains(&name)
}
