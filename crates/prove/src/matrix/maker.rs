//! The databases of one right.

use super::statements::Values;
use super::{Aim, Expected, Matrix, Standing, Statement, Stuck, Trial, Variant, Way};
use crate::access::{Right, Role};
use crate::case::Case;
use crate::circuit::Lit;
use crate::demand::demand;
use crate::encode::Env;
use crate::sorts::Sorts;
use crate::verdict::shown;
use crate::whole::room;
use crate::world::{RowId, World};
use specc_diag::Span;
use specc_model::formula::Formula;
use specc_model::{Entity, EntityId, FieldIx, Model, RuleAction};

/// What a statement does to one row: it reaches it, and then it passes or is refused.
#[derive(Clone, Copy)]
pub(super) struct Outcome {
    pub(super) reached: Lit,
    pub(super) passes: Lit,
}

impl Outcome {
    const DENIED: Self = Self { reached: Lit::TRUE, passes: Lit::FALSE };
}

/// The rights of a role on an entity.
pub(super) struct Side<'m> {
    right: Option<Right<'m>>,
    select: Option<Right<'m>>,
}

impl<'m> Side<'m> {
    fn of(model: &'m Model, entity: &'m Entity, role: &Role, command: RuleAction) -> Self {
        Self {
            right: Right::of_rules(model, entity, role, command),
            select: Right::of_rules(model, entity, role, RuleAction::Select),
        }
    }

    /// Whether a statement can name a row by its key.
    pub(super) fn names_key(&self, entity: &Entity) -> bool {
        let key = entity.key.as_ref().map(|key| key.fields.as_slice()).unwrap_or_default();
        !key.is_empty() && self.select.as_ref().is_some_and(|select| key.iter().all(|field| select.grants(*field)))
    }
}

/// The right of a role to a command on an entity.
pub(super) struct Maker<'m> {
    pub(super) model: &'m Model,
    pub(super) sorts: &'m Sorts,
    pub(super) entity: &'m Entity,
    pub(super) role: &'m Role,
    pub(super) command: RuleAction,
}

/// Something that a database is to show.
struct Goal {
    words: String,
    span: Option<Span>,
    lit: Lit,
    /// The variant that it is about.
    variant: Option<usize>,
    done: bool,
}

impl<'m> Maker<'m> {
    pub(super) fn make(&self, variants: &[(usize, &'m Variant)]) -> Matrix {
        let mut made = Matrix { standings: vec![Standing::Same(true); variants.len()], ..Matrix::default() };
        let own = Side::of(self.model, self.entity, self.role, self.command);
        let others: Vec<Side<'m>> = variants
            .iter()
            .map(|(_, variant)| Side::of(self.model, &variant.entity, self.role, self.command))
            .collect();
        // What may not be done at all is refused whatever rows there are.
        let Some(right) = &own.right else {
            for (standing, other) in made.standings.iter_mut().zip(&others) {
                if other.right.is_some() {
                    *standing = Standing::Shown;
                }
            }
            made.trials.push(self.refused());
            return made;
        };
        let id = self.entity.id;
        let key: Vec<(EntityId, FieldIx)> =
            self.entity.key.iter().flat_map(|key| key.fields.iter().map(|field| (id, *field))).collect();
        let conditions = |side: &Side<'m>| {
            let rights = side.right.iter().chain(&side.select);
            let all: Vec<_> = rights.flat_map(|right| right.conditions()).map(|(f, holds)| (id, f, holds)).collect();
            all
        };
        let mut asked: Vec<(EntityId, &'m Formula, bool)> = Vec::new();
        for (id, formula, _) in conditions(&own).into_iter().chain(others.iter().flat_map(&conditions)) {
            if !asked.iter().any(|(_, known, _)| *known == formula) {
                // It may have to fail as well as to hold.
                asked.extend([(id, formula, true), (id, formula, false)]);
            }
        }
        let rows = if self.command == RuleAction::Select || self.command == RuleAction::Delete {
            vec![id]
        } else {
            vec![id, id]
        };
        let mut needs = demand(self.model, &rows, &key, asked);
        let complete = needs.complete;
        room(self.model, &mut needs.sizes);
        let mut world = World::new(self.model, self.sorts, needs.sizes.clone(), self.role.clone());
        let (old, new) = match self.command {
            RuleAction::Insert => (None, Some(world.inserted(id, |field| right.writes(field)))),
            RuleAction::Update => {
                let old = world.table(id)[0];
                let fields = 0..self.entity.fields.len();
                // A key stays: others refer to it.
                let fields = fields.filter(|field| right.writes(*field) && !key.contains(&(id, *field)));
                (Some(old), Some(world.updated(old, fields)))
            }
            _ => (Some(world.table(id)[0]), None),
        };
        for row in world.table(id).into_iter().chain(new.filter(|_| old.is_none())) {
            for (_, field) in &key {
                if !world.rows[row].left.contains(field) {
                    world.cell(row, *field);
                }
            }
        }
        // What the rules say, with each condition that they ask.
        world.atoms = Some(Vec::new());
        let plain = self.outcome(&mut world, &own, (old, new), false);
        let reading = self.outcome(&mut world, &own, (old, new), true);
        let atoms = world.atoms.take().unwrap_or_default();
        let base: Vec<Lit> = old.iter().map(|row| world.rows[*row].exists).collect();
        let mut goals = self.goals(&mut world, right, (old, new), plain, reading);
        for (atom, held) in atoms {
            let null = world.circuit.and(!held.yes, !held.no);
            for (lit, words) in [(held.yes, "true"), (held.no, "false"), (null, "null")] {
                let (words, span) = (words.to_owned(), Some(atom.span));
                goals.push(Goal { words, span, lit, variant: None, done: false });
            }
        }
        for (at, other) in others.iter().enumerate() {
            let mut differs = Vec::new();
            for (reads, mine) in [(false, plain), (true, reading)] {
                let theirs = self.outcome(&mut world, other, (old, new), reads);
                differs.push(unlike(&mut world, mine, theirs));
            }
            let lit = world.circuit.any(differs);
            if lit != Lit::FALSE {
                let words = variants[at].1.words.clone();
                goals.push(Goal { words, span: Some(variants[at].1.span), lit, variant: Some(at), done: false });
            }
        }
        // Something is changed, even if no rule looks at it.
        if let Some((old, new)) = old.zip(new).filter(|(_, new)| world.rows[*new].cells.is_empty()) {
            let mut fields = world.rows[new].was.iter().flat_map(|(_, fields)| fields.iter().copied());
            if let Some(field) = fields.find(|field| !crate::whole::unique_columns(self.entity).contains(field)) {
                let same = !world.differs(old, new, field);
                goals.push(Goal {
                    words: "nothing changes".to_owned(),
                    span: None,
                    lit: same,
                    variant: None,
                    done: false,
                });
            }
        }
        let mut reached = Vec::new();
        for row in world.table(id).into_iter().filter(|_| old.is_some()) {
            let (reach, _) = right.reaches(&mut world, row);
            let seen = own.select.as_ref().map_or(Lit::FALSE, |select| select.reaches(&mut world, row).0);
            let there = world.rows[row].exists;
            reached.push((row, world.circuit.and(there, reach), world.circuit.all([there, reach, seen])));
        }
        let unknown: Vec<Span> = world.unknowns.iter().map(|unknown| unknown.span).collect();
        world.close();
        // Before the tables are asked for all that they want: what differs nowhere is the same rule.
        for goal in goals.iter_mut().filter(|goal| goal.variant.is_some()) {
            let wanted: Vec<Lit> = base.iter().copied().chain([goal.lit]).collect();
            if !world.circuit.solve(&wanted) {
                goal.done = true;
                if let Some(at) = goal.variant {
                    made.standings[at] = Standing::Same(complete);
                }
            } else if let Some(at) = goal.variant {
                made.standings[at] = Standing::Beyond;
            }
        }
        world.complete();
        let kept = old.filter(|_| self.command == RuleAction::Delete).map(|old| world.kept(old)).unwrap_or(Lit::FALSE);
        let in_step = new.map(|new| world.in_step(self.command, old, new)).unwrap_or(Lit::TRUE);
        let others_reached: Vec<Lit> = reached.iter().skip(1).map(|(_, reach, _)| *reach).collect();
        let alone = !world.circuit.any(others_reached);
        let wishes = match self.command {
            RuleAction::Update => vec![in_step, alone],
            RuleAction::Insert => vec![in_step],
            RuleAction::Delete => vec![!kept],
            RuleAction::Select => Vec::new(),
        };
        for at in 0..goals.len() {
            if goals[at].done {
                continue;
            }
            let mut wanted: Vec<Lit> = base.iter().copied().chain([goals[at].lit]).collect();
            if !world.circuit.solve(&wanted) {
                continue;
            }
            for wish in &wishes {
                wanted.push(*wish);
                if !world.circuit.solve(&wanted) {
                    wanted.pop();
                }
            }
            smallest(&mut world, &mut wanted);
            if !world.circuit.value(in_step) {
                made.stuck.push(
                    self.stuck(format!("its workflow refuses what `{}` needs", goals[at].words), self.entity.meta.span),
                );
                continue;
            }
            let case = shown(&world, &self.role.name, self.command, (old, new), &needs.sizes);
            let values = Values { world: &world, plain, reading, reached: &reached, kept, alone };
            let mut statements = values.statements(self, &own, &case);
            if !unknown.is_empty() {
                // What it depends on that is not modelled may be anything.
                let lits: Vec<Lit> = [plain, reading]
                    .iter()
                    .flat_map(|o| [o.reached, o.passes])
                    .chain(reached.iter().flat_map(|(_, a, b)| [*a, *b]))
                    .collect();
                let held: Vec<Lit> =
                    lits.iter().map(|lit| if world.circuit.value(*lit) { !*lit } else { *lit }).collect();
                let same = world.chosen();
                let open = held.iter().any(|other| {
                    let mut wanted = same.clone();
                    wanted.push(*other);
                    world.circuit.solve(&wanted)
                });
                if open {
                    statements.clear();
                } else {
                    world.circuit.solve(&same);
                }
            }
            if statements.is_empty() {
                if let Some(at) = goals[at].variant {
                    made.standings[at] = Standing::Open;
                }
                continue;
            }
            let mut words = Vec::new();
            for goal in &mut goals {
                if !goal.done && world.circuit.value(goal.lit) {
                    goal.done = true;
                    match goal.variant {
                        Some(at) => made.standings[at] = Standing::Shown,
                        None => words.push(Aim { span: goal.span, words: goal.words.clone() }),
                    }
                }
            }
            let rules = right.openings().iter().map(|opening| opening.rule.span).collect();
            made.trials.push(Trial { entity: id, case, statements, goals: words, rules });
        }
        if made.trials.is_empty() {
            let (why, span) = match unknown.first() {
                Some(span) => ("what comes of it depends on an expression that is not modelled".to_owned(), *span),
                None => ("no rows that its table takes can be made for it".to_owned(), self.entity.meta.span),
            };
            made.stuck.push(self.stuck(why, span));
        }
        made
    }

    fn stuck(&self, why: String, span: Span) -> Stuck {
        Stuck { entity: self.entity.id, role: self.role.name.to_string(), command: self.command, why, span }
    }

    /// A statement without rows, for what is not granted.
    fn refused(&self) -> Trial {
        let case = Case {
            role: self.role.name.clone(),
            command: self.command,
            session: Vec::new(),
            rows: Vec::new(),
            sizes: Default::default(),
        };
        let way = if self.command == RuleAction::Insert { Way::Values } else { Way::All };
        Trial {
            entity: self.entity.id,
            case,
            statements: vec![Statement { way, row: None, expected: Expected::Denied }],
            goals: vec![Aim { span: None, words: "no rule lets it".to_owned() }],
            rules: vec![self.entity.meta.span],
        }
    }

    fn outcome(
        &self,
        world: &mut World<'m>,
        side: &Side<'m>,
        rows: (Option<RowId>, Option<RowId>),
        reads: bool,
    ) -> Outcome {
        let Some(right) = &side.right else { return Outcome::DENIED };
        if reads && !side.names_key(self.entity) {
            return Outcome::DENIED;
        }
        let select = side.select.as_ref().filter(|_| reads && self.command != RuleAction::Select);
        let mut outcome = Outcome { reached: Lit::TRUE, passes: Lit::TRUE };
        if let Some(old) = rows.0 {
            outcome.reached = right.reaches(world, old).0;
            if let Some(select) = select {
                let seen = select.reaches(world, old).0;
                outcome.reached = world.circuit.and(outcome.reached, seen);
            }
        }
        if let Some(new) = rows.1 {
            let accepted = right.accepts(world, new).0;
            let columns = right.writes_columns(world, rows.0, new);
            outcome.passes = world.circuit.and(accepted, columns);
            if let Some(select) = select {
                let seen = select.reaches(world, new).0;
                outcome.passes = world.circuit.and(outcome.passes, seen);
            }
        }
        outcome
    }

    /// What a right is to show apart from its conditions.
    fn goals(
        &self,
        world: &mut World<'m>,
        right: &Right<'m>,
        (old, new): (Option<RowId>, Option<RowId>),
        plain: Outcome,
        reading: Outcome,
    ) -> Vec<Goal> {
        let mut goals = Vec::new();
        let mut goal =
            |words: String, lit: Lit| goals.push(Goal { words, span: None, lit, variant: None, done: false });
        let whole = |world: &mut World<'m>, outcome: Outcome| world.circuit.and(outcome.reached, outcome.passes);
        let (may, reads) = (whole(world, plain), whole(world, reading));
        goal("allowed".to_owned(), reads);
        goal("allowed where nothing is read".to_owned(), world.circuit.and(may, !reads));
        goal("not allowed".to_owned(), !may);
        let refused = world.circuit.and(plain.reached, !plain.passes);
        goal("reached and refused".to_owned(), refused);
        // Each rule alone.
        if let Some(row) = old.or(new) {
            let opened: Vec<Lit> = right
                .openings()
                .iter()
                .map(|opening| {
                    let condition = match old {
                        Some(_) => opening.rule.when.as_ref(),
                        None => opening.rule.check.as_ref().or(opening.rule.when.as_ref()),
                    };
                    condition.map_or(Lit::TRUE, |expr| world.condition(&expr.formula, &Env::row(row)).yes)
                })
                .collect();
            for (at, opening) in right.openings().iter().enumerate() {
                let others: Vec<Lit> =
                    opened.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, lit)| !*lit).collect();
                let alone = world.circuit.all(others.into_iter().chain([opened[at], may]));
                goal(format!("`{}` alone lets it", opening.rule.name), alone);
            }
        }
        goals
    }
}

/// That two outcomes are not the same.
fn unlike(world: &mut World<'_>, a: Outcome, b: Outcome) -> Lit {
    let circuit = &mut world.circuit;
    let mut xor = |a: Lit, b: Lit| {
        let (left, right) = (circuit.and(a, !b), circuit.and(!a, b));
        circuit.or(left, right)
    };
    let (reach, pass) = (xor(a.reached, b.reached), xor(a.passes, b.passes));
    let passes = world.circuit.all([a.reached, b.reached, pass]);
    world.circuit.or(reach, passes)
}

/// Takes away the rows that need not be there.
fn smallest(world: &mut World<'_>, wanted: &mut Vec<Lit>) {
    if !world.circuit.solve(wanted) {
        return;
    }
    let optional: Vec<Lit> = world.rows.iter().filter(|row| row.number.is_some()).map(|row| row.exists).collect();
    // What the solver leaves out by itself is left out at once.
    let (there, gone): (Vec<Lit>, Vec<Lit>) = optional.into_iter().partition(|lit| world.circuit.value(*lit));
    wanted.extend(gone.into_iter().map(|lit| !lit));
    for lit in there {
        wanted.push(!lit);
        if !world.circuit.solve(wanted) {
            wanted.pop();
        }
    }
    world.circuit.solve(wanted);
}
