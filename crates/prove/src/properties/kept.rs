//! Columns whose values something else than a client decides: triggers, who asks, the moment; and where rows start.

use super::{Act, Context, Finding};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::membership::{is_of_session, owners};
use crate::sorts::{self, Source};
use crate::verdict::Verdict;
use smol_str::SmolStr;
use specc_diag::codes;
use specc_facts::{Family, family};
use specc_model::formula::{Formula, Node, Row};
use specc_model::{Base, Entity, FieldIx, Model, RuleAction, TriggerAction, Workflow};
use specc_syntax::ast::TriggerTiming;
use std::collections::BTreeSet;

const WRITES: [RuleAction; 2] = [RuleAction::Insert, RuleAction::Update];

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    let table = context.name(entity.id);
    for (field, column) in entity.fields.iter().enumerate() {
        let kept = kept(context.model, entity, field);
        for (command, by) in WRITES.iter().flat_map(|command| kept.iter().map(move |by| (*command, by))) {
            for role in context.roles.iter().filter(|_| by.on.contains(&command)) {
                let Some(right) = context.right(entity.id, role, command) else { continue };
                let (name, does) = (&role.name, super::does(command));
                let what = format!("`{}` of `{table}`, {}", column.name, by.why);
                let claim = format!("`{name}` {does} no value of its own as {what}");
                let wrong = format!("`{name}` {does} any value as {what}");
                let verdict = if right.writes(field) {
                    own_value(context, &right, role, field, by.of_viewer)
                } else {
                    Verdict::Proven { rows: 0 }
                };
                let (code, span) = (codes::KEPT_IS_WRITTEN, column.meta.span);
                found.push(Finding { code, entity: table.clone(), claim, wrong, verdict, span });
            }
        }
    }
    for workflow in &entity.workflows {
        for role in &context.roles {
            let Some(right) = context.right(entity.id, role, RuleAction::Insert) else { continue };
            let (name, column) = (&role.name, &entity.fields[workflow.field].name);
            let claim =
                format!("a row of `{table}` that `{name}` inserts is at the start of the workflow of `{column}`");
            let wrong = format!("`{name}` inserts rows of `{table}` far along in the workflow of `{column}`");
            let verdict = starts_late(context, &right, role, workflow);
            let code = codes::LATE_START;
            found.push(Finding { code, entity: table.clone(), claim, wrong, verdict, span: workflow.span });
        }
    }
}

/// Why a column is not a client's to write.
struct Kept {
    why: String,
    /// When that is so.
    on: Vec<RuleAction>,
    /// It says who wrote the row.
    of_viewer: bool,
}

fn kept(model: &Model, entity: &Entity, field: FieldIx) -> Vec<Kept> {
    let column = &entity.fields[field];
    let mut found = Vec::new();
    let triggers = Triggers::of(model, entity, field);
    if let Some(by) = triggers.counts {
        let on = WRITES.into_iter().filter(|command| !triggers.sets.contains(command)).collect();
        found.push(Kept { why: format!("which {by} keeps"), on, of_viewer: false });
    } else if triggers.sets == BTreeSet::from([RuleAction::Update]) && column.default.as_ref().is_some_and(is_fixed) {
        let why = "from which a trigger counts".to_owned();
        found.push(Kept { why, on: vec![RuleAction::Insert], of_viewer: false });
    }
    let Some(default) = column.default.as_ref().map(|default| &default.formula) else { return found };
    if sorts::is_viewer(default)
        && !owners(model, entity).contains(&field)
        && !triggers.sets.contains(&RuleAction::Insert)
    {
        found.push(Kept { why: "which says who wrote it".into(), on: WRITES.to_vec(), of_viewer: true });
    }
    if is_moment(default) && limits_changes(entity, field) {
        found.push(Kept { why: "which says how long it may be changed".into(), on: WRITES.to_vec(), of_viewer: false });
    }
    found
}

/// What triggers do with a column.
#[derive(Default)]
struct Triggers {
    /// The trigger that gives it values in rows that nobody writes just then, such as a count of others.
    counts: Option<String>,
    /// When it is set whatever a client says.
    sets: BTreeSet<RuleAction>,
}

impl Triggers {
    fn of(model: &Model, entity: &Entity, field: FieldIx) -> Self {
        let mut made = Self::default();
        for owner in &model.entities {
            for trigger in owner.triggers.iter().filter(|trigger| trigger.enabled.as_deref() != Some("disabled")) {
                let writes = match &trigger.action {
                    TriggerAction::Body(_) => &trigger.writes,
                    TriggerAction::Execute { function, .. } => {
                        match model.functions.iter().find(|declared| declared.name == *function) {
                            Some(declared) => &declared.writes,
                            None => continue,
                        }
                    }
                };
                if !writes.contains(&(entity.id, field)) {
                    continue;
                }
                if owner.id == entity.id && trigger.timing == TriggerTiming::Before && trigger.per_row {
                    let event = |word: &str| trigger.events.iter().any(|(event, of)| event == word && of.is_empty());
                    made.sets.extend(WRITES.into_iter().filter(|command| event(command.word())));
                } else {
                    made.counts.get_or_insert(format!("trigger `{}` of `{}`", trigger.name, owner.name.name));
                }
            }
        }
        made
    }
}

fn is_fixed(default: &specc_model::ExprRef) -> bool {
    sorts::constant(&default.formula).is_some() && !is_time(&default.formula)
}

fn is_time(formula: &Formula) -> bool {
    matches!(&formula.ty.base, Base::Builtin(name) if family(name) == Family::Moment)
}

/// `now()`
fn is_moment(formula: &Formula) -> bool {
    is_time(formula) && matches!(sorts::session(formula), Some(Source::Session(_)))
}

/// Whether rules let rows be changed or deleted by what the column holds.
fn limits_changes(entity: &Entity, field: FieldIx) -> bool {
    let changes = |action: &RuleAction| matches!(action, RuleAction::Update | RuleAction::Delete);
    let rules = entity.rules.iter().filter(|rule| !rule.forbid || rule.unless);
    let rules = rules.filter(|rule| !rule.all && rule.actions.iter().any(|(action, _)| changes(action)));
    let mut found = false;
    for expr in rules.filter_map(|rule| rule.when.as_ref()) {
        expr.formula.visit(|part| {
            found |= matches!(part.node, Node::Column(Row::Scope(0), other) if other == field);
        });
    }
    found
}

/// Whether somebody gives a column another value than its own.
fn own_value<'m>(context: &Context<'m>, right: &Right<'m>, role: &Role, field: FieldIx, of_viewer: bool) -> Verdict {
    let columns = [(right.entity.id, field)];
    let mut act = Act::new(context, right, role, &columns, []);
    let (old, new) = act.rows();
    let Some(new) = new else { return Verdict::Proven { rows: 0 } };
    let other = match old {
        Some(old) => act.world().differs(old, new, field),
        None => act.world().given(new, field),
    };
    let mut wanted = vec![other];
    if of_viewer {
        let viewer = act.world().session(Source::Viewer);
        let value = act.world().value(new, field);
        let present = act.world().present(&value);
        let same = act.world().equal(&value, &viewer).yes;
        wanted.extend([present, !same]);
    }
    // Whoever may do everything by rank is not asked.
    let by_rank = by_rank(context, right, &mut act);
    wanted.push(!by_rank);
    act.decide(&wanted)
}

/// Whether a rule lets the row through for the rank alone of who asks.
fn by_rank<'m>(context: &Context<'m>, right: &Right<'m>, act: &mut Act<'m>) -> Lit {
    let opened = right.openings().iter().zip(&act.opened);
    let by: Vec<Lit> =
        opened.filter(|(opening, _)| is_of_session(context.model, opening.rule)).map(|(_, lit)| *lit).collect();
    act.world().circuit.any(by)
}

/// Whether a row is inserted in a state that a workflow leads to, and does not start with.
fn starts_late<'m>(context: &Context<'m>, right: &Right<'m>, role: &Role, workflow: &Workflow) -> Verdict {
    let column = &right.entity.fields[workflow.field];
    let default = column.default.as_ref().and_then(|default| default.formula.literal_text());
    let leads_to = |state: &SmolStr| workflow.steps.iter().any(|step| step.to == *state);
    let late: Vec<&SmolStr> =
        workflow.states.iter().filter(|state| leads_to(state) && Some(state.as_str()) != default).collect();
    // A trigger holds it to the states that it may start with.
    if !workflow.initial.is_empty() || !right.writes(workflow.field) || late.is_empty() {
        return Verdict::Proven { rows: 0 };
    }
    let mut act = Act::new(context, right, role, &[(right.entity.id, workflow.field)], []);
    let (_, Some(new)) = act.rows() else { return Verdict::Proven { rows: 0 } };
    let value = act.world().value(new, workflow.field);
    let is_late = |value: &sorts::Val| match value {
        sorts::Val::Text(text) => late.contains(&text),
        // A label that nobody names stands for all of those.
        _ => true,
    };
    let cases: Vec<Lit> = value.cases.iter().filter(|(_, value)| is_late(value)).map(|(lit, _)| *lit).collect();
    let reached = act.world().circuit.any(cases);
    let by_rank = by_rank(context, right, &mut act);
    act.decide(&[reached, !by_rank])
}
