//! Rules to policies. A role has one permissive policy for a command, made of its rules; each forbidding rule narrows by a
//! policy of its own, and so does, or opens, each rule that is taken as it is written.

use super::condition::Shaper;
use super::helpers::{Answer, Helpers, Wanted};
use super::{Found, columns, hidden};
use crate::structure::depends;
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_catalog::{Command, Dependency, Entry, ObjectId, Policy, SqlExpr};
use specc_diag::{Diagnostic, Span, codes};
use specc_model::effective::{self, Access, Effective, PUBLIC};
use specc_model::formula::Formula;
use specc_model::{Bucket, Entity, EntityId, Model, Object, Rule, RuleAction};
use specc_sql::quote;
use std::collections::{BTreeMap, BTreeSet};

/// Rules that guard the rows of one entity: its own, or those of a bucket.
#[derive(Clone, Copy)]
pub(super) struct Guarded<'m> {
    pub entity: &'m Entity,
    pub bucket: Option<&'m Bucket>,
}

impl<'m> Guarded<'m> {
    pub fn rules(self) -> &'m [Rule] {
        self.bucket.map_or(&self.entity.rules, |bucket| &bucket.rules)
    }

    fn area(self) -> SmolStr {
        self.bucket.map_or(&self.entity.meta.area, |bucket| &bucket.meta.area).clone()
    }
}

/// A rule's conditions in SQL.
#[derive(Clone)]
pub(super) struct Conditions {
    /// Over a row that is there.
    pub using: Option<SqlExpr>,
    /// Over a row that is written.
    pub check: Option<SqlExpr>,
    /// Functions that they call.
    pub calls: Vec<ObjectId>,
    /// Other tables that plain queries in them read.
    pub queried: Vec<ObjectId>,
}

/// What comes of some rules.
#[derive(Default)]
pub(super) struct Lowered {
    pub entries: Vec<Entry>,
    pub accesses: Vec<(EntityId, SmolStr, RuleAction, Option<Vec<SmolStr>>)>,
    pub helpers: Helpers,
    pub found: Found,
    pub diagnostics: Vec<Diagnostic>,
}

/// Policies and column triggers of these rules.
pub(super) fn lower(model: &Model, guarded: Guarded<'_>, shared: &FxHashSet<ObjectId>) -> Lowered {
    let mut lowered = Lowered::default();
    // What the rules ask for one by one; where several are one policy, they ask for less together.
    let mut single = Helpers::default();
    let rules = guarded.rules();
    let mut each = |fixed: bool, lowered: &mut Lowered| -> Vec<Conditions> {
        let one = |rule| conditions(model, guarded, &[rule], shared, fixed, lowered, &mut single);
        rules.iter().map(one).collect()
    };
    let conditions = each(false, &mut lowered);
    let effective = Effective::of(model, guarded.entity, rules);
    // In the body of a function they are read under another search path.
    let mut again = Lowered::default();
    let fixed = if effective.guards.is_empty() { Vec::new() } else { each(true, &mut again) };
    lowered.found.shared.extend(again.found.shared);
    let mut out = Policies { model, guarded, rules, conditions: &conditions, shared, names: BTreeSet::new(), lowered };
    rules.iter().enumerate().filter(|(_, rule)| rule.exact).for_each(|(at, rule)| out.exact(at, rule));
    let reached = reached(model, guarded.entity, &effective);
    for narrowing in effective.narrowings.iter().filter(|n| !n.rule.exact) {
        out.narrow(narrowing, &reached);
    }
    out.open(&effective.accesses);
    let mut lowered = out.lowered;
    if guarded.bucket.is_none() {
        columns::lower(model, guarded.entity, &effective, &fixed, &reached, &mut lowered);
        if model.options.derive && !guarded.entity.external {
            let name = |field: usize| guarded.entity.fields[field].name.clone();
            let names = |fields: Vec<usize>| fields.into_iter().map(name).collect();
            let accesses = effective.accesses.into_iter();
            lowered.accesses = accesses.map(|a| (guarded.entity.id, a.role, a.command, a.columns.map(names))).collect();
        }
    }
    let calls = lowered.entries.iter().flat_map(|entry| entry.depends.iter().map(|d| d.on.clone()));
    let calls: FxHashSet<ObjectId> = calls.chain(lowered.found.calls.iter().map(|(id, _)| id.clone())).collect();
    let shared = lowered.helpers.merge(single.called(&calls));
    lowered.found.shared.extend(shared);
    lowered
}

/// The roles that get at the entity at all, whatever lets them.
fn reached(model: &Model, entity: &Entity, effective: &Effective<'_>) -> Vec<SmolStr> {
    let mut roles: BTreeSet<SmolStr> = effective.accesses.iter().map(|access| access.role.clone()).collect();
    let exact = entity.rules.iter().filter(|rule| rule.exact && !rule.forbid);
    roles.extend(exact.flat_map(|rule| effective::grantees(model, rule)));
    let granted = model.grants.iter().filter(|grant| grant.object == Object::Entity(entity.id) && !grant.revoke);
    roles.extend(granted.flat_map(|grant| grant.roles.iter().cloned()));
    roles.into_iter().collect()
}

/// The conditions of rules of which one has to hold; only one of them where it is taken as written, or forbids.
fn conditions(
    model: &Model,
    guarded: Guarded<'_>,
    rules: &[&Rule],
    shared: &FxHashSet<ObjectId>,
    fixed: bool,
    lowered: &mut Lowered,
    asked: &mut Helpers,
) -> Conditions {
    let rule = rules[0];
    let own = crate::structure::table_of(guarded.entity).id();
    let exprs = rules.iter().flat_map(|rule| [&rule.when, &rule.check]).flatten();
    let mut queried: Vec<_> = exprs.flat_map(|expr| depends::queried(model, expr)).filter(|id| *id != own).collect();
    queried.sort();
    queried.dedup();
    let mut shaper = Shaper {
        model,
        diagnostics: Vec::new(),
        helpers: Helpers::default(),
        shared,
        entity: guarded.entity.id,
        rule: rule.name.clone(),
        span: rule.span,
        reads: Vec::new(),
        queried: Vec::new(),
        lookups: Vec::new(),
        calls: Vec::new(),
        viewer_fields: Vec::new(),
        exact: false,
        negative: false,
        hidden: Vec::new(),
        fixed,
        roles: effective::grantees(model, rule),
    };
    let (using, check) = if rule.exact {
        let mut as_written = |expr: &Option<specc_model::ExprRef>| Some(shaper.as_written(&expr.as_ref()?.formula));
        (as_written(&rule.when), as_written(&rule.check))
    } else {
        let mut whole = |exprs: Vec<&Option<specc_model::ExprRef>>, negate: bool| {
            let formulas: Option<Vec<&Formula>> = exprs.into_iter().map(|e| Some(&e.as_ref()?.formula)).collect();
            let Some(formulas) = formulas else { return SqlExpr::new(if negate { "false" } else { "true" }) };
            shaper.negative = negate;
            let (sql, columns) = shaper.condition(&formulas);
            let text = if negate { format!("({sql}) is not true") } else { sql };
            SqlExpr { text: text.into(), columns }
        };
        let old = whole(rules.iter().map(|rule| &rule.when).collect(), rule.forbid && !rule.unless);
        let checked = rules.iter().any(|rule| rule.check.is_some());
        let new = rules.iter().map(|rule| if rule.check.is_some() { &rule.check } else { &rule.when });
        let new = if checked { whole(new.collect(), false) } else { old.clone() };
        (Some(old), Some(new))
    };
    let Shaper {
        reads, lookups, mut calls, viewer_fields, diagnostics, helpers, hidden, queried: plain, roles, ..
    } = shaper;
    let entity = guarded.entity.id;
    calls.sort();
    calls.dedup();
    lowered.found.shared.extend(asked.merge(helpers));
    let reads = reads.into_iter().map(|(read, span): (EntityId, Span)| (entity, read, span));
    if rules.len() > 1 {
        // Each rule has said the rest of itself.
        return Conditions { using, check, calls, queried };
    }
    lowered.found.lookups.extend(lookups);
    lowered.found.reads.extend(reads);
    lowered.found.viewer_fields.extend(viewer_fields);
    // a row that is inserted is looked at once, whatever the condition
    let inserts = rule.actions.iter().all(|(action, _)| *action == RuleAction::Insert);
    let slow = |found: &Diagnostic| found.code == codes::PER_ROW_POLICY;
    lowered.diagnostics.extend(diagnostics.into_iter().filter(|found| !inserts || !slow(found)));
    hidden::warn(model, guarded, rule, &hidden, &mut lowered.diagnostics);
    let ask = |table: EntityId| super::Asks { table, rule: rule.name.clone(), span: rule.span, roles: roles.clone() };
    lowered.found.asks.extend(plain.into_iter().collect::<BTreeSet<_>>().into_iter().map(ask));
    Conditions { using, check, calls, queried }
}

struct Policies<'m, 'c> {
    model: &'m Model,
    guarded: Guarded<'m>,
    rules: &'m [Rule],
    conditions: &'c [Conditions],
    shared: &'c FxHashSet<ObjectId>,
    /// Names that are taken.
    names: BTreeSet<SmolStr>,
    lowered: Lowered,
}

impl Policies<'_, '_> {
    /// A rule that is taken as it is: one policy, which grants nothing.
    fn exact(&mut self, at: usize, rule: &Rule) {
        let command = match rule.actions.as_slice() {
            [(action, _)] => command(*action),
            _ => Command::All,
        };
        let roles = effective::grantees(self.model, rule);
        let conditions = self.conditions[at].clone();
        // Functions that the spec declares say themselves who may call them.
        let declared =
            |id: &ObjectId| self.model.functions.iter().any(|f| f.name.name == id.name && f.name.schema == id.schema);
        let calls: Vec<_> = conditions.calls.iter().filter(|id| !declared(id)).cloned().collect();
        self.lowered.found.calls.extend(calls.into_iter().map(|id| (id, roles.clone())));
        self.add(rule.name.clone(), !rule.forbid, command, &roles, conditions, rule.doc.clone());
    }

    fn narrow(&mut self, narrowing: &effective::Narrowing<'_>, reached: &[SmolStr]) {
        let rule = narrowing.rule;
        let Some(at) = self.rules.iter().position(|other| std::ptr::eq(other, rule)) else { return };
        let callers = match narrowing.roles.iter().any(|role| role == PUBLIC) {
            true => reached.to_vec(),
            false => narrowing.roles.clone(),
        };
        let calls = &self.conditions[at].calls;
        self.lowered.found.calls.extend(calls.iter().map(|id| (id.clone(), callers.clone())));
        let commands = match narrowing.commands.as_slice() {
            _ if rule.all => vec![(Command::All, rule.name.clone())],
            [only] => vec![(command(*only), rule.name.clone())],
            many => many.iter().map(|a| (command(*a), format!("{}_{}", rule.name, a.word()).into())).collect(),
        };
        for (command, name) in commands {
            let conditions = self.conditions[at].clone();
            self.add(name, false, command, &narrowing.roles, conditions, rule.doc.clone());
        }
    }

    /// One policy for the roles that the same rules open a command to, and one for all commands where those are the same.
    fn open(&mut self, accesses: &[Access<'_>]) {
        let mut groups: BTreeMap<(RuleAction, Vec<usize>), Vec<SmolStr>> = BTreeMap::new();
        for access in accesses {
            let at = |rule: &Rule| self.rules.iter().position(|other| std::ptr::eq(other, rule));
            let rules = access.openings.iter().filter_map(|opening| at(opening.rule)).collect();
            groups.entry((access.command, rules)).or_default().push(access.role.clone());
        }
        let mut whole: BTreeMap<(&Vec<usize>, &Vec<SmolStr>), usize> = BTreeMap::new();
        for ((_, rules), roles) in &groups {
            *whole.entry((rules, roles)).or_default() += 1;
        }
        for ((action, rules), roles) in &groups {
            let all = whole[&(rules, roles)] == 4;
            match all {
                true if *action == RuleAction::Select => self.permit(Command::All, "all", rules, roles),
                true => {}
                false => self.permit(command(*action), action.word(), rules, roles),
            }
        }
    }

    fn permit(&mut self, command: Command, word: &str, rules: &[usize], roles: &[SmolStr]) {
        let conditions = match rules {
            [only] => self.conditions[*only].clone(),
            many => {
                let many: Vec<&Rule> = many.iter().map(|at| &self.rules[*at]).collect();
                let mut asked = std::mem::take(&mut self.lowered.helpers);
                let made =
                    conditions(self.model, self.guarded, &many, self.shared, false, &mut self.lowered, &mut asked);
                self.lowered.helpers = asked;
                made
            }
        };
        self.lowered.found.calls.extend(conditions.calls.iter().map(|id| (id.clone(), roles.to_vec())));
        let said = rules.iter().map(|at| &self.rules[*at]).map(|rule| match &rule.doc {
            Some(doc) => format!("{}: {}", rule.name, doc.split_whitespace().collect::<Vec<_>>().join(" ")),
            None => rule.name.to_string(),
        });
        let comment = said.collect::<Vec<_>>().join("\n");
        let name = format!("{}_{word}", roles.join("_"));
        self.add(name.into(), true, command, roles, conditions, Some(comment.into()));
    }

    fn add(
        &mut self,
        name: SmolStr,
        permissive: bool,
        command: Command,
        roles: &[SmolStr],
        conditions: Conditions,
        comment: Option<SmolStr>,
    ) {
        let entity = self.guarded.entity;
        let mut name = match self.guarded.bucket {
            Some(bucket) => format!("{}: {name}", bucket.name),
            None => name.to_string(),
        };
        while !self.names.insert(crate::names::cut(&name, 63)) {
            name.push_str("_rules");
        }
        let there = |expr: SqlExpr| match self.guarded.bucket {
            Some(bucket) => in_bucket(expr, bucket, !permissive),
            None => expr,
        };
        let reads_old = command != Command::Insert;
        let writes_new = !matches!(command, Command::Select | Command::Delete);
        let mut entry = Entry::new(Policy {
            table: crate::structure::table_of(entity),
            name: crate::names::cut(&name, 63),
            permissive,
            command,
            roles: roles.iter().filter(|role| *role != PUBLIC).cloned().collect(),
            using: conditions.using.filter(|_| reads_old).map(there),
            check: conditions.check.filter(|_| writes_new).map(there),
        });
        entry.comment = comment;
        entry.area = self.guarded.area();
        let why = "its condition calls this function";
        let queried = conditions.queried.into_iter().map(|id| Dependency::new(id, "its condition reads this"));
        entry.depends = conditions.calls.into_iter().map(|id| Dependency::new(id, why)).chain(queried).collect();
        self.lowered.entries.push(entry);
    }
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

/// A policy that keeps files in their bucket, where one is needed.
pub(super) fn stay_in_bucket(model: &Model, objects: &Entity, shared: &FxHashSet<ObjectId>) -> Option<Lowered> {
    if !effective::files_stay(model, objects) {
        return None;
    }
    let text = |name: &str| specc_catalog::DataType::builtin(name);
    let wanted = Wanted {
        params: vec![text("uuid")],
        answer: Answer::Value(text("text")),
        body: "select o.bucket_id\n  from storage.objects as o\n  where o.id = $1".into(),
        reads: vec![objects.id],
        functions: Vec::new(),
    };
    let mut lowered = Lowered::default();
    let id = lowered.helpers.get(model, wanted, shared);
    lowered.found.calls.push((id.clone(), vec![PUBLIC.into()]));
    let call = quote::qualified(&id.schema, &id.name);
    let mut entry = Entry::new(Policy {
        table: crate::structure::table_of(objects),
        name: "files_stay_in_their_bucket".into(),
        permissive: false,
        command: Command::Update,
        roles: Vec::new(),
        using: None,
        check: Some(SqlExpr {
            text: format!("bucket_id = {call}(id)").into(),
            columns: vec!["bucket_id".into(), "id".into()],
        }),
    });
    entry.comment = Some("What a rule of one bucket opens does not become a file of another.".into());
    entry.area = model.buckets.first().map(|bucket| bucket.meta.area.clone()).unwrap_or_default();
    entry.depends = vec![Dependency::new(id, "its condition calls this function")];
    lowered.entries.push(entry);
    Some(lowered)
}
