//! What is asked of every entity, a file for each kind of question. `crates/diag/pages` says of each code what it is about.

mod belonging;
mod kept;
mod members;
mod owners;
mod rules;
mod through;
mod writing;

pub(crate) use through::is_looked_into;

use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::demand::{Asked, Demand, demand};
use crate::membership::{Membership, memberships};
use crate::sorts::Sorts;
use crate::verdict::{Question, Verdict, name};
use crate::world::{RowId, World};
use specc_diag::{Code, Span};
use specc_model::{Entity, EntityId, FieldIx, Model, RuleAction};

/// A verdict about one property of one entity.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was asked.
    pub code: Code,
    /// Of which entity.
    pub entity: String,
    /// What should be, as a sentence that is true if it is proven.
    pub claim: String,
    /// What is wrong where it does not hold.
    pub wrong: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The entity, rule or predicate that it is about.
    pub span: Span,
}

/// What all questions share.
pub struct Context<'m> {
    pub(crate) model: &'m Model,
    pub(crate) sorts: &'m Sorts,
    pub(crate) roles: Vec<Role>,
    pub(crate) memberships: Vec<Membership>,
    /// So many rows more of each table than decide.
    more: usize,
}

impl<'m> Context<'m> {
    /// What a model says of roles and memberships; `more` rows of each table than decide are looked at.
    pub fn new(model: &'m Model, sorts: &'m Sorts, more: usize) -> Self {
        Self { model, sorts, roles: crate::roles(model), memberships: memberships(model), more }
    }

    fn world(&self, demand: &Demand, role: &Role) -> World<'m> {
        let mut sizes = demand.sizes.clone();
        if self.more > 0 {
            self.model.entities.iter().for_each(|entity| *sizes.entry(entity.id).or_insert(1) += self.more);
        }
        World::new(self.model, self.sorts, sizes, role.clone())
    }

    fn signed_in(&self) -> impl Iterator<Item = &Role> {
        self.roles.iter().filter(|role| role.signed_in)
    }

    fn name(&self, entity: EntityId) -> String {
        name(self.model, entity)
    }
}

/// All findings about an entity.
pub fn of<'m>(context: &Context<'m>, entity: &'m Entity) -> Vec<Finding> {
    let mut found = Vec::new();
    rules::ask(context, entity, &mut found);
    writing::ask(context, entity, &mut found);
    owners::ask(context, entity, &mut found);
    members::ask(context, entity, &mut found);
    belonging::ask(context, entity, &mut found);
    kept::ask(context, entity, &mut found);
    found
}

/// What is asked of views and functions.
pub fn past_the_rules(context: &Context<'_>) -> Vec<Finding> {
    through::ask(context)
}

/// A row that somebody reads or writes, by a statement that reads nothing else.
pub(crate) struct Act<'m> {
    world: World<'m>,
    demand: Demand,
    role: Role,
    command: RuleAction,
    /// The row as it is.
    old: Option<RowId>,
    /// The row as it will be.
    new: Option<RowId>,
    /// That it may be.
    allowed: Lit,
    /// When each rule lets it through, in the order of [`Right::openings`].
    opened: Vec<Lit>,
}

impl<'m> Act<'m> {
    /// What `right` allows, in a database with rows enough for that, for `columns` to be read of it, and for `others` too.
    pub(crate) fn new(
        context: &Context<'m>,
        right: &Right<'m>,
        role: &Role,
        columns: &[(EntityId, FieldIx)],
        others: impl IntoIterator<Item = Asked<'m>>,
    ) -> Self {
        let entity = right.entity.id;
        let own = right.conditions().into_iter().map(|(formula, holds)| (entity, formula, holds));
        // A row that is changed refers to something before, and to something afterwards.
        let rows = if right.command == RuleAction::Update { vec![entity, entity] } else { vec![entity] };
        let demand = demand(context.model, &rows, columns, own.chain(others));
        let mut world = context.world(&demand, role);
        let (old, new) = match right.command {
            RuleAction::Insert => (None, Some(world.inserted(entity, |field| right.writes(field)))),
            RuleAction::Update => {
                let old = world.table(entity)[0];
                let fields = (0..right.entity.fields.len()).filter(|field| right.writes(*field));
                (Some(old), Some(world.updated(old, fields)))
            }
            RuleAction::Select | RuleAction::Delete => (Some(world.table(entity)[0]), None),
        };
        let mut allowed = Lit::TRUE;
        let mut opened = Vec::new();
        if let Some(old) = old {
            let exists = world.rows[old].exists;
            let (reached, by) = right.reaches(&mut world, old);
            allowed = world.circuit.and(exists, reached);
            opened = by;
        }
        if let Some(new) = new {
            let (accepted, by) = right.accepts(&mut world, new);
            let columns = right.writes_columns(&mut world, old, new);
            allowed = world.circuit.all([allowed, accepted, columns]);
            if old.is_none() {
                opened = by;
            }
        }
        let opened = opened.into_iter().map(|(_, lit)| lit).collect();
        let (role, command) = (role.clone(), right.command);
        Self { world, demand, role, command, old, new, allowed, opened }
    }

    /// That it may be.
    pub(crate) fn allowed(&self) -> Lit {
        self.allowed
    }

    /// The database.
    pub(crate) fn world(&mut self) -> &mut World<'m> {
        &mut self.world
    }

    /// The row as it is, and as it will be.
    pub(crate) fn rows(&self) -> (Option<RowId>, Option<RowId>) {
        (self.old, self.new)
    }

    /// All of it, for a question of another kind.
    pub(crate) fn into_parts(self) -> (World<'m>, Demand, RuleAction, Option<RowId>, Option<RowId>) {
        (self.world, self.demand, self.command, self.old, self.new)
    }

    /// The row that is there before, or else the one that is there afterwards.
    pub(crate) fn row(&self) -> RowId {
        self.old.or(self.new).unwrap_or_default()
    }

    /// The row that is there afterwards.
    fn after(&self) -> RowId {
        self.new.or(self.old).unwrap_or_default()
    }

    /// Whether it can be together with all of these.
    fn decide(mut self, together: &[Lit]) -> Verdict {
        let violation = self.world.circuit.all(together.iter().copied().chain([self.allowed]));
        let Self { world, demand, role, command, old, new, .. } = self;
        Question { world, violation, demand: &demand, command, old, new, role: &role.name }.decide()
    }
}

/// The conditions of a right where it must not hold.
fn denied<'m>(right: Option<&Right<'m>>) -> Vec<Asked<'m>> {
    let all = right.into_iter().flat_map(|right| right.conditions().into_iter().map(|c| (right.entity.id, c.0, !c.1)));
    all.collect()
}

/// The word of a command, as it is done to rows: `reads`, `inserts`.
fn does(command: RuleAction) -> &'static str {
    match command {
        RuleAction::Select => "reads",
        RuleAction::Insert => "inserts",
        RuleAction::Update => "updates",
        RuleAction::Delete => "deletes",
    }
}
