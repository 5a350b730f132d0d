//! Rules with one thing changed: what a slip of the author's would make of them. Tests that do not see the change would
//! not have seen the slip.

mod formula;

use formula::{Changed, Changes, Rows};
use rayon::prelude::*;
use specc_diag::Span;
use specc_model::effective::COMMANDS;
use specc_model::effective::{PUBLIC, grantees};
use specc_model::formula::{Formula, Value};
use specc_model::{Entity, Expr, Model, Predicate, Rls, Rule, RuleAction, Target};
use specc_prove::{Matrix, Right, Role, Standing, Variant, matrix};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A changed rule.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// The entity as messages name it.
    pub entity: String,
    /// The rule.
    pub rule: String,
    /// What was changed.
    pub words: String,
    /// Where the rule stands.
    pub span: Span,
    /// What the engine says of it.
    pub standing: Standing,
    /// It is seen by the privileges alone.
    pub by_privileges: bool,
    /// Whether it can be made on a server.
    pub is_sql: bool,
    /// The entity with the changed rule, and the predicates that it asks beside those of the spec.
    pub made: Arc<(Entity, Vec<Predicate>)>,
}

/// How many changes tests see.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// Changes that tests see.
    pub killed: usize,
    /// Changes that no test sees, by their places.
    pub live: Vec<usize>,
    /// Changes that are none: the rule is the same in every database.
    pub same: usize,
    /// The same in every database that was looked at.
    pub likely_same: usize,
    /// They would show in databases that the tables do not take.
    pub beyond: Vec<usize>,
    /// Whether they differ depends on what is not modelled.
    pub open: Vec<usize>,
}

impl Score {
    /// The score of mutants of which tests see `killed`.
    pub fn of(mutants: &[Mutant], killed: &BTreeSet<usize>) -> Self {
        let mut score = Self::default();
        for (at, mutant) in mutants.iter().enumerate() {
            match mutant.standing {
                _ if killed.contains(&at) || mutant.by_privileges => score.killed += 1,
                Standing::Same(true) => score.same += 1,
                Standing::Same(false) => score.likely_same += 1,
                Standing::Beyond => score.beyond.push(at),
                Standing::Open => score.open.push(at),
                Standing::Shown => score.live.push(at),
            }
        }
        score
    }

    /// In words.
    pub fn words(&self) -> String {
        let differ = self.killed + self.live.len();
        let share = if differ == 0 { 100.0 } else { 100.0 * self.killed as f64 / differ as f64 };
        format!(
            "mutants: {} of {differ} that differ are seen ({share:.1} %); {} are the same rule in every database, {} in all that were \
             looked at, {} differ in no database that the tables take, {} are not decided",
            self.killed,
            self.same,
            self.likely_same,
            self.beyond.len(),
            self.open.len()
        )
    }
}

/// The matrix of a spec, made so that it shows every change of a rule, and those changes. The numbers in
/// [`specc_prove::Trial::kills`] are places in their list.
pub fn mutants(model: &Model, only: &(dyn Fn(&Entity) -> bool + Sync)) -> (Matrix, Vec<Mutant>) {
    let roles = specc_prove::bound_roles(model);
    let entities: Vec<&Entity> =
        model.entities.iter().filter(|entity| !entity.external && entity.rls != Rls::Off && only(entity)).collect();
    let made: Vec<(Matrix, Vec<Mutant>)> = entities.par_iter().map(|entity| of_entity(model, entity, &roles)).collect();
    let (mut all, mut mutants) = (Matrix::default(), Vec::new());
    for (mut found, own) in made {
        let before = mutants.len();
        for trial in &mut found.trials {
            trial.kills.iter_mut().for_each(|at| *at += before);
        }
        all.trials.append(&mut found.trials);
        all.stuck.append(&mut found.stuck);
        mutants.extend(own);
    }
    all.standings = mutants.iter().map(|mutant| mutant.standing).collect();
    (all, mutants)
}

fn of_entity(model: &Model, entity: &Entity, roles: &[Role]) -> (Matrix, Vec<Mutant>) {
    let mut changes = Changes { model, predicates: Vec::new() };
    let mut found: Vec<(usize, Rule, String, bool)> = Vec::new();
    for (at, rule) in entity.rules.iter().enumerate() {
        for (rule, words, is_sql) in of_rule(&mut changes, entity, rule) {
            found.push((at, rule, words, is_sql));
        }
    }
    let predicates = changes.predicates;
    let mut wider = model.clone();
    wider.predicates.extend(predicates.iter().cloned());
    let variants: Vec<Variant> = found
        .iter()
        .map(|(at, rule, words, _)| {
            let mut changed = entity.clone();
            // One that is for nobody is not there.
            match rule.actions.is_empty() {
                true => drop(changed.rules.remove(*at)),
                false => changed.rules[*at] = rule.clone(),
            }
            let (words, span) = (words.clone(), entity.rules[*at].span);
            Variant { entity: changed, rule: *at, gone: rule.actions.is_empty(), words, span }
        })
        .collect();
    let made = matrix(&wider, &variants, &|other| other.id == entity.id);
    let mutants =
        found.into_iter().zip(&variants).zip(&made.standings).map(|(((at, _, words, is_sql), variant), is)| {
            let by_privileges = privileges(model, entity, roles) != privileges(model, &variant.entity, roles);
            Mutant {
                entity: specc_prove::name(model, entity.id),
                rule: entity.rules[at].name.to_string(),
                words,
                span: variant.span,
                standing: if by_privileges { Standing::Shown } else { *is },
                by_privileges,
                is_sql,
                made: Arc::new((variant.entity.clone(), predicates.clone())),
            }
        });
    let mutants = mutants.collect();
    (made, mutants)
}

/// What each role may do to each column.
fn privileges(model: &Model, entity: &Entity, roles: &[Role]) -> Vec<bool> {
    let mut all = Vec::new();
    for role in roles {
        for command in COMMANDS {
            let right = Right::of_rules(model, entity, role, command);
            match command {
                RuleAction::Delete => all.push(right.is_some()),
                _ => all.extend(
                    (0..entity.fields.len()).map(|field| right.as_ref().is_some_and(|right| right.names(field))),
                ),
            }
        }
    }
    all
}

/// Every change of one rule: the rule, what was changed, and whether SQL can say it.
fn of_rule(changes: &mut Changes<'_>, entity: &Entity, rule: &Rule) -> Vec<(Rule, String, bool)> {
    let mut all = Vec::new();
    let mut add = |rule: Rule, words: String, is_sql: bool| all.push((rule, words, is_sql));
    add(Rule { actions: Vec::new(), ..rule.clone() }, "it is not there".to_owned(), true);
    let model = changes.model;
    let everyone = if model.options.target == Target::Supabase { "anon" } else { PUBLIC };
    let named = grantees(model, rule);
    if !rule.forbid && !named.iter().any(|role| role == everyone || role == PUBLIC) {
        let mut roles = named;
        roles.push(everyone.into());
        add(Rule { roles, ..rule.clone() }, format!("it is for `{everyone}` too"), true);
    }
    if rule.unless {
        add(Rule { unless: false, ..rule.clone() }, "`unless` is `when`".to_owned(), true);
    }
    let rows = Rows::of(entity.id);
    for (is_check, expr) in [(false, &rule.when), (true, &rule.check)] {
        let Some(expr) = expr else { continue };
        let put = |formula: Formula| {
            let changed = Some(Arc::new(Expr { formula, text: expr.text.clone(), span: expr.span }));
            match is_check {
                true => Rule { check: changed, ..rule.clone() },
                false => Rule { when: changed, ..rule.clone() },
            }
        };
        let always = Formula::literal(Value::Boolean(true), expr.formula.ty.clone());
        let what = if is_check { "its check" } else { "its condition" };
        add(put(always), format!("{what} is always true"), true);
        for Changed { formula, words, is_sql } in changes.of(&expr.formula, &rows) {
            add(put(formula), format!("{what}: {words}"), is_sql);
        }
    }
    all
}

/// A predicate with another body.
fn with_body(predicate: &Predicate, formula: Formula) -> Predicate {
    let body = Expr { formula, text: predicate.body.text.clone(), span: predicate.body.span };
    Predicate { body: Arc::new(body), ..predicate.clone() }
}
