//! What changed about access from one spec to another: decided, not read off the texts.

use super::{Beside, beside};
use crate::Role;
use crate::properties::Finding;
use crate::sorts::Sorts;
use crate::verdict::{Verdict, name};
use crate::wider::{More, Pair};
use rayon::prelude::*;
use smol_str::SmolStr;
use specc_diag::{Span, codes};
use specc_model::effective::{COMMANDS, bypasses};
use specc_model::formula::Node;
use specc_model::{Entity, EntityId, ExprRef, FieldIx, Model, Qualified, Rls, RuleAction};
use std::collections::BTreeSet;

/// What a role may do with rows of an entity, compared.
pub struct Difference {
    /// The role.
    pub role: SmolStr,
    /// The entity, by its later name.
    pub entity: String,
    /// What is done.
    pub command: RuleAction,
    /// What it may afterwards and might not before.
    pub wider: More,
    /// What it might before and may not afterwards.
    pub narrower: More,
    /// Names of the columns of both.
    columns: (Vec<SmolStr>, Vec<SmolStr>),
    /// The entity, or the rule that opens it afterwards if it is one.
    pub span: Span,
}

/// All of it.
pub struct Compared {
    /// Every role, entity and command whose rules changed, or what those ask.
    pub all: Vec<Difference>,
    /// What is not compared, and why.
    pub left_out: Vec<String>,
    /// The roles that are compared.
    pub roles: Vec<SmolStr>,
    /// Every entity that both have, with rules that could be compared.
    pub entities: Vec<Qualified>,
    /// What the examples are of.
    pub model: Model,
}

/// Compares the access of two specs.
pub fn compare(old: &Model, new: &Model) -> Compared {
    let Some(Beside { before, after, new: added, gone, apart }) = beside(old, new) else {
        let why = "access is not compared: those who ask are not the same before and after";
        let (all, entities, roles) = (Vec::new(), Vec::new(), Vec::new());
        return Compared { all, left_out: vec![why.into()], roles, entities, model: new.clone() };
    };
    let sorts = Sorts::with(&[&after, &before], &[]);
    let pair = Pair { before: &before, after: &after, sorts: &sorts };
    let mut left_out = Vec::new();
    let mut changed = changed(&before, &after, &added);
    changed.retain(|id| !added.contains(id) && !gone.contains(id));
    changed.retain(|id| {
        let (was, is) = (before.entity(*id).rls, after.entity(*id).rls);
        match (was == Rls::Off, is == Rls::Off) {
            (false, false) => return true,
            (true, true) => {}
            (true, false) => left_out.push(format!("row level security of `{}` is on now", name(&after, *id))),
            (false, true) => {
                left_out.push(format!(
                    "row level security of `{}` is off now: who has a grant has every row",
                    name(&after, *id)
                ));
            }
        }
        false
    });
    for bucket in &new.buckets {
        let same = old.buckets.iter().find(|other| other.name == bucket.name);
        if same.is_some_and(|other| words(&other.rules) != words(&bucket.rules)) {
            left_out.push(format!("the rules of bucket `{}` are not compared", bucket.name));
        }
    }
    left_out.extend(super::otherwise::computed(&before, &after, &added));
    left_out.extend(super::otherwise::past_the_rules(old, new));
    let mut roles: Vec<SmolStr> =
        [&before, &after].into_iter().flat_map(crate::roles).map(|role: Role| role.name).collect();
    roles.sort();
    roles.dedup();
    roles.retain(|role| !bypasses(&after, role) && !bypasses(&before, role));
    // What is granted and who belongs to whom is asked once: it bears on every table.
    let all_of_it = format!("{:?} {:?}", before.grants, before.roles)
        != format!("{:?} {:?}", after.grants, after.roles)
        || before.options.derive != after.options.derive;
    let cells: Vec<(EntityId, &SmolStr, RuleAction)> = changed
        .iter()
        .flat_map(|id| roles.iter().flat_map(move |role| COMMANDS.map(move |command| (*id, role, command))))
        .filter(|(id, _, command)| all_of_it || touches(&before, &after, *id, *command))
        .collect();
    let cell = |(id, role, command): &(EntityId, &SmolStr, RuleAction)| {
        let without = |mut more: More| {
            // A column that only one of them has is no access that anybody gains or loses.
            more.columns.retain(|field| !apart.contains(&(*id, *field)));
            more
        };
        let wider = without(pair.more(role, *command, *id, None));
        let narrower = without(pair.turned().more(role, *command, *id, None));
        let names = |more: &More| -> Vec<SmolStr> {
            more.columns.iter().map(|field: &FieldIx| after.entity(*id).fields[*field].name.clone()).collect()
        };
        Difference {
            columns: (names(&wider), names(&narrower)),
            role: (*role).clone(),
            entity: name(&after, *id),
            command: *command,
            span: after.entity(*id).meta.span,
            wider,
            narrower,
        }
    };
    let all: Vec<Difference> = cells.par_iter().map(cell).collect();
    let both = |entity: &&Entity| !added.contains(&entity.id) && !gone.contains(&entity.id) && entity.rls != Rls::Off;
    let entities = after.entities.iter().filter(both).map(|entity| entity.name.clone()).collect();
    Compared { all, left_out, roles: roles.clone(), entities, model: after }
}

/// Whether what an entity's rules say of a command, or of the rows that it finds, is not the same, or asks about rows of others.
/// Where it is the same, in the same words, and about one row alone, nothing is changed for that command.
fn touches(before: &Model, after: &Model, id: EntityId, command: RuleAction) -> bool {
    let (a, b) = (before.entity(id), after.entity(id));
    let asked = |entity: &Entity| -> Vec<specc_model::Rule> {
        let speaks = |rule: &&specc_model::Rule| {
            rule.actions.iter().any(|(action, _)| *action == command || *action == RuleAction::Select)
        };
        entity.rules.iter().filter(speaks).cloned().collect()
    };
    let (was, is) = (asked(a), asked(b));
    let formulas = is.iter().flat_map(|rule| [&rule.when, &rule.check]).flatten();
    let alone = formulas.clone().all(|expr| {
        let mut alone = true;
        expr.formula.visit(|part| {
            alone &= !matches!(
                part.node,
                Node::Sql(_) | Node::Path(..) | Node::Exists(_) | Node::Predicate(..) | Node::ViewerField(_)
            ) && !matches!(&part.node, Node::Call(call) if call.declared.is_some())
                && !matches!(&part.node, Node::AsIs(sql) if !sql.objects.is_empty());
        });
        alone
    });
    let fields = |entity: &Entity| -> Vec<(bool, bool, bool)> {
        entity.fields.iter().map(|f| (f.immutable, f.generated.is_some(), f.maintained.is_some())).collect()
    };
    let formula = |expr: &Option<ExprRef>| expr.as_ref().map(|expr| expr.formula.unplaced());
    words(&was) != words(&is) || !alone || fields(a) != fields(b) || formula(&a.visible) != formula(&b.visible)
}

/// Rules without their places.
pub(super) fn words(rules: &[specc_model::Rule]) -> Vec<String> {
    rules
        .iter()
        .map(|rule| {
            let formula = |expr: &Option<ExprRef>| expr.as_ref().map(|expr| expr.formula.unplaced());
            let (when, check) = (formula(&rule.when), formula(&rule.check));
            let mut roles = rule.roles.clone();
            roles.sort();
            format!("{} {:?} {roles:?} {} {} {when:?} {check:?}", rule.forbid, rule.actions, rule.unless, rule.exact)
        })
        .collect()
}

/// Entities whose rules differ, or ask what differs.
fn changed(before: &Model, after: &Model, added: &BTreeSet<EntityId>) -> Vec<EntityId> {
    let guarded = |entity: &&Entity| !added.contains(&entity.id);
    let formula = |expr: &Option<ExprRef>| expr.as_ref().map(|expr| expr.formula.unplaced());
    let all: Vec<EntityId> = after.entities.iter().filter(guarded).map(|entity| entity.id).collect();
    let same_grants = {
        let said = |model: &Model| -> Vec<String> {
            let all = model.grants.iter().filter(|grant| matches!(grant.object, specc_model::Object::Entity(_)));
            let mut all: Vec<String> =
                all.map(|g| format!("{} {:?} {:?} {:?}", g.revoke, g.object, g.privileges, g.roles)).collect();
            all.sort();
            all
        };
        said(before) == said(after)
    };
    let roles = |model: &Model| -> Vec<String> {
        model.roles.iter().map(|role| format!("{} {:?} {:?}", role.name, role.member_of, role.options)).collect()
    };
    let hidden = |id: &EntityId| formula(&before.entity(*id).visible) != formula(&after.entity(*id).visible);
    let derived = before.options.derive == after.options.derive;
    if !same_grants || roles(before) != roles(after) || all.iter().any(hidden) || !derived {
        return all;
    }
    let kept = |model: &Model, id: EntityId| -> Vec<(bool, bool, bool, bool)> {
        let fields = model.entity(id).fields.iter();
        let identity = |f: &specc_model::Field| f.identity.as_ref().is_some_and(|identity| identity.0);
        fields.map(|f| (f.immutable, f.generated.is_some(), f.maintained.is_some(), identity(f))).collect()
    };
    let differs = |id: &EntityId| {
        let (a, b) = (before.entity(*id), after.entity(*id));
        words(&a.rules) != words(&b.rules) || a.rls != b.rls || kept(before, *id) != kept(after, *id)
    };
    let mut found: BTreeSet<EntityId> = all.iter().copied().filter(differs).collect();
    loop {
        let more: Vec<EntityId> = all
            .iter()
            .copied()
            .filter(|id| !found.contains(id))
            .filter(|id| {
                let entity = after.entity(*id);
                found.iter().any(|of| crate::why::asks_of(after, entity, *of))
            })
            .collect();
        if more.is_empty() {
            return found.into_iter().collect();
        }
        found.extend(more);
    }
}

impl Difference {
    /// Whether it is the same on both sides.
    pub fn is_none(&self) -> bool {
        self.wider.is_none() && self.narrower.is_none()
    }

    /// What is wider, in words.
    pub fn wider_lines(&self, model: &Model) -> Vec<String> {
        self.lines(model, &self.wider, &self.columns.0, ["more", "for example", "also"])
    }

    /// What is narrower, in words.
    pub fn narrower_lines(&self, model: &Model) -> Vec<String> {
        self.lines(model, &self.narrower, &self.columns.1, ["fewer", "no longer", "no longer"])
    }

    fn lines(&self, model: &Model, more: &More, columns: &[SmolStr], words: [&str; 3]) -> Vec<String> {
        let (role, table, does) = (&self.role, &self.entity, crate::properties::does(self.command));
        let [how_many, when, how] = words;
        let mut lines = Vec::new();
        match &more.rows {
            Verdict::Counterexample(case) => {
                let example = case.as_ref().map(|case| format!(": {when} {}", case.lines(model).join("; ")));
                lines.push(format!("`{role}` {does} {how_many} rows of `{table}`{}", example.unwrap_or_default()));
            }
            Verdict::OutOfFragment { .. } => lines.push(format!(
                "`{role}` {does} perhaps {how_many} rows of `{table}`: that depends on what is not modelled"
            )),
            Verdict::TooLarge => lines.push(format!(
                "`{role}` {does} perhaps {how_many} rows of `{table}`: the rules are too large to compare"
            )),
            Verdict::Proven { .. } | Verdict::Checked { .. } => {}
        }
        if !columns.is_empty() {
            let names: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
            lines.push(format!("`{role}` {how} {does} {} of `{table}`", names.join(", ")));
        }
        lines
    }
}

impl Compared {
    /// For each role, entity and command whether it is wider, as findings.
    pub fn findings(&self) -> Vec<Finding> {
        let finding = |difference: &Difference| {
            let (role, table) = (&difference.role, &difference.entity);
            let does = crate::properties::does(difference.command);
            let more = &difference.wider;
            let verdict = match &more.rows {
                Verdict::Proven { .. } | Verdict::Checked { .. } if !more.columns.is_empty() => {
                    Verdict::Counterexample(None)
                }
                verdict => verdict.clone(),
            };
            let columns: Vec<String> = difference.columns.0.iter().map(|name| format!("`{name}`")).collect();
            let wrong = match (&more.rows, columns.is_empty()) {
                (Verdict::Counterexample(_), _) | (_, true) => {
                    format!("`{role}` {does} rows of `{table}` that it did not before")
                }
                (_, false) => format!("`{role}` {does} {} of `{table}`, which it did not before", columns.join(", ")),
            };
            let claim = format!("`{role}` {does} nothing of `{table}` that it did not before");
            Finding { code: codes::WIDER, entity: table.clone(), claim, wrong, verdict, span: difference.span }
        };
        self.all.iter().map(finding).collect()
    }

    /// What is wider and narrower, for each role, entity and command.
    pub fn lines(&self) -> Vec<String> {
        let (mut lines, mut narrower) = (Vec::new(), Vec::new());
        for difference in &self.all {
            lines.extend(difference.wider_lines(&self.model));
            narrower.extend(difference.narrower_lines(&self.model));
        }
        lines.extend(narrower);
        let mut entities: Vec<&str> = self.all.iter().map(|difference| difference.entity.as_str()).collect();
        entities.dedup();
        for entity in entities {
            if self.all.iter().filter(|difference| difference.entity == entity).all(Difference::is_none) {
                lines.push(format!("everybody has the same rows of `{entity}` as before, in other words"));
            }
        }
        lines.extend(self.left_out.iter().cloned());
        lines
    }
}
