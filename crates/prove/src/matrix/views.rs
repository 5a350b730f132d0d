//! What views give: databases in which each condition of a view's query once decides alone, and what the view gives in each.
//!
//! Whether there is a row is asked, and not how many: a view may say the same row once only.

use super::maker::smallest;
use super::{Aim, Expected, Matrix, Statement, Stuck, Subject, Trial, Way};
use crate::access::{Granted, Right, Role, may_use, sees};
use crate::case::{Case, Step, Through};
use crate::circuit::Lit;
use crate::demand::demand_of_query;
use crate::encode::Env;
use crate::queries::{Fetched, Rights, passed_on, selects};
use crate::sorts::Sorts;
use crate::verdict::{Done, shown};
use crate::whole::room;
use crate::world::{RowId, World};
use rustc_hash::FxHashMap;
use specc_diag::Span;
use specc_model::formula::{Formula, Node, Operator, Read, Row, Select};
use specc_model::{Entity, EntityId, FieldIx, Model, Object, Rls, RuleAction};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of each table that a view reads, at most.
const MOST: usize = 3;

/// So many tables at once have two rows each; of more there is one.
const JOINED: usize = 3;

/// Views that read views end somewhere.
const DEEPEST: usize = 16;

/// Whether a view reads one of these, by itself or by another view.
pub(super) fn is_about(model: &Model, at: usize, only: &dyn Fn(&Entity) -> bool, depth: usize) -> bool {
    model.views[at].depends.iter().any(|object| match object {
        Object::Entity(id) => only(model.entity(*id)),
        Object::View(other) => depth < DEEPEST && is_about(model, *other, only, depth + 1),
        _ => false,
    })
}

/// Tables that a view reads with the rights of who asks, and with its owner's.
#[derive(Default)]
struct Reads {
    /// Those that who asks has to be allowed to read, and which columns of them.
    asked: BTreeMap<EntityId, BTreeSet<FieldIx>>,
    /// Tables whose rows it reads.
    all: BTreeSet<EntityId>,
    /// It may read other columns too.
    opaque: bool,
    /// A view in it is not for the role.
    closed: bool,
    /// Why it is not asked.
    why: Option<&'static str>,
}

impl Reads {
    fn view(&mut self, model: &Model, role: &Role, at: usize, around: Rights, depth: usize) {
        let view = &model.views[at];
        self.closed |= !around.owner && !may_use(model, role, &view.roles, &Object::View(at), "select");
        let selects = selects(model, at);
        if view.materialized {
            self.why = Some("it has what was there when it was refreshed last");
        } else if selects.is_empty() || depth > DEEPEST {
            self.why = Some("its query is not looked into");
        }
        let rights = around.viewing(view);
        for select in selects.iter().filter(|_| depth <= DEEPEST) {
            self.select(model, role, select, rights, depth + 1);
        }
    }

    fn select(&mut self, model: &Model, role: &Role, select: &Select, rights: Rights, depth: usize) {
        if select.partial || select.first {
            self.why = Some("it gives groups of rows, or the first few");
        }
        for from in &select.tables {
            match &from.of {
                Read::Entity(entity) => self.table(model, *entity, rights),
                Read::View(view) => self.view(model, role, *view, rights, depth),
                Read::Query(inner) => inner.iter().for_each(|one| self.select(model, role, one, rights, depth)),
                Read::Call(..) | Read::Other(_) => self.opaque = true,
            }
        }
        let outer = select.tables.iter().flat_map(|from| from.outer.iter().flatten());
        for formula in outer.chain(&select.conditions).chain(&select.output) {
            formula.visit(|part| match &part.node {
                Node::Column(Row::Query(_, entity), field) if !rights.owner => {
                    self.asked.entry(*entity).or_default().insert(*field);
                }
                Node::Sql(sql) => {
                    let why = self.why;
                    self.opaque |= sql.selects.is_empty();
                    sql.selects.iter().for_each(|one| self.select(model, role, one, rights, depth));
                    // Groups in a condition are looked into, or not modelled there.
                    self.why = why;
                }
                Node::Whole(..) | Node::Path(..) | Node::Exists(_) | Node::Predicate(..) | Node::AsIs(_) => {
                    self.opaque = true;
                }
                _ => {}
            });
        }
    }

    fn table(&mut self, model: &Model, id: EntityId, rights: Rights) {
        let entity = model.entity(id);
        self.all.insert(id);
        if rights.owner && entity.rls == Rls::Forced {
            self.why = Some("rules bind the owner of what it reads as well");
        }
        if !rights.owner {
            self.asked.entry(id).or_default();
            if entity.external && !crate::is_guarded(entity) {
                self.why = Some("it reads a table of somebody else's with the rights of who asks");
            }
        }
    }

    /// Whether the role has the privileges without which Postgres refuses the view; none where that is not known.
    fn granted(&self, model: &Model, role: &Role) -> Option<bool> {
        let mut all = Some(true);
        for (id, columns) in &self.asked {
            let fields = &model.entity(*id).fields;
            let right = Right::of(model, *id, role, RuleAction::Select);
            let granted = Granted::of(model, *id, role, RuleAction::Select);
            let has = |field: FieldIx| {
                right.as_ref().is_some_and(|right| right.names(field)) || granted.covers(Some(&fields[field].name))
            };
            if granted.revoked {
                return None;
            }
            let (any, every) = ((0..fields.len()).any(has), (0..fields.len()).all(has));
            if !any || columns.iter().any(|field| !has(*field)) {
                return Some(false);
            }
            if !every && self.opaque {
                all = None;
            }
        }
        if self.closed { Some(false) } else { all }
    }
}

/// Something that a database is to show.
struct Wish {
    span: Option<Span>,
    words: String,
    lit: Lit,
    done: bool,
}

/// The databases in which a role reads a view that it may read.
pub(super) fn of_view<'m>(model: &'m Model, sorts: &'m Sorts, at: usize, role: &Role) -> Matrix {
    let mut made = Matrix::default();
    let view = &model.views[at];
    // That others may not is among the privileges.
    if !may_use(model, role, &view.roles, &Object::View(at), "select") {
        return made;
    }
    let mut reads = Reads::default();
    reads.view(model, role, at, Rights::default(), 0);
    let stuck = |why: &str| Stuck {
        of: Subject::View(at),
        role: role.name.to_string(),
        command: RuleAction::Select,
        why: why.to_owned(),
        span: view.meta.span,
    };
    match (reads.why, reads.granted(model, role)) {
        (Some(why), _) => made.stuck.push(stuck(why)),
        (None, None) => made.stuck.push(stuck("which columns it reads is not known, and not all are granted")),
        (None, Some(false)) => made.trials.push(refused(at, role, view.meta.span)),
        (None, Some(true)) => {
            Shown::new(model, sorts, at, role, &reads).solve(&mut made);
            if made.trials.is_empty() {
                made.stuck.push(stuck("what it gives depends on an expression that is not modelled"));
            }
        }
    }
    made
}

/// A view that reads, for who asks, what she may not read.
fn refused(at: usize, role: &Role, span: Span) -> Trial {
    let case = Case {
        role: role.name.clone(),
        steps: vec![step(at)],
        session: Vec::new(),
        kinds: Vec::new(),
        rows: Vec::new(),
        by: None,
        sizes: FxHashMap::default(),
    };
    Trial {
        of: Subject::View(at),
        case,
        statements: vec![Statement { way: Way::All, row: None, expected: Expected::Denied }],
        goals: vec![Aim { span: None, words: "it reads what is not open to the role".to_owned() }],
        rules: vec![span],
        kills: Vec::new(),
    }
}

fn step(at: usize) -> Step {
    let through = Some(Through::View(at));
    Step { command: RuleAction::Select, through, old: None, new: None, open: BTreeSet::new() }
}

/// What a view gives in a small database.
struct Shown<'m> {
    world: World<'m>,
    sizes: FxHashMap<EntityId, usize>,
    at: usize,
    role: Role,
    /// Choices of rows that it gives, each with when it does.
    given: Vec<(Lit, Vec<RowId>)>,
    wishes: Vec<Wish>,
}

impl<'m> Shown<'m> {
    fn new(model: &'m Model, sorts: &'m Sorts, at: usize, role: &Role, reads: &Reads) -> Self {
        let rights = Rights::default().viewing(&model.views[at]);
        let all = selects(model, at);
        let keys = reads.all.iter().flat_map(|id| {
            let key = model.entity(*id).key.iter().flat_map(|key| &key.fields);
            key.map(|field| (*id, *field))
        });
        let keys: Vec<(EntityId, FieldIx)> = keys.collect();
        let rules: Vec<Right<'m>> =
            reads.all.iter().filter_map(|id| Right::of(model, *id, role, RuleAction::Select)).collect();
        // Rows that are hidden are asked for too.
        let hidden = rules.iter().flat_map(|right| {
            let id = right.entity.id;
            right.conditions().into_iter().map(move |(formula, holds)| (id, formula, !holds))
        });
        let mut sizes = demand_of_query(model, all, rights.owner, None, &keys, hidden).sizes;
        sizes.values_mut().for_each(|rows| *rows = (*rows).min(MOST));
        let rows = if reads.all.len() <= JOINED { 2 } else { 1 };
        for id in &reads.all {
            let there = sizes.entry(*id).or_insert(1);
            *there = rows.max(*there);
        }
        room(model, &mut sizes);
        let world = World::new(model, sorts, sizes.clone(), role.clone());
        let mut shown = Self { world, sizes, at, role: role.clone(), given: Vec::new(), wishes: Vec::new() };
        let env = Env::asking(rights, 1);
        all.iter().for_each(|select| shown.select(select, &env));
        let any = shown.world.circuit.any(shown.given.iter().map(|(lit, _)| *lit).collect::<Vec<_>>());
        shown.wish(None, "it gives a row", any);
        for id in &reads.all {
            let mut hidden = Vec::new();
            for row in shown.world.table(*id) {
                let seen = sees(&mut shown.world, row);
                let there = shown.world.rows[row].exists;
                hidden.push(shown.world.circuit.and(there, !seen));
            }
            let hidden = shown.world.circuit.any(hidden);
            let table = crate::verdict::name(model, *id);
            let [yes, no] = [any, !any].map(|lit| shown.world.circuit.and(hidden, lit));
            shown.wish(None, &format!("a row of `{table}` is hidden from the role, and it gives a row"), yes);
            shown.wish(None, &format!("a row of `{table}` is hidden from the role, and it gives none"), no);
        }
        for (id, field) in keys {
            for row in shown.world.table(id) {
                shown.world.cell(row, field);
            }
        }
        shown
    }

    fn wish(&mut self, span: Option<Span>, words: &str, lit: Lit) {
        self.wishes.push(Wish { span, words: words.to_owned(), lit, done: false });
    }

    /// What one of its queries gives, and that each of its conditions decides alone.
    fn select(&mut self, select: &'m Select, env: &Env<'m>) {
        let parts = select.conditions.iter().flat_map(|condition| condition.bare().chain(&Operator::And));
        let parts: Vec<&'m Formula> = parts.collect();
        let mut alone = vec![[Lit::FALSE; 2]; parts.len()];
        for (there, inner) in self.world.joined(select, env) {
            let held: Vec<_> = parts.iter().map(|part| self.world.condition(part, &inner)).collect();
            for (at, alone) in alone.iter_mut().enumerate() {
                let others = held.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, held)| held.yes);
                let others = self.world.circuit.all(others.chain([there]).collect::<Vec<_>>());
                let null = self.world.circuit.and(!held[at].yes, !held[at].no);
                for (alone, lit) in alone.iter_mut().zip([held[at].no, null]) {
                    let lit = self.world.circuit.and(others, lit);
                    *alone = self.world.circuit.or(*alone, lit);
                }
            }
            let all = self.world.circuit.all(held.iter().map(|held| held.yes).chain([there]).collect::<Vec<_>>());
            let rows = inner.queries.iter().filter_map(|(_, fetched)| match fetched {
                Fetched::Row(row) => Some(*row),
                _ => None,
            });
            self.given.push((all, rows.collect()));
        }
        for (part, alone) in parts.into_iter().zip(alone) {
            for (lit, words) in alone.into_iter().zip(["false", "null"]) {
                self.wish(Some(part.span), words, lit);
            }
        }
    }

    /// A database for each wish that none of those before shows.
    fn solve(mut self, made: &mut Matrix) {
        self.world.complete();
        let model = self.world.model;
        for at in 0..self.wishes.len() {
            let mut wanted = vec![self.wishes[at].lit];
            if self.wishes[at].done || !self.world.circuit.solve(&wanted) || !smallest(&mut self.world, &mut wanted) {
                continue;
            }
            let mut case = shown(
                &self.world,
                &self.role.name,
                &[Done { command: RuleAction::Select, old: None, new: None }],
                &self.sizes,
            );
            case.steps = vec![step(self.at)];
            let statements = self.statements(&case);
            let given: Vec<Lit> = self.given.iter().map(|(lit, _)| *lit).collect();
            if !self.world.is_sure(&given) {
                continue;
            }
            let mut goals = Vec::new();
            for wish in self.wishes.iter_mut().filter(|wish| !wish.done) {
                wish.done = self.world.circuit.value(wish.lit);
                if wish.done {
                    goals.push(Aim { span: wish.span, words: wish.words.clone() });
                }
            }
            let rules = vec![model.views[self.at].meta.span];
            made.trials.push(Trial { of: Subject::View(self.at), case, statements, goals, rules, kills: Vec::new() });
        }
    }

    /// Whether it gives any row, and whether any of each row whose key it passes on.
    fn statements(&self, case: &Case) -> Vec<Statement> {
        let holds = |lit: Lit| self.world.circuit.value(lit);
        let any = self.given.iter().any(|(lit, _)| holds(*lit));
        let mut all = vec![Statement { way: Way::All, row: None, expected: Expected::Rows(u64::from(any)) }];
        for (place, row) in case.rows.iter().enumerate() {
            let entity = self.world.model.entity(row.entity);
            let passed = passed_on(self.world.model, self.at, row.entity);
            let key = entity.key.as_ref().map_or(&[][..], |key| key.fields.as_slice());
            if key.is_empty() || !key.iter().all(|field| passed.iter().any(|(_, other)| other == field)) {
                continue;
            }
            let is = |id: &RowId| {
                let other = &self.world.rows[*id];
                other.entity == row.entity && other.number == row.number
            };
            let given = self.given.iter().any(|(lit, rows)| holds(*lit) && rows.iter().any(is));
            let expected = Expected::Rows(u64::from(given));
            all.push(Statement { way: Way::Keyed, row: Some(place), expected });
        }
        all
    }
}
