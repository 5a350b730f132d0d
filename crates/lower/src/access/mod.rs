//! Policies, the helpers and indexes they need, and the grants that follow from them.

mod condition;
mod cycles;
mod defaults;
mod grants;
mod helpers;

use crate::Output;
use crate::structure::names;
use condition::Shaper;
use grants::Grants;
use helpers::Helpers;
use rayon::prelude::*;
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_catalog::{
    Command, Dependency, Entry, Index, IndexKey, KeyOn, Kind, Object, ObjectId, Policy, Rule as Hold, SqlExpr,
    TableName,
};
use specc_diag::Diagnostic;
use specc_model::{Bucket, Entity, EntityId, FieldIx, Model, Rule, RuleAction, Target};
use specc_sql::quote;
use std::collections::BTreeSet;

/// What comes of all rules, with nothing known of other objects.
pub(crate) struct Rules {
    policies: Vec<Entry>,
    diagnostics: Vec<Diagnostic>,
    found: Found,
    helpers: Helpers,
    grants: Grants,
}

/// Shapes all rules.
pub(crate) fn rules(model: &Model) -> Rules {
    let mut all = Rules {
        policies: Vec::with_capacity(model.entities.iter().map(|entity| entity.rules.len()).sum()),
        diagnostics: Vec::new(),
        found: Found::default(),
        helpers: Helpers::default(),
        grants: Grants::default(),
    };
    // Most rules read their row and the session only, and are shaped side by side. One that asks for a helper is shaped
    // again in its turn: helpers are shared, and named in the order in which they are asked for.
    let alone = |rule: &Rule, entity: &Entity| {
        let mut helpers = Helpers::default();
        let lowered = lower_rule(model, &mut helpers, entity, rule, None);
        helpers.is_empty().then_some(lowered)
    };
    let with_rules: Vec<&Entity> = model.entities.iter().filter(|e| !e.rules.is_empty()).collect();
    for some in with_rules.chunks(2048) {
        let each = |entity: &&Entity| entity.rules.iter().map(|rule| alone(rule, entity)).collect();
        let lowered: Vec<Vec<Option<Lowered>>> = some.par_iter().with_min_len(64).map(each).collect();
        for (entity, lowered) in some.iter().zip(lowered) {
            for (rule, lowered) in entity.rules.iter().zip(lowered) {
                let lowered = lowered.unwrap_or_else(|| lower_rule(model, &mut all.helpers, entity, rule, None));
                all.add(lowered);
                if model.options.derive && !rule.exact && !rule.forbid && !entity.external {
                    all.grants.rule(entity, rule, &roles_of(model, rule));
                }
            }
        }
    }
    if let Some(objects) = storage_objects(model) {
        for bucket in &model.buckets {
            for rule in &bucket.rules {
                let lowered = lower_rule(model, &mut all.helpers, objects, rule, Some(bucket));
                all.add(lowered);
            }
        }
    }
    all
}

/// Adds policies, helpers, indexes and grants to what there is.
pub(crate) fn lower(model: &Model, rules: Rules, out: &mut Output) {
    let Rules { policies, diagnostics, found, helpers, mut grants } = rules;
    policies.into_iter().for_each(|policy| out.add(policy));
    out.diagnostics.extend(diagnostics);
    cycles::check(model, &found.reads, &mut out.diagnostics);
    add_indexes(model, out, &found.indexes);
    let viewer_fields: BTreeSet<FieldIx> = found.viewer_fields.iter().copied().collect();
    let executes = helpers.finish(model, out);
    let needs = session_needs(model, out, !viewer_fields.is_empty());
    if let Some(claims) = needs {
        for id in helpers::session(model, out, claims) {
            grants.execute(&id, everyone_at_the_api(model));
        }
    }
    for field in viewer_fields {
        if let Some(id) = helpers::viewer_field(model, out, field) {
            grants.execute(&id, everyone_at_the_api(model));
        }
    }
    for (id, roles) in executes {
        grants.execute(&id, roles.into_iter().collect());
    }
    for (id, roles) in found.executes {
        grants.execute(&id, roles);
    }
    grants.declared(model);
    grants.finish(model, out);
}

/// What the rules of all entities ask for.
#[derive(Default)]
struct Found {
    indexes: Vec<(EntityId, FieldIx)>,
    reads: Vec<(EntityId, EntityId, specc_diag::Span)>,
    viewer_fields: Vec<FieldIx>,
    executes: Vec<(specc_catalog::ObjectId, Vec<SmolStr>)>,
}

impl Rules {
    /// Takes over what came of a rule.
    fn add(&mut self, lowered: Lowered) {
        self.policies.extend(lowered.policies);
        self.diagnostics.extend(lowered.diagnostics);
        self.found.indexes.extend(lowered.found.indexes);
        self.found.reads.extend(lowered.found.reads);
        self.found.viewer_fields.extend(lowered.found.viewer_fields);
        self.found.executes.extend(lowered.found.executes);
    }
}

/// What comes of one rule.
struct Lowered {
    policies: Vec<Entry>,
    found: Found,
    diagnostics: Vec<Diagnostic>,
}

/// The roles that a rule is for; those that reach the API where it names none.
fn roles_of(model: &Model, rule: &Rule) -> Vec<SmolStr> {
    if rule.exact {
        // Everyone is said by naming nobody.
        let everyone = rule.roles.iter().any(|role| role == "public");
        return if everyone { Vec::new() } else { rule.roles.clone() };
    }
    if !rule.roles.is_empty() {
        return rule.roles.clone();
    }
    match model.options.target {
        Target::Supabase => vec!["anon".into(), "authenticated".into()],
        Target::Postgres => Vec::new(),
    }
}

fn everyone_at_the_api(model: &Model) -> Vec<SmolStr> {
    match model.options.target {
        Target::Supabase => ["anon", "authenticated", "service_role"].map(SmolStr::new).to_vec(),
        Target::Postgres => vec!["public".into()],
    }
}

fn storage_objects(model: &Model) -> Option<&Entity> {
    model.entities.iter().find(|e| e.name.schema == "storage" && e.name.name == "objects")
}

fn lower_rule(model: &Model, helpers: &mut Helpers, entity: &Entity, rule: &Rule, bucket: Option<&Bucket>) -> Lowered {
    let roles = roles_of(model, rule);
    let mut shaper = Shaper {
        model,
        diagnostics: Vec::new(),
        helpers,
        entity: entity.id,
        rule: rule.name.clone(),
        span: rule.span,
        roles: roles.clone(),
        reads: Vec::new(),
        indexes: Vec::new(),
        calls: Vec::new(),
        viewer_fields: Vec::new(),
        exact: false,
    };
    let mut whole = |expr: &Option<specc_model::ExprRef>, negate: bool| {
        let Some(expr) = expr else { return SqlExpr::new(if negate { "false" } else { "true" }) };
        let (sql, columns) = shaper.condition(&expr.formula);
        let text = if negate { format!("({sql}) is not true") } else { sql };
        SqlExpr { text: text.into(), columns }
    };
    let (old, new) = if rule.exact {
        let mut as_written = |expr: &Option<specc_model::ExprRef>| Some(shaper.as_written(&expr.as_ref()?.formula));
        (as_written(&rule.when), as_written(&rule.check))
    } else {
        let old = whole(&rule.when, rule.forbid && !rule.unless);
        let new = if rule.check.is_some() { whole(&rule.check, false) } else { old.clone() };
        (Some(old), Some(new))
    };
    let there = |expr: SqlExpr| match bucket {
        Some(bucket) => in_bucket(expr, bucket, rule.forbid),
        None => expr,
    };
    let (old, new) = (old.map(there), new.map(there));
    let Shaper { reads, indexes, calls, viewer_fields, diagnostics, .. } = shaper;
    let reads = reads.into_iter().map(|(read, span)| (entity.id, read, span)).collect();
    // What is taken as it is grants nothing.
    let granted = calls.iter().filter(|_| model.options.derive && !rule.exact);
    let executes = granted.map(|id| (id.clone(), helpers::everyone(&roles))).collect();
    let found = Found { indexes, reads, viewer_fields, executes };

    let base = match bucket {
        Some(bucket) => SmolStr::from(format!("{}: {}", bucket.name, rule.name)),
        None => rule.name.clone(),
    };
    let commands: Vec<(Command, SmolStr)> = if rule.all {
        vec![(Command::All, base)]
    } else if let [(action, _)] = rule.actions.as_slice() {
        vec![(command(*action), base)]
    } else {
        rule.actions.iter().map(|(a, _)| (command(*a), format!("{base}_{}", word(*a)).into())).collect()
    };
    let mut policies = Vec::with_capacity(commands.len());
    for (command, name) in commands {
        let reads_old = command != Command::Insert;
        let writes_new = !matches!(command, Command::Select | Command::Delete);
        let mut sorted = roles.clone();
        sorted.sort();
        sorted.dedup();
        let policy = Policy {
            table: TableName::new(entity.name.schema.clone(), entity.name.name.clone()),
            name: crate::names::cut(&name, 63),
            permissive: !rule.forbid,
            command,
            roles: sorted,
            using: old.clone().filter(|_| reads_old),
            check: new.clone().filter(|_| writes_new),
        };
        let mut entry = Entry::new(policy);
        entry.comment = rule.doc.clone();
        entry.area = bucket.map_or(&entity.meta.area, |b| &b.meta.area).clone();
        entry.depends =
            calls.iter().map(|id| Dependency::new(id.clone(), "its condition calls this function")).collect();
        entry.depends.sort();
        entry.depends.dedup();
        policies.push(entry);
    }
    Lowered { policies, found, diagnostics }
}

/// Limits a condition to one bucket: an allowing rule holds in it only, a forbidding one lets all others pass.
fn in_bucket(expr: SqlExpr, bucket: &Bucket, forbid: bool) -> SqlExpr {
    let name = quote::literal(&bucket.name);
    let text = match (forbid, expr.text.as_str()) {
        (false, "true") => format!("bucket_id = {name}"),
        (false, text) => format!("bucket_id = {name} and ({text})"),
        (true, text) => format!("bucket_id <> {name} or ({text})"),
    };
    let mut columns = expr.columns;
    columns.push("bucket_id".into());
    columns.sort();
    columns.dedup();
    SqlExpr { text: text.into(), columns }
}

fn command(action: RuleAction) -> Command {
    match action {
        RuleAction::Select => Command::Select,
        RuleAction::Insert => Command::Insert,
        RuleAction::Update => Command::Update,
        RuleAction::Delete => Command::Delete,
    }
}

fn word(action: RuleAction) -> &'static str {
    match action {
        RuleAction::Select => "select",
        RuleAction::Insert => "insert",
        RuleAction::Update => "update",
        RuleAction::Delete => "delete",
    }
}

/// Indexes on columns that policies look rows up by, where no index, key or unique constraint leads with them.
fn add_indexes(model: &Model, out: &mut Output, wanted: &[(EntityId, FieldIx)]) {
    if wanted.is_empty() || !model.options.derive {
        return;
    }
    let mut led: FxHashSet<(TableName, SmolStr)> = FxHashSet::default();
    for (_, entry) in out.catalog.iter() {
        match &entry.object {
            Object::Index(i) if i.filter.is_none() && i.method == "btree" => {
                if let Some(KeyOn::Column(name)) = i.keys.first().map(|k| &k.on) {
                    led.insert((i.table.clone(), name.clone()));
                }
            }
            Object::Constraint(c) => {
                if let Hold::PrimaryKey { columns, .. } | Hold::Unique { columns, .. } = &c.rule
                    && let Some(first) = columns.first()
                {
                    led.insert((c.table.clone(), first.clone()));
                }
            }
            _ => {}
        }
    }
    for (entity, field) in wanted {
        let entity = model.entity(*entity);
        let table = TableName::new(entity.name.schema.clone(), entity.name.name.clone());
        let column = entity.fields[*field].name.clone();
        if entity.external || !led.insert((table.clone(), column.clone())) {
            continue;
        }
        // An index of that name that does not serve (a partial one, say) keeps it.
        let name = (0..)
            .map(|n| if n == 0 { "idx".to_owned() } else { format!("idx{n}") })
            .map(|label| names::conventional(&table.name, &[&column], &label))
            .find(|name| !out.catalog.contains(&ObjectId::new(Kind::Index, table.schema.clone(), name.clone())))
            .unwrap_or_default();
        let index = Index {
            name,
            table,
            unique: false,
            method: "btree".into(),
            keys: vec![IndexKey::column(column)],
            include: Vec::new(),
            filter: None,
            options: Vec::new(),
            nulls_not_distinct: false,
        };
        let mut entry = Entry::new(index);
        entry.comment = Some("Policies look rows up by this column.".into());
        entry.area = entity.meta.area.clone();
        out.add(entry);
    }
}

/// Whether the session functions are needed, and if so, whether claims are.
fn session_needs(model: &Model, out: &Output, viewer_fields: bool) -> Option<bool> {
    let schema = quote::ident(&model.options.helper_schema).into_owned();
    let (id, claims) = (format!("{schema}.viewer_id("), format!("{schema}.claims("));
    let mut needs = (viewer_fields || model.viewer.is_some(), false);
    let mut look = |text: &str| {
        needs.0 |= text.contains(&id);
        needs.1 |= text.contains(&claims);
    };
    for (_, entry) in out.catalog.iter() {
        match &entry.object {
            Object::Function(f) => match &f.body {
                specc_catalog::Body::Atomic(text) | specc_catalog::Body::Text(text) => look(text),
            },
            Object::Policy(p) => p.using.iter().chain(&p.check).for_each(|e| look(&e.text)),
            Object::Table(t) => {
                t.columns
                    .iter()
                    .flat_map(|c| c.default.iter().chain(c.generated.as_deref()))
                    .for_each(|e| look(&e.text));
            }
            Object::Trigger(t) => t.when.iter().for_each(|e| look(&e.text)),
            Object::View(v) => look(&v.query),
            _ => {}
        }
    }
    (needs.0 || needs.1).then_some(needs.1)
}

/// The id of an entity's table.
fn table_id(entity: &Entity) -> specc_catalog::ObjectId {
    specc_catalog::ObjectId::new(Kind::Table, entity.name.schema.clone(), entity.name.name.clone())
}
