//! Databases that are meant: for every entity, role and command so many that each condition is once true, once false and
//! once null where it can be, that each rule lets through alone, and that every change of a rule shows.
//!
//! All that is wanted of a right is a wire of one circuit. The solver is asked for a database in which the next wish holds
//! that none of the databases before fulfils, with as few rows as it has to have. Nothing is drawn.

mod frame;
mod maker;
mod statements;
mod views;

pub(crate) use maker::smallest;

use crate::access::Role;
use crate::case::Case;
use crate::sorts::Sorts;
use maker::Maker;
use rayon::prelude::*;
use specc_diag::Span;
use specc_model::effective::{self, COMMANDS};
use specc_model::formula::Formula;
use specc_model::{Entity, EntityId, Model, Rule, RuleAction};
use specc_sql::quote;

/// How a statement is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It names the row by its key, and so reads.
    Keyed,
    /// Without `where`.
    All,
    /// `insert` alone.
    Values,
    /// `insert … returning`.
    Returning,
    /// `insert … on conflict (key) do nothing`.
    Conflict,
}

impl Way {
    /// Whether the rules for reading hold as well; a `select` is asked by those alone.
    pub(crate) fn reads(self, command: RuleAction) -> bool {
        match self {
            Way::Keyed | Way::Returning | Way::Conflict => true,
            Way::All | Way::Values => command == RuleAction::Select,
        }
    }
}

/// What comes of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// So many rows are read or written.
    Rows(u64),
    /// Postgres refuses it for want of a right (42501).
    Denied,
    /// The rules let it pass, and a reference to the row refuses it (23503).
    Kept,
}

/// A statement over a case.
#[derive(Clone, Debug)]
pub struct Statement {
    /// How it is written.
    pub way: Way,
    /// The row that it names, by its place in the case.
    pub row: Option<usize>,
    /// What should come of it.
    pub expected: Expected,
}

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    /// The table of an entity.
    Entity(EntityId),
    /// A view, by its place in [`Model::views`].
    View(usize),
}

impl Subject {
    /// Its name in messages.
    pub fn name(self, model: &Model) -> String {
        match self {
            Subject::Entity(id) => crate::verdict::name(model, id),
            Subject::View(at) => model.views[at].name.name.to_string(),
        }
    }

    /// Its schema and name, quoted.
    pub fn quoted(self, model: &Model) -> String {
        match self {
            Subject::Entity(id) => crate::replay::table(model, id),
            Subject::View(at) => quote::qualified(&model.views[at].name.schema, &model.views[at].name.name),
        }
    }
}

/// A database, who asks, and statements with what should come of them.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What is read or written.
    pub of: Subject,
    /// The database and who asks.
    pub case: Case,
    /// Each undone before the next.
    pub statements: Vec<Statement>,
    /// What it is for.
    pub goals: Vec<Aim>,
    /// The rules that decide.
    pub rules: Vec<Span>,
    /// Variants for which a statement comes out otherwise, by their places.
    pub kills: Vec<usize>,
}

/// What a database shows.
#[derive(Clone, Debug)]
pub struct Aim {
    /// The condition that it is about.
    pub span: Option<Span>,
    /// What is so: of the condition, or of the whole.
    pub words: String,
}

/// What is not asked, and why.
#[derive(Clone, Debug)]
pub struct Stuck {
    /// What is not asked.
    pub of: Subject,
    /// The role.
    pub role: String,
    /// The command.
    pub command: RuleAction,
    /// Why.
    pub why: String,
    /// Where that stands.
    pub span: Span,
}

/// An entity with one rule changed.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The entity with other rules.
    pub entity: Entity,
    /// The place of the rule that was changed.
    pub rule: usize,
    /// Whether it is gone.
    pub gone: bool,
    /// What was changed, in words.
    pub words: String,
    /// The rule.
    pub span: Span,
}

impl Variant {
    /// Whether the change can matter to what a role does by a command.
    fn matters(&self, model: &Model, of: &Entity, role: &Role, command: RuleAction) -> bool {
        let binds = |rule: &Rule| {
            let acts = rule.actions.iter().any(|(action, _)| *action == command || *action == RuleAction::Select);
            acts && effective::binds(model, rule, &role.acts_as)
        };
        binds(&of.rules[self.rule]) || !self.gone && binds(&self.entity.rules[self.rule])
    }
}

/// What the engine says of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// In no database does it differ; the flag: that is proven, not only looked for.
    Same(bool),
    /// It differs, but in no database that the tables take.
    Beyond,
    /// Whether it differs depends on what is not modelled.
    Open,
    /// Statements over databases of the matrix come out otherwise.
    Shown,
}

impl Standing {
    /// Of two rights together: that it shows for one of them, or else what is least known.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Standing::Same(a), Standing::Same(b)) => Standing::Same(a && b),
            (a, b) => a.max(b),
        }
    }
}

/// All that was made for a model.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// In the order of the spec.
    pub trials: Vec<Trial>,
    /// What is not asked.
    pub stuck: Vec<Stuck>,
    /// What became of each variant, in their order.
    pub standings: Vec<Standing>,
}

/// The conditions of changed rules.
fn conditions<'v>(variants: &[(usize, &'v Variant)]) -> Vec<(EntityId, &'v Formula)> {
    let rules =
        variants.iter().flat_map(|(_, variant)| variant.entity.rules.iter().map(|rule| (variant.entity.id, rule)));
    let exprs =
        rules.flat_map(|(entity, rule)| [&rule.when, &rule.check].into_iter().flatten().map(move |e| (entity, e)));
    exprs.map(|(entity, expr)| (entity, &expr.formula)).collect()
}

/// For every right of every entity that has rules (of `only` these, where some are named) the databases that try it, and those
/// for every view of what is of such an entity.
pub fn matrix(model: &Model, variants: &[Variant], only: &dyn Fn(&Entity) -> bool) -> Matrix {
    let mut all = Matrix { standings: vec![Standing::Same(true); variants.len()], ..Matrix::default() };
    let roles = crate::bound_roles(model);
    let guarded = model.entities.iter().filter(|entity| crate::is_guarded(entity) && !entity.external);
    let guarded: Vec<&Entity> = guarded.filter(|entity| only(entity)).collect();
    let of_entity = |entity: &&Entity| {
        let own = variants.iter().enumerate().filter(|(_, variant)| variant.entity.id == entity.id);
        let own: Vec<(usize, &Variant)> = own.collect();
        let sorts = Sorts::with(&[model], &conditions(&own));
        let mut made = Vec::new();
        for role in &roles {
            for command in COMMANDS {
                let own = own.iter().copied().filter(|(_, variant)| variant.matters(model, entity, role, command));
                let own: Vec<(usize, &Variant)> = own.collect();
                let found = Maker { model, sorts: &sorts, entity, role, command }.make(&own);
                made.push((own.iter().map(|(at, _)| *at).collect::<Vec<_>>(), found));
            }
        }
        made
    };
    let made: Vec<Vec<(Vec<usize>, Matrix)>> = guarded.par_iter().map(of_entity).collect();
    for (own, mut found) in made.into_iter().flatten() {
        all.trials.append(&mut found.trials);
        all.stuck.append(&mut found.stuck);
        for (at, standing) in own.iter().zip(found.standings) {
            all.standings[*at] = all.standings[*at].with(standing);
        }
    }
    let read: Vec<usize> = (0..model.views.len()).filter(|at| views::is_about(model, *at, only, 0)).collect();
    let sorts = if read.is_empty() { Sorts::default() } else { Sorts::of(model) };
    let of_view = |at: &usize| roles.iter().map(|role| views::of_view(model, &sorts, *at, role)).collect::<Vec<_>>();
    for mut found in read.par_iter().flat_map_iter(of_view).collect::<Vec<_>>() {
        all.trials.append(&mut found.trials);
        all.stuck.append(&mut found.stuck);
    }
    all
}
