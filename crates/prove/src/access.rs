//! What a role may do with a row: effective access as wires of a circuit.

use crate::circuit::Lit;
use crate::encode::Env;
use crate::world::{RowId, World};
use smol_str::SmolStr;
use specc_model::effective::{self, Decision, Effective, Guard, Opening};
use specc_model::formula::{Formula, Node, Row};
use specc_model::scope::PathStep;
use specc_model::{Entity, EntityId, FieldIx, Model, Object, Rls, Rule, RuleAction};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The role of the session.
    pub name: SmolStr,
    /// All whose rights it has.
    pub acts_as: Vec<SmolStr>,
    /// Whether there is a key of who asks.
    pub signed_in: bool,
}

impl Role {
    /// A role of the spec.
    pub fn new(model: &Model, name: &str) -> Self {
        Self { name: name.into(), acts_as: effective::acts_as(model, name), signed_in: name != "anon" }
    }
}

/// Whether a role may use a view or a function, which is open to `roles` and to whom it is granted.
pub fn may_use(model: &Model, role: &Role, roles: &[SmolStr], of: &Object, privilege: &str) -> bool {
    let granted = model.grants.iter().filter(|grant| !grant.revoke && grant.object == *of);
    let granted = granted.filter(|grant| grant.privileges.iter().any(|(name, _)| name == privilege || name == "all"));
    let mut all = roles.iter().chain(granted.flat_map(|grant| &grant.roles));
    all.any(|name| role.acts_as.contains(name))
}

/// What decides about a role and a command.
pub struct Right<'m> {
    /// The entity.
    pub entity: &'m Entity,
    /// The command.
    pub command: RuleAction,
    decision: Decision<'m>,
    guard: Option<Guard<'m>>,
    /// Whether the role has the privilege on each column.
    named: Vec<bool>,
    /// A column that a policy of the platform's keeps as it is.
    stays: Option<FieldIx>,
    role: Role,
    model: &'m Model,
}

/// A rule that opens something, and when it does.
pub type Opened<'m> = Vec<(&'m Rule, Lit)>;

impl<'m> Right<'m> {
    /// None where the role may not at all.
    pub fn of(model: &'m Model, entity: EntityId, role: &Role, command: RuleAction) -> Option<Self> {
        Self::of_rules(model, model.entity(entity), role, command)
    }

    /// The same of an entity with other rules than the model's.
    pub fn of_rules(model: &'m Model, entity: &'m Entity, role: &Role, command: RuleAction) -> Option<Self> {
        if entity.rls == Rls::Off {
            return None;
        }
        let decision = Effective::decision(model, entity, &role.acts_as, command)?;
        let listed = entity.rules.iter().flat_map(|rule| &rule.actions);
        let listed = listed.filter(|(action, columns)| *action == command && !columns.is_empty()).count() > 0;
        let guard = listed
            .then(|| Effective::of(model, entity, &entity.rules).guards.into_iter().find(|g| g.command == command));
        let mut granted = grants(model, entity.id, role, command);
        if crate::files::is_files(entity) && matches!(role.name.as_str(), "anon" | "authenticated") {
            // The platform grants its table whole.
            granted.push(&[]);
        }
        // A rule that is taken as it is written brings no grant.
        let ruled = model.options.derive && decision.openings.iter().any(|opening| !opening.rule.exact);
        if !ruled && granted.is_empty() {
            return None;
        }
        let of_rules = |field| ruled && decision.columns.as_ref().is_none_or(|columns| columns.contains(&field));
        let by_grant = |name| granted.iter().any(|columns| columns.is_empty() || columns.contains(name));
        let names = entity.fields.iter().enumerate().map(|(field, column)| of_rules(field) || by_grant(&column.name));
        let named = names.collect();
        let stays = crate::files::is_files(entity).then(|| entity.field("bucket_id")).flatten();
        let stays = stays.filter(|_| command == RuleAction::Update && crate::files::stay(model, entity));
        Some(Self { entity, command, decision, guard: guard.flatten(), named, stays, role: role.clone(), model })
    }

    /// Whether the role can give a column a value.
    pub fn writes(&self, field: FieldIx) -> bool {
        is_given(self.entity, self.command, field) && self.stays != Some(field) && self.names(field)
    }

    /// The columns that it reads or writes, in the order of the table.
    pub fn columns(&self) -> Vec<FieldIx> {
        let all = 0..self.entity.fields.len();
        match self.command {
            RuleAction::Insert | RuleAction::Update => all.filter(|field| self.writes(*field)).collect(),
            RuleAction::Select => all.filter(|field| self.names(*field)).collect(),
            RuleAction::Delete => Vec::new(),
        }
    }

    /// Whether the role has the privilege on a column: a rule or a grant names it, or all.
    pub fn names(&self, field: FieldIx) -> bool {
        self.named.get(field).is_some_and(|named| *named)
    }

    /// The rules that open it.
    pub fn openings(&self) -> &[Opening<'m>] {
        &self.decision.openings
    }

    /// Whether a rule that opens it lets the column be written. Where others name the column and it does not, one of those
    /// has to let the row through, and what is wrong is theirs.
    pub fn opens(&self, opening: &Opening<'m>, field: FieldIx) -> bool {
        let guarded = self.guard.iter().flat_map(|guard| &guard.columns).find(|column| column.field == field);
        let rules = guarded.and_then(|column| column.opened_by.as_ref());
        rules.is_none_or(|rules| rules.iter().any(|rule| std::ptr::eq(*rule, opening.rule)))
    }

    /// All conditions that it asks, and whether each has to hold (or not). One that is asked of the row before an update
    /// and of the row after it is there twice, if it can be another row that answers.
    pub fn conditions(&self) -> Vec<(&'m Formula, bool)> {
        let both = |rule: &'m Rule| {
            let again = rule
                .when
                .as_ref()
                .filter(|when| self.command == RuleAction::Update && rule.check.is_none() && self.moves(&when.formula));
            [&rule.when, &rule.check].into_iter().flatten().chain(again).map(|expr| &expr.formula)
        };
        let opening = self.decision.openings.iter().flat_map(|o| both(o.rule).map(|formula| (formula, true)));
        let closing =
            self.decision.narrowings.iter().copied().chain(self.decision.closed.iter().map(|(rule, _)| *rule));
        let closing = closing.flat_map(|rule| both(rule).map(|formula| (formula, rule.unless)));
        opening.chain(closing).collect()
    }

    /// Whether a condition reads something of the row that may change.
    fn moves(&self, formula: &Formula) -> bool {
        let mut moves = false;
        formula.visit(|part| {
            let start = |row: &Row, steps: &[PathStep]| match (row, steps.first()) {
                (Row::Scope(_), Some(step)) => {
                    let relation = self.model.relation(step.relation);
                    let fields = if step.back { &relation.to_fields } else { &relation.fields };
                    fields.iter().any(|field| self.writes(*field))
                }
                (Row::Scope(_), None) => true,
                _ => false,
            };
            moves |= match &part.node {
                Node::Column(Row::Scope(_), field) => self.writes(*field),
                Node::Path(row, steps, _) | Node::Whole(row, steps) => start(row, steps),
                Node::Exists(exists) => start(&exists.row, &exists.steps),
                Node::AsIs(_) | Node::Sql(_) => true,
                _ => false,
            };
        });
        moves
    }

    /// Whether it lets the statement through that makes `new` of `old`, and by which rules: those of the row as it is, where
    /// there is one.
    pub fn lets(&self, world: &mut World<'m>, old: Option<RowId>, new: Option<RowId>) -> (Lit, Opened<'m>) {
        let (mut lets, mut opened) = (Lit::TRUE, Vec::new());
        if let Some(old) = old {
            (lets, opened) = self.reaches(world, old);
        }
        if let Some(new) = new {
            let (accepted, by) = self.accepts(world, new);
            let columns = self.writes_columns(world, old, new);
            lets = world.circuit.all([lets, accepted, columns]);
            if old.is_none() {
                opened = by;
            }
        }
        (lets, opened)
    }

    /// Whether it lets a row that is there through, and by which rules.
    pub fn reaches(&self, world: &mut World<'m>, row: RowId) -> (Lit, Opened<'m>) {
        self.holds(world, row, |rule| rule.when.as_ref().map(|expr| &expr.formula))
    }

    /// Whether it lets a row through as it will be.
    pub fn accepts(&self, world: &mut World<'m>, row: RowId) -> (Lit, Opened<'m>) {
        self.holds(world, row, checked)
    }

    fn holds(
        &self,
        world: &mut World<'m>,
        row: RowId,
        condition: impl Fn(&'m Rule) -> Option<&'m Formula>,
    ) -> (Lit, Opened<'m>) {
        if world.circuit.is_full() {
            return (Lit::FALSE, self.openings().iter().map(|opening| (opening.rule, Lit::FALSE)).collect());
        }
        let mut opened = Vec::new();
        for opening in &self.decision.openings {
            let lit = match condition(opening.rule) {
                Some(formula) => world.condition(formula, &Env::row(row)).yes,
                None => Lit::TRUE,
            };
            opened.push((opening.rule, lit));
        }
        let mut all = world.circuit.any(opened.iter().map(|(_, lit)| *lit));
        for rule in &self.decision.narrowings {
            let passes = passes(world, row, rule, condition(rule));
            all = world.circuit.and(all, passes);
        }
        (all, opened)
    }

    /// Whether rules let the columns be written that differ from row to row: `old` is none for a new row.
    pub fn writes_columns(&self, world: &mut World<'m>, old: Option<RowId>, new: RowId) -> Lit {
        let Some(guard) = &self.guard else { return Lit::TRUE };
        let mut all = Lit::TRUE;
        for column in &guard.columns {
            if world.circuit.stops() {
                return Lit::FALSE;
            }
            if !self.writes(column.field) {
                continue;
            }
            let changed = match old {
                Some(old) => world.differs(old, new, column.field),
                None => world.given(new, column.field),
            };
            if let Some(rules) = &column.opened_by {
                let mut opened = Vec::new();
                for rule in rules {
                    if !binds(world.model, rule, &self.role) {
                        continue;
                    }
                    let mut lit = match (old, &rule.when) {
                        (Some(old), Some(when)) => world.condition(&when.formula, &Env::row(old)).yes,
                        _ => Lit::TRUE,
                    };
                    if let Some(check) = checked(rule) {
                        let holds = world.condition(check, &Env::row(new)).yes;
                        lit = world.circuit.and(lit, holds);
                    }
                    opened.push(lit);
                }
                let opened = world.circuit.any(opened);
                let fine = world.circuit.or(!changed, opened);
                all = world.circuit.and(all, fine);
            }
            for rule in &column.closed_by {
                if !binds(world.model, rule, &self.role) {
                    continue;
                }
                let passes = passes(world, new, rule, checked(rule));
                let fine = world.circuit.or(!changed, passes);
                all = world.circuit.and(all, fine);
            }
        }
        all
    }
}

/// Whether anybody gives the column a value: it is not computed, and an update may change it.
pub(crate) fn is_given(entity: &Entity, command: RuleAction, field: FieldIx) -> bool {
    let column = &entity.fields[field];
    let computed = column.generated.is_some() || column.maintained.is_some();
    let fixed = command == RuleAction::Update && column.immutable;
    let kept = column.identity.as_ref().is_some_and(|identity| identity.0);
    !computed && !fixed && !kept
}

/// What the author grants beside the rules.
pub struct Granted<'m> {
    /// The columns of each grant; all, where none is named.
    pub columns: Vec<&'m [SmolStr]>,
    /// Something is taken away as well, so that what is left depends on the order.
    pub revoked: bool,
}

impl<'m> Granted<'m> {
    /// Of a command on an entity to a role.
    pub fn of(model: &'m Model, entity: EntityId, role: &Role, command: RuleAction) -> Self {
        let of_role = |grant: &specc_model::Grant| {
            grant.object == Object::Entity(entity) && grant.roles.iter().any(|grantee| role.acts_as.contains(grantee))
        };
        let revoked = model.grants.iter().any(|grant| grant.revoke && of_role(grant));
        Self { columns: grants(model, entity, role, command), revoked }
    }

    /// Whether a grant names the column, or the whole table.
    pub fn covers(&self, column: Option<&SmolStr>) -> bool {
        self.columns.iter().any(|columns| columns.is_empty() || column.is_some_and(|name| columns.contains(name)))
    }
}

/// The columns of each grant of a command on an entity to a role.
pub(crate) fn grants<'m>(model: &'m Model, entity: EntityId, role: &Role, command: RuleAction) -> Vec<&'m [SmolStr]> {
    granted(model, &Object::Entity(entity), role, command.word())
}

/// The columns of each grant of a privilege on something to a role.
pub(crate) fn granted<'m>(model: &'m Model, of: &Object, role: &Role, word: &str) -> Vec<&'m [SmolStr]> {
    let to = |grant: &&specc_model::Grant| {
        let all = |grantee: &SmolStr| role.acts_as.contains(grantee);
        !grant.revoke && grant.object == *of && grant.roles.iter().any(all)
    };
    let privileges = model.grants.iter().filter(to).flat_map(|grant| &grant.privileges);
    privileges.filter(|(name, _)| name == word || name == "all").map(|(_, columns)| columns.as_slice()).collect()
}

/// What a rule asks of a row that is written.
pub(crate) fn checked(rule: &Rule) -> Option<&Formula> {
    rule.check.as_ref().or(rule.when.as_ref()).map(|expr| &expr.formula)
}

pub(crate) fn binds(model: &Model, rule: &Rule, role: &Role) -> bool {
    effective::binds(model, rule, &role.acts_as)
}

/// Whether a forbidding rule lets the row pass.
pub(crate) fn passes<'m>(world: &mut World<'m>, row: RowId, rule: &'m Rule, condition: Option<&'m Formula>) -> Lit {
    let Some(condition) = condition else { return Lit::FALSE };
    let holds = world.condition(condition, &Env::row(row)).yes;
    // One that is taken as it is written says what has to hold.
    if rule.unless || rule.exact { holds } else { !holds }
}

/// Queries in conditions of tables whose conditions have queries end somewhere: Postgres refuses those that do not.
const DEEPEST: usize = 8;

/// Whether who asks reads the row by a query of her own.
pub fn sees<'m>(world: &mut World<'m>, row: RowId) -> Lit {
    let entity = world.rows[row].entity;
    if world.model.entity(entity).rls == Rls::Off || world.nested >= DEEPEST {
        return Lit::TRUE;
    }
    let role = world.role.clone();
    world.nested += 1;
    let right = Right::of(world.model, entity, &role, RuleAction::Select);
    let seen = right.map_or(Lit::FALSE, |right| right.reaches(world, row).0);
    world.nested -= 1;
    seen
}
