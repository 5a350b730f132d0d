//! Syntax trees to a model: collect, expand, resolve, then look at every expression.

mod access;
mod asked;
mod behaviour;
mod bodies;
mod classes;
mod collect;
mod condition;
mod conflicts;
mod constraints;
mod counters;
mod deeds;
mod distribution;
mod entity;
mod environment;
mod expand;
mod exprs;
mod fields;
mod heirs;
mod idle;
mod items;
mod kept;
pub mod library;
pub mod names;
mod opens;
mod owners;
mod partitions;
mod platform;
mod predicates;
mod project;
mod promises;
mod relations;
mod results;
mod rolling;
mod rounds;
mod scenarios;
mod seed_rows;
pub mod seeds;
mod shapes;
mod shut_indexes;
mod sizes;
mod stored;
mod substitute;
mod taken;
mod typeref;
mod views;
mod visibility;

pub use classes::let_through;
pub use condition::condition;
pub use distribution::group;
pub use rolling::{rolling_block, rolling_function};

use crate::formula::Formula;
use crate::types::*;
use crate::typing::Typing;
use collect::Decls;
use exprs::Exprs;
use fields::Shape;
use project::{Project, Seen};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use specc_diag::{Diagnostic, FileId, Sources, codes};
use specc_syntax::ast::{self, MemberKind, SpecFile};

/// What the files mean, and everything that is wrong with it. `sources` gets the files that we ship, as far as they are
/// used.
pub fn analyze(mut files: Vec<SpecFile>, sources: &mut Sources, options: Options) -> (Model, Vec<Diagnostic>) {
    let shipped = FileId(sources.iter().count() as u32);
    library::add(&mut files, sources, &options);
    let areas = sources
        .iter()
        .map(|(id, file)| {
            let name = file.name.rsplit('/').next().unwrap_or(&file.name);
            match (id >= shipped, file.name.starts_with("std/")) {
                (true, true) => library::STD.into(),
                (true, false) => library::PLATFORM.into(),
                _ => name.strip_suffix(".dbspec").unwrap_or(name).into(),
            }
        })
        .collect();
    let mut out = Vec::new();
    let mut project = Project {
        options: &options,
        areas,
        shipped,
        schemas: FxHashSet::default(),
        extensions: FxHashMap::default(),
        types: FxHashMap::default(),
        external_types: FxHashSet::default(),
        relations: FxHashMap::default(),
        functions: FxHashMap::default(),
        provided_functions: FxHashMap::default(),
        sql_blocks: FxHashMap::default(),
        block_texts: Vec::new(),
        roles: FxHashSet::default(),
        mixins: FxHashMap::default(),
        indexes: collect::indexes(&files),
        spelled: std::sync::OnceLock::new(),
    };
    let decls = collect::collect(&files, &mut project, &mut out);
    let mut model = build(&project, &decls, &mut out);
    model.options = options.clone();
    finish(&mut out);
    // Now, on all cores: what comes next takes their place in memory.
    files.into_par_iter().for_each(drop);
    (model, out)
}

/// In the order of places; a finding about a mixin that many entities use is said once.
fn finish(out: &mut Vec<Diagnostic>) {
    specc_diag::sort(out);
    // a rule that cannot be read opens nothing, and still the author meant to open something
    if out.iter().any(|d| matches!(d.code, codes::BAD_EXPRESSION | codes::UNCLOSED | codes::TOO_DEEP)) {
        out.retain(|d| !matches!(d.code, codes::CLOSED_ENTITY | codes::FORBID_ONLY));
    }
    out.dedup_by(|b, a| a.span() == b.span() && a.code == b.code && a.message == b.message);
}

fn build(project: &Project<'_>, decls: &Decls<'_>, out: &mut Vec<Diagnostic>) -> Model {
    let mut model = Model { options: project.options.clone(), ..Model::default() };
    platform::check_target(project, decls, out);
    items::spaces(project, decls, &mut model, out);
    items::types(project, decls, &mut model, out);
    expand::check_mixins(project, out);

    // the first look: names and types of fields
    let mut expanded = Vec::with_capacity(decls.entities.len());
    let mut shapes: Vec<Shape> = Vec::with_capacity(decls.entities.len());
    model.entities.reserve(decls.entities.len());
    model.index.entities.reserve(decls.entities.len());
    let numbered = decls.entities.par_iter().enumerate().with_min_len(64);
    let found: Vec<_> =
        numbered.map(|(at, (item, d))| first_look(project, EntityId(at as u32), item, d, &[])).collect();
    let found = heirs::with_parents(project, decls, found, out);
    for (entity, members, shape, findings) in found {
        out.extend(findings);
        shapes.push(shape);
        model.index.entities.insert(entity.name.clone(), entity.id);
        model.entities.push(entity);
        expanded.push(members);
    }
    relations::relations(project, &mut model, &expanded, &shapes, out);
    items::type_cycles(project, &model, out);
    viewer(project, decls, &mut model, out);
    items::sequences(project, decls, &mut model, out);
    items::functions(project, decls, &mut model, out);
    predicates::declare(project, decls, &mut model, out);
    for (item, d) in &decls.roles {
        model.roles.push(access::role(project, &item.doc, d, out));
    }
    items::sql_blocks(project, decls, &mut model, out);
    let queries = views::views(project, decls, &mut model, out);

    // the second look: every expression, when everything is declared
    views::check_views(&Typing::new(&model), decls, queries, out);
    let mut late = second_look(project, decls, &model, &expanded, &shapes, out);
    let mut pending = std::mem::take(&mut late.conflicts);
    pending.extend(late.entities.iter_mut().flat_map(|parts| std::mem::take(&mut parts.conflicts)));
    apply(&mut model, late);
    conflicts::check(project, &model, pending, out);
    triggers(project, decls, &mut model, out);
    taken::constraint_names(&model, out);
    let std_area = |e: &Entity| e.meta.area == library::STD;
    let made = access::identity_sequences(&model);
    for (_, d) in &decls.grants {
        let found = access::grant(project, &model, &made, d, out);
        model.grants.extend(found);
    }
    model.owners = owners::owners(project, &model, &made, &decls.owners, out);
    owners::rules_for_owners(&model, out);
    for (item, d) in &decls.schedules {
        let found = platform::schedule(project, &model, &item.doc, d, out);
        model.schedules.push(found);
    }
    access::check_rules(&model, std_area, out);
    access::unbound_grants(&model, out);
    promises::check(&model, out);
    kept::check(&model, out);
    rounds::check(&model, out);
    classes::classes(project, decls, &mut model, &expanded, out);
    rolling::finish(&mut model, out);
    distribution::distribution(project, &mut model, &expanded, out);
    visibility::visibility(&mut model);
    shut_indexes::check(&model, out);
    bodies::cycles(project, &model, out);
    let filled = seeds::Filled { entities: filled_by_triggers(&model), fields: broken(&model, &expanded, &shapes) };
    let (seeds, labels) = seeds::seeds(project, &Exprs::new(project, &model), decls, &filled, out);
    model.seeds = seeds;
    seed_rows::keys(&model, out);
    seed_rows::check(&model, &filled.entities, out);
    model.scenarios = scenarios::scenarios(project, &Exprs::new(project, &model), decls, &filled, &labels, out);
    sizes::sizes_and_queries(project, decls, &mut model, out);
    idle::check(project, &model, out);
    model
}

type Looked<'a> = (Entity, expand::Expanded<'a>, Shape, Vec<Diagnostic>);

/// Postgres's limit for a table.
const MOST_COLUMNS: usize = 1600;

/// An entity with the names and types of its fields.
fn first_look<'a>(
    project: &Project<'a>,
    id: EntityId,
    item: &ast::Item,
    d: &'a ast::EntityDecl,
    inherited: &[Field],
) -> Looked<'a> {
    let mut out = Vec::new();
    project.check_schema(&d.name, &mut out);
    if let Some(schema) = d.name.schema.as_ref().filter(|s| !d.external && collect::is_own_schema(&s.text)) {
        let message = format!("nothing can be made in `{}`", schema.text);
        let help = "choose another schema; `pg_…` and `information_schema` are Postgres's own";
        out.push(Diagnostic::new(codes::RESERVED_NAME, schema.at.0, message).help(help));
    }
    let mut members = expand::expand(project, d, &mut out);
    let is_column = |kind: &MemberKind| matches!(kind, MemberKind::Field(_) | MemberKind::Ref(_));
    // What is too much is counted and not looked at.
    let (mut columns, mut rest) = (0, 0);
    members.members.retain(|m| {
        columns += usize::from(is_column(&m.member.kind));
        let kept = columns <= MOST_COLUMNS || !is_column(&m.member.kind);
        rest += usize::from(!kept);
        kept
    });
    let mut entity = blank(project, id, item, d);
    entity.mixins = members.mixins.clone();
    let shape = fields::fields(project, &mut entity, &members.members, inherited, &mut out);
    let columns = entity.fields.len() + rest;
    if columns > MOST_COLUMNS {
        let message = format!("`{}` has {columns} columns, and a table has at most {MOST_COLUMNS}", d.name.name.text);
        let help = "split it into several entities that refer to one, or keep the rest as `jsonb`";
        out.push(Diagnostic::new(codes::NOT_ALLOWED_HERE, d.name.span(), message).help(help));
    }
    (entity, members, shape, out)
}

fn blank(project: &Project<'_>, id: EntityId, item: &ast::Item, d: &ast::EntityDecl) -> Entity {
    Entity {
        id,
        meta: project.meta_in(&item.doc, &d.name, d.was.as_ref()),
        name: project.qualified(&d.name),
        external: d.external,
        unlogged: d.unlogged,
        rls: Rls::On,
        options: Vec::new(),
        replica_identity: None,
        inherits: Vec::new(),
        origins: Vec::new(),
        depends: Vec::new(),
        fields: Vec::new(),
        key: None,
        uniques: Vec::new(),
        checks: Vec::new(),
        excludes: Vec::new(),
        indexes: Vec::new(),
        searches: Vec::new(),
        partition_by: None,
        partitions: Vec::new(),
        workflows: Vec::new(),
        limits: Vec::new(),
        triggers: Vec::new(),
        rules: Vec::new(),
        promises: Vec::new(),
        visible: None,
        outgoing: Vec::new(),
        incoming: Vec::new(),
        mixins: Vec::new(),
        retain: None,
        placement: None,
    }
}

fn viewer(project: &Project<'_>, decls: &Decls<'_>, model: &mut Model, out: &mut Vec<Diagnostic>) {
    let mut first = None;
    for (item, d) in &decls.viewers {
        if let Some(first) = first {
            let found = Diagnostic::new(codes::DUPLICATE_NAME, item.at.0, "the viewer is declared twice");
            out.push(found.also(first, "first here").help("keep one of the two"));
            continue;
        }
        first = Some(item.at.0);
        let Some(id) = project.entity(&d.entity, out) else { continue };
        let entity = model.entity(id);
        match entity.key.as_ref().map(|k| k.fields.len()) {
            Some(1) => model.viewer = Some(id),
            _ => {
                let message = format!("the viewer is a row of `{}`, which has no key of one column", entity.name.name);
                let found = Diagnostic::new(codes::NO_KEY, d.entity.span(), message);
                out.push(found.also(entity.meta.span, "declared here").help("give it a key of one column"));
            }
        }
    }
}

/// An expression that is read later.
pub(crate) fn unread() -> ExprRef {
    std::sync::Arc::new(Expr {
        formula: Formula::literal(crate::formula::Value::Boolean(false), typeref::plain("boolean")),
        text: "false".into(),
        span: specc_diag::Span::default(),
    })
}

/// The defaults of a function's parameters, what it needs, and which entities it reads.
type FunctionParts = (Vec<Option<ExprRef>>, Option<ExprRef>, bodies::Needs);

/// Everything that was read with the whole model at hand.
#[derive(Default)]
struct Late {
    entities: Vec<entity::Parts>,
    rules: Vec<(EntityId, Vec<Rule>)>,
    promises: Vec<(EntityId, Promise)>,
    predicates: Vec<Option<ExprRef>>,
    domains: Vec<(Option<ExprRef>, Vec<Check>)>,
    functions: Vec<FunctionParts>,
    views: Vec<Option<ExprRef>>,
    buckets: Vec<Bucket>,
    realtime: Vec<RealtimeTable>,
    webhooks: Vec<Webhook>,
    conflicts: Vec<conflicts::Pending>,
}

fn second_look(
    project: &Project<'_>,
    decls: &Decls<'_>,
    model: &Model,
    expanded: &[expand::Expanded<'_>],
    shapes: &[Shape],
    out: &mut Vec<Diagnostic>,
) -> Late {
    let mut exprs = Exprs::new(project, model);
    for ((members, shape), entity) in expanded.iter().zip(shapes).zip(&model.entities) {
        for (mem, slot) in members.members.iter().zip(&shape.slots) {
            if let (MemberKind::Field(f), Some(at)) = (&mem.member.kind, slot)
                && let Some(ast::FieldValue::Default(raw)) = &f.value
            {
                exprs.share(raw, &entity.fields[*at].ty);
            }
        }
    }
    let rules = decls.policies.iter().flat_map(|(_, d)| &d.rules);
    exprs.read_once(rules.flat_map(|rule| rule.when.iter().chain(&rule.check)));
    let exprs = exprs;
    let mut late = Late::default();
    let found: Vec<(entity::Parts, Vec<Diagnostic>)> = model
        .entities
        .par_iter()
        .zip(expanded.par_iter())
        .zip(shapes.par_iter())
        .zip(decls.entities.par_iter())
        .with_min_len(64)
        .map(|(((entity, members), shape), (_, d))| entity::entity(project, &exprs, entity, members, shape, &d.from))
        .collect();
    for (parts, findings) in found {
        late.entities.push(parts);
        out.extend(findings);
    }
    let policy = |(_, d): &(&ast::Item, &ast::PolicyBlock)| {
        let mut out = Vec::new();
        let id = project.entity(&d.entity, &mut out);
        let rules = id.map(|id| {
            let rules = d.rules.iter().filter_map(|r| access::rule(project, &exprs, id, r, &mut out));
            (id, rules.collect())
        });
        (rules, out)
    };
    let found: Vec<_> = decls.policies.par_iter().with_min_len(64).map(policy).collect();
    for (rules, findings) in found {
        late.rules.extend(rules);
        out.extend(findings);
    }
    for (item, d) in &decls.promises {
        let id = d.entity.as_ref().and_then(|name| project.entity(name, out));
        let found = id.map(|id| (id, promises::promise(project, &exprs, id, d, &item.doc, out)));
        late.promises.extend(found);
    }
    late.predicates = predicates::bodies(&exprs, decls, out);
    for ((_, d), domain) in decls.domains.iter().zip(&model.domains) {
        late.domains.push(items::domain_expressions(&exprs, d, domain, out));
    }
    let triggered = bodies::triggered(project, decls, model, expanded);
    let body = |(at, (_, d)): (usize, &(&ast::Item, &ast::FunctionDecl))| {
        let mut out = Vec::new();
        let needs = bodies::function_needs(project, model, &triggered, d, at, &mut out);
        (needs, out)
    };
    let found: Vec<_> = decls.functions.par_iter().enumerate().with_min_len(8).map(body).collect();
    let (mut needs, findings): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    bodies::settle(&mut needs);
    let found = needs.into_iter().zip(findings);
    for (((_, d), function), (mut needs, findings)) in decls.functions.iter().zip(&model.functions).zip(found) {
        late.conflicts.append(&mut needs.conflicts);
        let defaults = items::function_defaults(&exprs, d, function, out);
        late.functions.push((defaults, asked::asked(&exprs, d, function, needs.only), needs));
        out.extend(findings);
    }
    late.views = decls.views.par_iter().with_min_len(8).map(|(_, d)| asked::of_view(&exprs, d)).collect();
    if project.options.target == Target::Supabase {
        for (item, d) in &decls.buckets {
            late.buckets.push(platform::bucket(project, &exprs, &item.doc, d, out));
        }
        let mut seen = Seen::new();
        for (_, d) in &decls.realtime {
            late.realtime.extend(platform::realtime(project, &exprs, d, &mut seen, out));
        }
    }
    for (item, d) in &decls.webhooks {
        late.webhooks.extend(platform::webhook(project, &exprs, &item.doc, d, out));
    }
    late
}

fn apply(model: &mut Model, late: Late) {
    for (entity, parts) in model.entities.iter_mut().zip(late.entities) {
        for (at, found) in parts.fields {
            let field = &mut entity.fields[at];
            field.default = found.default;
            field.generated = found.generated;
            field.backfill = found.backfill;
            field.using = found.using;
            field.maintained = found.maintained.map(Box::new);
            field.shape = found.shape.map(Box::new);
        }
        if let Some(key) = &mut entity.key {
            key.name = parts.key_name;
        }
        for (id, name) in parts.constraints {
            model.relations[id.0 as usize].constraint = name;
        }
        entity.rls = parts.rls.unwrap_or(Rls::On);
        entity.options = parts.options;
        entity.replica_identity = parts.replica_identity;
        entity.inherits = parts.inherits;
        entity.origins = parts.origins;
        entity.depends = parts.depends;
        entity.uniques = parts.uniques;
        entity.checks = parts.checks;
        entity.excludes = parts.excludes;
        entity.indexes = parts.indexes;
        // Grown one by one: half of the room is often empty.
        entity.indexes.shrink_to_fit();
        entity.searches = parts.searches;
        entity.partition_by = parts.partition_by;
        entity.partitions = parts.partitions;
        entity.workflows = parts.workflows;
        entity.limits = parts.limits;
        entity.triggers = parts.triggers;
        entity.rules = parts.rules;
        entity.promises = parts.promises;
    }
    for (id, rules) in late.rules {
        let own = &mut model.entities[id.0 as usize].rules;
        own.reserve_exact(rules.len());
        own.extend(rules);
    }
    for (id, promise) in late.promises {
        model.entities[id.0 as usize].promises.push(promise);
    }
    for (predicate, body) in model.predicates.iter_mut().zip(late.predicates) {
        if let Some(body) = body {
            predicate.body = body;
        }
    }
    for (domain, (default, checks)) in model.domains.iter_mut().zip(late.domains) {
        domain.default = default;
        domain.checks = checks;
    }
    for (function, (defaults, asks, needs)) in model.functions.iter_mut().zip(late.functions) {
        for (param, default) in function.params.iter_mut().zip(defaults) {
            param.default = default;
        }
        function.depends = needs.depends;
        function.reads = needs.reads;
        function.views = needs.views;
        function.writes = needs.writes;
        function.deeds = needs.deeds;
        function.acts = needs.acts;
        function.calls = needs.calls;
        function.raises = needs.raises;
        function.session = needs.session;
        function.asks = asks;
    }
    asked::leave_circles(&mut model.functions);
    for (view, asks) in model.views.iter_mut().zip(late.views) {
        view.asks = asks;
    }
    model.buckets = late.buckets;
    model.realtime = late.realtime;
    model.webhooks = late.webhooks;
}

/// Triggers that stand by themselves, on entities and views.
fn triggers(project: &Project<'_>, decls: &Decls<'_>, model: &mut Model, out: &mut Vec<Diagnostic>) {
    for (item, d) in &decls.triggers {
        let Some(on) = &d.on else { continue };
        let name = project.qualified(on);
        if let Some(Object::View(at)) = project.relations.get(&name) {
            let found = view_trigger(project, model, *at, item, d, out);
            model.views[*at].triggers.extend(found);
            continue;
        }
        let Some(id) = project.entity(on, out) else { continue };
        let entity = model.entity(id);
        if let Some(other) = entity.triggers.iter().find(|t| t.name == d.name.text) {
            let message = format!("two triggers or limits of `{}` are called `{}`", entity.name.name, d.name.text);
            let found = Diagnostic::new(codes::DUPLICATE_NAME, d.name.at.0, message).label("again here");
            out.push(found.also(other.meta.span, "first here").help("rename one of the two"));
            continue;
        }
        let exprs = Exprs::new(project, model);
        let found = entity::single_trigger(project, &exprs, entity, item, d, out);
        model.entities[id.0 as usize].triggers.extend(found);
    }
}

fn view_trigger(
    project: &Project<'_>,
    model: &Model,
    at: usize,
    item: &ast::Item,
    d: &ast::TriggerDecl,
    out: &mut Vec<Diagnostic>,
) -> Option<Trigger> {
    let view = &model.views[at];
    if view.materialized || (d.timing != ast::TriggerTiming::InsteadOf && d.per_row) {
        let message = format!("`{}` is a view, and `{}` cannot be on it", view.name.name, d.name.text);
        let help = "on a view use `instead of … for each row`; on a materialized view no trigger is possible";
        out.push(Diagnostic::new(codes::BAD_TRIGGER, d.name.at.0, message).help(help));
        return None;
    }
    let when = d.when.as_ref().and_then(|raw| views::plain_sql(model, raw, out)).map(std::sync::Arc::new);
    let mut pending = Vec::new();
    let (session, writes, raises) = bodies::trigger_body(project, model, &view.name, d, &mut pending, out);
    conflicts::check(project, model, pending, out);
    let found = behaviour::trigger(project, model, d, &item.doc, item.at.0, when, out)?;
    Some(Trigger { session, writes, raises, ..found })
}

/// Fields that have a value of their own which could not be read.
fn broken(model: &Model, expanded: &[expand::Expanded<'_>], shapes: &[Shape]) -> FxHashSet<(EntityId, FieldIx)> {
    let mut found = FxHashSet::default();
    for ((members, shape), entity) in expanded.iter().zip(shapes).zip(&model.entities) {
        for (mem, slot) in members.members.iter().zip(&shape.slots) {
            let (MemberKind::Field(f), Some(at)) = (&mem.member.kind, slot) else { continue };
            let field = &entity.fields[*at];
            let read = field.default.is_some() || field.generated.is_some() || field.maintained.is_some();
            if f.value.is_some() && !read && field.identity.is_none() {
                found.insert((entity.id, *at));
            }
        }
    }
    found
}

/// Entities whose rows a trigger of the author's completes before they are stored.
fn filled_by_triggers(model: &Model) -> FxHashSet<EntityId> {
    let fills = |t: &Trigger| {
        t.timing == ast::TriggerTiming::Before && t.per_row && t.events.iter().any(|(event, _)| event == "insert")
    };
    model.entities.iter().filter(|e| e.triggers.iter().any(fills)).map(|e| e.id).collect()
}
