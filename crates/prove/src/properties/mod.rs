//! What is asked of every entity, a file for each kind of question. `crates/diag/pages` says of each code what it is about.

mod act;
mod belonging;
mod claimed;
mod copies;
mod declared;
mod ended;
mod files;
mod followed;
mod gained;
mod invited;
mod kept;
mod managers;
mod members;
mod nobody;
mod oracles;
mod owners;
mod parents;
mod promises;
mod risky;
mod rules;
mod signed_up;
mod strangers;
mod summed;
mod through;
mod writing;
mod written;

pub(crate) use through::is_looked_into;

use crate::access::{Right, Role};
use crate::circuit::Budget;
use crate::demand::{Asked, Demand, demand};
use crate::membership::{Membership, memberships, owners_by_path};
use crate::rounds::Pool;
use crate::sorts::Sorts;
use crate::verdict::{Verdict, name};
use crate::world::World;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_diag::{Code, Span};
use specc_model::{Entity, EntityId, FieldIx, Model, RuleAction, TriggerAction};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

pub(crate) use act::Act;
pub use gained::Accused;

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

/// An entity, the name of a role, and what it does.
type Asking = (EntityId, SmolStr, RuleAction);

/// What questions about one entity share.
pub struct Context<'m> {
    shared: Arc<Shared<'m>>,
    budget: Budget,
    /// Rights that were asked for: a table of many rules is asked about as many times.
    rights: RefCell<FxHashMap<Asking, Option<Rc<Right<'m>>>>>,
}

impl<'m> Deref for Context<'m> {
    type Target = Shared<'m>;

    fn deref(&self) -> &Shared<'m> {
        &self.shared
    }
}

/// What all questions share.
pub struct Shared<'m> {
    pub(crate) model: &'m Model,
    pub(crate) sorts: &'m Sorts,
    pub(crate) roles: Vec<Role>,
    pub(crate) memberships: Vec<Membership<'m>>,
    /// The places of those whose rows are of an entity, and of those that are of its rows.
    of_members: BTreeMap<EntityId, Vec<usize>>,
    of_tenants: BTreeMap<EntityId, Vec<usize>>,
    /// Columns of each entity that say whose a row is.
    owners: Vec<Vec<FieldIx>>,
    /// Whether what is good advice only is asked too.
    strict: bool,
    /// So many rows more of each table than decide.
    more: usize,
}

impl<'m> Shared<'m> {
    /// What a model says of roles and memberships; `more` rows of each table than decide are looked at.
    pub fn new(model: &'m Model, sorts: &'m Sorts, strict: bool, more: usize) -> Self {
        let (owners, memberships) = (owners_by_path(model), memberships(model));
        let (mut of_members, mut of_tenants) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for (at, membership) in memberships.iter().enumerate() {
            of_members.entry(membership.members).or_default().push(at);
            of_tenants.entry(model.relation(membership.to).to).or_default().push(at);
        }
        Self {
            model,
            sorts,
            roles: crate::bound_roles(model),
            memberships,
            of_members,
            of_tenants,
            owners,
            strict,
            more,
        }
    }

    /// The memberships whose rows are of an entity.
    pub(crate) fn memberships_in(&self, members: EntityId) -> impl Iterator<Item = &Membership<'m>> {
        self.of_members.get(&members).into_iter().flatten().filter_map(|at| self.memberships.get(*at))
    }

    /// The memberships by which somebody belongs to rows of an entity.
    pub(crate) fn memberships_of(&self, tenant: EntityId) -> impl Iterator<Item = &Membership<'m>> {
        self.of_tenants.get(&tenant).into_iter().flatten().filter_map(|at| self.memberships.get(*at))
    }

    /// Columns that say whose a row of an entity is.
    pub(crate) fn owners(&self, entity: EntityId) -> &[FieldIx] {
        self.owners.get(entity.0 as usize).map_or(&[], Vec::as_slice)
    }

    fn signed_in(&self) -> impl Iterator<Item = &Role> {
        self.roles.iter().filter(|role| role.signed_in)
    }

    fn name(&self, entity: EntityId) -> String {
        name(self.model, entity)
    }
}

impl<'m> Context<'m> {
    /// For questions about one entity, or what else is asked for itself.
    pub fn new(shared: &Arc<Shared<'m>>, budget: Budget) -> Self {
        Self { shared: Arc::clone(shared), budget, rights: RefCell::default() }
    }

    /// What a role may do with rows of an entity; none where it may not at all.
    pub(crate) fn right(&self, entity: EntityId, role: &Role, command: RuleAction) -> Option<Rc<Right<'m>>> {
        let mut rights = self.rights.borrow_mut();
        let right = rights.entry((entity, role.name.clone(), command));
        right.or_insert_with(|| Right::of(self.shared.model, entity, role, command).map(Rc::new)).clone()
    }

    /// How many rows decide; unknown where no steps are left.
    fn demand(
        &self,
        rows: &[EntityId],
        columns: &[(EntityId, FieldIx)],
        conditions: impl IntoIterator<Item = Asked<'m>>,
    ) -> Demand {
        if self.budget.is_spent() {
            return Demand::none();
        }
        let demand = demand(self.model, rows, columns, conditions);
        self.budget.spend(demand.steps);
        demand
    }

    fn world(&self, demand: &Demand, role: &Role) -> World<'m> {
        let mut sizes = demand.sizes.clone();
        if self.more > 0 {
            self.model.entities.iter().for_each(|entity| *sizes.entry(entity.id).or_insert(1) += self.more);
        }
        World::new(self.model, self.sorts, sizes, role.clone()).about(demand.live.clone()).within(self.budget.clone())
    }
}

/// What is asked of rules that nothing else accuses: those at `accused` are not looked at.
pub fn of_steps<'m>(context: &Context<'m>, entity: &'m Entity, accused: &Accused) -> Vec<Finding> {
    let mut found = Vec::new();
    strangers::ask(context, entity, accused, &mut found);
    gained::ask(context, entity, accused, &mut found);
    found
}

/// The same of the table of files with the rules of a bucket.
pub fn of_steps_to_files<'m>(context: &Context<'m>, files: &'m Entity, accused: &Accused) -> Vec<Finding> {
    let mut found = Vec::new();
    gained::ask(context, files, accused, &mut found);
    found
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
    promises::ask(context, entity, &mut found);
    files::ask(context, entity, &mut found);
    claimed::ask(context, entity, &mut found);
    parents::ask(context, entity, &mut found);
    oracles::ask(context, entity, &mut found);
    risky::ask(context, entity, &mut found);
    declared::ask(context, entity, &mut found);
    ended::ask(context, entity, &mut found);
    nobody::ask(context, entity, &mut found);
    copies::ask(context, entity, &mut found);
    summed::ask(context, entity, &mut found);
    if context.strict {
        managers::ask(context, entity, &mut found);
        invited::ask(context, entity, &mut found);
    }
    found
}

/// What is asked of views and functions.
pub fn past_the_rules(shared: &Arc<Shared<'_>>, pool: &mut Pool) -> Vec<Finding> {
    let mut found = through::ask(shared, pool);
    signed_up::ask(shared, &mut found);
    found
}

/// The conditions of a right where it must not hold.
fn denied<'m>(right: Option<&Right<'m>>) -> Vec<Asked<'m>> {
    let all = right.into_iter().flat_map(|right| right.conditions().into_iter().map(|c| (right.entity.id, c.0, !c.1)));
    all.collect()
}

/// Whether a trigger of an entity executes a function of the library.
fn executes(entity: &Entity, function: &str) -> bool {
    let executes =
        |action: &TriggerAction| matches!(action, TriggerAction::Execute { function: of, .. } if of.name == function);
    entity.triggers.iter().any(|trigger| executes(&trigger.action))
}

/// The word of a command, as it is done to rows: `reads`, `inserts`.
pub(crate) fn does(command: RuleAction) -> &'static str {
    match command {
        RuleAction::Select => "reads",
        RuleAction::Insert => "inserts",
        RuleAction::Update => "updates",
        RuleAction::Delete => "deletes",
    }
}
