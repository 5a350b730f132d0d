//! What the spec promises of access: what is never done to rows, and what always can be.

use super::followed::Way;
use super::rules::{is_said, some_row};
use super::{Act, Context, Finding, denied, does};
use crate::access::{Right, Role, granted};
use crate::aside::done_past_rules;
use crate::circuit::Lit;
use crate::demand::{Asked, reads};
use crate::encode::Env;
use crate::verdict::{Done, Question, Verdict};
use crate::world::{RowId, World};
use smol_str::SmolStr;
use specc_diag::codes;
use specc_model::effective::{PUBLIC, bypasses};
use specc_model::formula::Formula;
use specc_model::{Entity, Field, FieldIx, Model, Object, Promise, PromiseLine, RuleAction, Target};

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    for promise in &entity.promises {
        for line in &promise.lines {
            let roles = roles(context, entity, line);
            idle(context, entity, promise, line, &roles, found);
            for (command, columns) in &line.actions {
                for role in &roles {
                    let asked = Line { context, entity, line, role, command: *command, columns };
                    found.push(asked.finding(promise));
                }
            }
        }
    }
}

/// Whom a line is about: where it does not say, `deny` is about every role that rules bind, and `allow` about those that
/// reach the API.
fn roles(context: &Context<'_>, entity: &Entity, line: &PromiseLine) -> Vec<Role> {
    let model = context.model;
    let mut names: Vec<SmolStr> = line.roles.clone();
    if names.is_empty() {
        let supabase = model.options.target == Target::Supabase;
        names = context.roles.iter().map(|role| role.name.clone()).collect();
        if supabase && !line.deny {
            names.retain(|name| name == "anon" || name == "authenticated");
        } else if line.deny {
            let grants = model.grants.iter().filter(|grant| grant.object == Object::Entity(entity.id));
            names.extend(grants.flat_map(|grant| grant.roles.iter().cloned()));
            names.extend((!supabase).then(|| PUBLIC.into()));
        }
    }
    names.sort();
    names.dedup();
    names.retain(|name| !bypasses(model, name));
    names.iter().map(|name| Role::new(model, name)).collect()
}

/// A line that speaks of no row holds whatever the rules are.
fn idle<'m>(
    context: &Context<'m>,
    entity: &'m Entity,
    promise: &Promise,
    line: &'m PromiseLine,
    roles: &[Role],
    found: &mut Vec<Finding>,
) {
    let Some(when) = line.when.as_ref().map(|expr| &expr.formula).filter(|when| !is_said(when)) else { return };
    let Some(role) = roles.iter().max_by_key(|role| role.signed_in) else { return };
    let word = if line.unless { "unless" } else { "when" };
    let condition = line.when.as_ref().map_or("", |when| when.text.as_str());
    let claim = format!("promise `{}` speaks of a row: {word} `{condition}`", promise.text);
    let wrong = format!(
        "promise `{}` speaks of no row: {}",
        promise.text,
        match line.unless {
            true => "its condition holds of every row",
            false => "its condition holds of none",
        }
    );
    let verdict = some_row(context, entity, role, &[], (when, !line.unless));
    let (code, entity, span) = (codes::IDLE_PROMISE, context.name(entity.id), line.span);
    found.push(Finding { code, entity, claim, wrong, verdict, span });
}

/// The columns whose value is computed from one of these in every row.
fn computed_from(model: &Model, entity: &Entity, columns: &[FieldIx]) -> Vec<FieldIx> {
    let tells = |(_, column): &(FieldIx, &Field)| {
        let read = column.generated.as_ref().map(|expr| reads(model, entity.id, &expr.formula));
        read.is_some_and(|read| columns.iter().any(|of| read.contains(&(entity.id, *of))))
    };
    entity.fields.iter().enumerate().filter(tells).map(|(field, _)| field).collect()
}

/// A line, of one role and one command.
struct Line<'m, 'a> {
    context: &'a Context<'m>,
    entity: &'m Entity,
    line: &'m PromiseLine,
    role: &'a Role,
    command: RuleAction,
    columns: &'m [FieldIx],
}

impl<'m> Line<'m, '_> {
    fn finding(&self, promise: &Promise) -> Finding {
        let table = self.context.name(self.entity.id);
        let right = self.context.right(self.entity.id, self.role, self.command);
        let (verdict, how) = match self.line.deny {
            true => self.never(right.as_deref()),
            false => (self.allowed(right.as_deref()), String::new()),
        };
        let names: Vec<String> =
            self.columns.iter().map(|field| format!("`{}`", self.entity.fields[*field].name)).collect();
        let of = match names.is_empty() {
            true => format!("rows of `{table}`"),
            false => format!("{} of rows of `{table}`", names.join(", ")),
        };
        let condition = self.line.when.as_ref().map_or(String::new(), |when| {
            format!(" {} `{}`", if self.line.unless { "unless" } else { "when" }, when.text)
        });
        let condition =
            self.line.becoming.as_ref().map_or(condition.clone(), |new| format!("{condition} becoming `{}`", new.text));
        let (role, does, text) = (&self.role.name, does(self.command), &promise.text);
        let never = if self.line.deny { "never " } else { "always " };
        let claim = format!("`{text}`: `{role}` {never}{does} {of}{condition}");
        let by = match &verdict {
            Verdict::Counterexample(Some(case)) => case.by.as_ref(),
            _ => None,
        };
        let wrong = match (self.line.deny, by) {
            (true, Some((rule, _))) => {
                format!("by rule `{rule}` `{role}` {does} {of}{how}, against the promise `{text}`")
            }
            (true, None) => format!("`{role}` {does} {of}{how}, against the promise `{text}`"),
            (false, _) => {
                let word = self.command.word();
                format!("`{role}` cannot always {word} {of}, against the promise `{text}`")
            }
        };
        Finding { code: codes::BROKEN_PROMISE, entity: table, claim, wrong, verdict, span: self.line.span }
    }

    /// The conditions of the line, each with whether it has to hold.
    fn conditions(&self) -> Vec<Asked<'m>> {
        let when = self.line.when.as_ref().map(|expr| (self.entity.id, &expr.formula, !self.line.unless));
        let becoming = self.line.becoming.as_ref().map(|expr| (self.entity.id, &expr.formula, true));
        when.into_iter().chain(becoming).collect()
    }

    /// That the line is about this row: as it is, and as it will be.
    fn speaks(&self, world: &mut World<'m>, old: Option<RowId>, new: Option<RowId>) -> Lit {
        let mut all = Lit::TRUE;
        if let (Some(when), Some(row)) = (&self.line.when, old.or(new)) {
            let yes = world.condition(&when.formula, &Env::row(row)).yes;
            all = if self.line.unless { !yes } else { yes };
        }
        if let (Some(becoming), Some(row)) = (&self.line.becoming, new) {
            let yes = world.condition(&becoming.formula, &Env::row(row)).yes;
            all = world.circuit.and(all, yes);
        }
        all
    }

    /// Whether what is never to be is never: by no rule, by no grant that passes by them, and by no row that is referred to.
    /// Where it is, by what.
    fn never(&self, right: Option<&Right<'m>>) -> (Verdict, String) {
        let Self { context, entity, role, command, .. } = *self;
        if command == RuleAction::Delete
            && !granted(context.model, &Object::Entity(entity.id), role, "truncate").is_empty()
        {
            return (Verdict::Counterexample(None), " by `truncate`, which asks no rule".into());
        }
        let mut worst = (right.map_or(Verdict::Proven { rows: 0 }, |right| self.denied(right)), String::new());
        for way in Way::all(context.model, entity, command, self.columns) {
            let Some(top) = way.top().filter(|_| !matches!(worst.0, Verdict::Counterexample(_))) else { break };
            let verdict = match self.line.becoming {
                None => way.decide(context, role, self.conditions(), |world, row| self.speaks(world, Some(row), None)),
                Some(_) => Verdict::OutOfFragment { because: vec![self.line.span] },
            };
            if verdict.weight() > worst.0.weight() {
                worst = (verdict, format!(" by {} `{}`", way.doing(), context.name(top)));
            }
        }
        let unknown = Verdict::OutOfFragment { because: Vec::new() }.weight();
        if let (true, Some(span)) =
            (worst.0.weight() < unknown, done_past_rules(context.model, role, entity.id, command, self.columns))
        {
            worst = (Verdict::OutOfFragment { because: vec![span] }, String::new());
        }
        worst
    }

    /// Whether rules let it through, and by which.
    fn denied(&self, right: &Right<'m>) -> Verdict {
        // What is computed from a column tells it.
        let tells = self.command == RuleAction::Select;
        let told = if tells { computed_from(self.context.model, self.entity, self.columns) } else { Vec::new() };
        let fields: Vec<FieldIx> = self
            .columns
            .iter()
            .copied()
            .chain(told)
            .filter(|field| match self.command {
                RuleAction::Select => right.names(*field),
                _ => right.writes(*field),
            })
            .collect();
        if fields.is_empty() && !self.columns.is_empty() {
            return Verdict::Proven { rows: 0 };
        }
        let broken = |rule: Option<usize>| {
            let read: Vec<_> = fields.iter().map(|field| (self.entity.id, *field)).collect();
            let mut act = Act::new(self.context, right, self.role, &read, self.conditions());
            let (old, new) = act.rows();
            let speaks = self.speaks(act.world(), old, new);
            let mut together = vec![speaks];
            if let (Some(new), false) = (new, fields.is_empty()) {
                let written = fields.iter().map(|field| match old {
                    Some(old) => act.world.differs(old, new, *field),
                    None => act.world.given(new, *field),
                });
                let written: Vec<Lit> = written.collect();
                together.push(act.world.circuit.any(written));
            }
            together.extend(rule.map(|rule| act.opened[rule]));
            act.decide(&together)
        };
        let verdict = broken(None);
        if !matches!(verdict, Verdict::Counterexample(_)) {
            return verdict;
        }
        let opens = |by: &specc_model::effective::Opening<'m>| {
            fields.is_empty() || fields.iter().any(|field| right.opens(by, *field))
        };
        for (at, opening) in right.openings().iter().enumerate().filter(|(_, by)| opens(by)) {
            if let Verdict::Counterexample(Some(mut case)) = broken(Some(at)) {
                case.by = Some((opening.rule.name.clone(), opening.rule.span));
                return Verdict::Counterexample(Some(case));
            }
        }
        verdict
    }

    /// Whether what always can be done always can. A row is changed and deleted by its key, so it has to be read too;
    /// what is hidden is not there.
    fn allowed(&self, right: Option<&Right<'m>>) -> Verdict {
        let id = self.entity.id;
        let writes = matches!(self.command, RuleAction::Update | RuleAction::Delete);
        let select = if writes { self.context.right(id, self.role, RuleAction::Select) } else { None };
        let key = self.entity.key.as_ref().map_or(&[][..], |key| &key.fields);
        let finds = |select: &Right<'m>| key.iter().all(|field| select.names(*field));
        let read = |right: &Right<'m>| {
            self.columns.iter().all(|field| match self.command {
                RuleAction::Select => right.names(*field),
                _ => right.writes(*field),
            })
        };
        let right = right.filter(|right| read(right));
        let right = right.filter(|_| !writes || select.as_deref().is_some_and(finds));
        let rows = if self.command == RuleAction::Update { vec![id, id] } else { vec![id] };
        let fields: Vec<FieldIx> = match (self.columns, self.command, &self.line.becoming) {
            ([], RuleAction::Update, None) => Vec::new(),
            ([], ..) => (0..self.entity.fields.len()).filter(|f| right.is_none_or(|right| right.writes(*f))).collect(),
            (columns, ..) => columns.to_vec(),
        };
        let seen = denied(select.as_deref());
        let asked = self.conditions().into_iter().chain(denied(right)).chain(seen.clone()).chain(seen);
        let read: Vec<_> = self.columns.iter().map(|field| (id, *field)).collect();
        let demand = self.context.demand(&rows, &read, asked);
        let mut world = self.context.world(&demand, self.role);
        let (old, new) = world.touched(id, self.command, |field| fields.contains(&field));
        for field in self.columns {
            old.into_iter().chain(new).for_each(|row| drop(world.cell(row, *field)));
        }
        let mut violation = self.speaks(&mut world, old, new);
        if let Some(old) = old {
            let visible: Option<&'m Formula> = self.entity.visible.as_ref().map(|expr| &expr.formula);
            let visible = visible.map_or(Lit::TRUE, |formula| world.condition(formula, &Env::row(old)).yes);
            violation = world.circuit.all([violation, visible, world.rows[old].exists]);
        }
        let mut fine = Lit::FALSE;
        if let Some(right) = right {
            fine = right.lets(&mut world, old, new).0;
            for (row, select) in old.into_iter().chain(new).flat_map(|row| select.iter().map(move |it| (row, it))) {
                let seen = select.reaches(&mut world, row).0;
                fine = world.circuit.and(fine, seen);
            }
        }
        violation = world.circuit.and(violation, !fine);
        let done = vec![Done { command: self.command, old, new }];
        Question { world, violation, demand: &demand, done, role: &self.role.name }.decide()
    }
}
