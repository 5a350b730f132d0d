//! What views and functions show of rows that the rules of their tables deny.

use super::{Context, Finding, Shared, denied};
use crate::access::{Role, may_use};
use crate::case::Through;
use crate::circuit::Lit;
use crate::demand::demand_of_query;
use crate::encode::Env;
use crate::queries::{Fetched, Rights};
use crate::rounds::Pool;
use crate::sorts;
use crate::verdict::{Done, Question, Verdict};
use crate::world::{RowId, World};
use smol_str::SmolStr;
use specc_diag::{Code, Span, codes};
use specc_model::formula::{Call, Formula, Node, Piece, Read, Row, Select, Sql, is_aggregate};
use specc_model::{EntityId, FieldIx, Function, Model, Object, RuleAction, View};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Something that reads with its owner's rights and gives what it reads to somebody.
#[derive(Clone, Copy)]
struct Way<'m> {
    through: Through,
    /// `view \`payroll\``
    kind: &'static str,
    name: &'m str,
    span: Span,
    code: Code,
    selects: &'m [Select],
    rights: Rights,
}

impl<'m> Way<'m> {
    fn of_view(model: &'m Model, at: usize, view: &'m View) -> Option<Self> {
        let rights = Rights::default().viewing(view);
        let selects = crate::queries::selects(model, at);
        // One that asks as who asks shows what she sees, and what other views show.
        let bound = !rights.owner && !selects.iter().flat_map(|s| &s.tables).any(|f| matches!(f.of, Read::View(_)));
        (!bound).then(|| Self {
            through: Through::View(at),
            kind: if view.materialized { "materialized view" } else { "view" },
            name: &view.name.name,
            span: view.meta.span,
            code: codes::SHOWN_BY_VIEW,
            selects,
            rights,
        })
    }

    fn of_function(at: usize, function: &'m Function) -> Option<Self> {
        let selects = is_looked_into(function).then(|| sorts::query(function.asks.as_ref()?.formula.bare())).flatten();
        Some(Self {
            through: Through::Function(at),
            kind: "function",
            name: &function.name.name,
            span: function.meta.span,
            code: codes::SHOWN_BY_FUNCTION,
            selects: selects?.selects.as_slice(),
            rights: Rights::default().calling(true),
        })
    }

    fn function(&self) -> Option<usize> {
        match self.through {
            Through::Function(at) => Some(at),
            Through::View(_) => None,
        }
    }
}

/// Whether what a function with its owner's rights gives is asked: its body is one query.
pub(crate) fn is_looked_into(function: &Function) -> bool {
    function.security_definer && function.asks.is_some()
}

pub(super) fn ask<'m>(shared: &Arc<Shared<'m>>, pool: &mut Pool) -> Vec<Finding> {
    let model = shared.model;
    let views = model.views.iter().enumerate().filter_map(|(at, view)| {
        let may = |role: &&Role| may_use(model, role, &view.roles, &Object::View(at), "select");
        Way::of_view(model, at, view).map(|way| (way, shared.roles.iter().filter(may).collect::<Vec<_>>()))
    });
    let functions = model.functions.iter().enumerate().filter(|(_, function)| function.security_definer);
    let functions = functions.filter_map(|(at, function)| {
        let may = |role: &&Role| may_use(model, role, &function.roles, &Object::Function(at), "execute");
        Way::of_function(at, function).map(|way| (way, shared.roles.iter().filter(may).collect()))
    });
    let all: Vec<_> = views.chain(functions).collect();
    let of_one = |(way, roles): &(Way<'m>, Vec<&Role>), steps| {
        let context = Context::new(shared, steps);
        roles.iter().flat_map(|role| shown(&context, way, role)).collect::<Vec<_>>()
    };
    let mut found: Vec<Finding> = pool.ask(crate::STEPS_OF_SEVERAL, &all, of_one).into_iter().flatten().collect();
    let views: Vec<usize> = (0..model.views.len()).collect();
    let written = |at: &usize, steps| {
        let (context, mut found) = (Context::new(shared, steps), Vec::new());
        shared.roles.iter().for_each(|role| super::written::ask(&context, *at, role, &mut found));
        found
    };
    found.extend(pool.ask(crate::STEPS_OF_SEVERAL, &views, written).into_iter().flatten());
    found
}

/// A finding for each table whose rows it gives to a role.
fn shown<'m>(context: &Context<'m>, way: &Way<'m>, role: &Role) -> Vec<Finding> {
    let finding = |entity: String, claim: String, wrong: String, verdict: Verdict| {
        let verdict = verdict.through(way.through);
        Finding { code: way.code, entity, claim, wrong, verdict, span: way.span }
    };
    let (kind, name) = (way.kind, way.name);
    let given = Given::all(context, way, role, None);
    if way.selects.is_empty() {
        let claim = format!("{kind} `{name}` shows `{}` nothing that the rules of its tables deny", role.name);
        let verdict = Verdict::OutOfFragment { because: vec![way.span] };
        return vec![finding(name.into(), claim.clone(), claim, verdict)];
    }
    let mut found = Vec::new();
    for (entity, columns) in &given.columns {
        let table = context.name(*entity);
        let claim = format!("{kind} `{name}` shows `{}` nothing of `{table}` that its rules deny", role.name);
        let names: Vec<String> = columns
            .iter()
            .take(3)
            .map(|field| format!("`{}`", context.model.entity(*entity).fields[*field].name))
            .collect();
        let more = if columns.len() > names.len() { " and more" } else { "" };
        let wrong = format!(
            "{kind} `{name}` shows `{}` {}{more} of `{table}` where its rules deny it",
            role.name,
            names.join(", ")
        );
        found.push(finding(table, claim, wrong, decide(context, way, role, *entity, columns)));
    }
    if !given.opaque.is_empty() {
        let claim = format!("{kind} `{name}` shows `{}` nothing else that the rules of its tables deny", role.name);
        let verdict = Verdict::OutOfFragment { because: given.opaque.into_iter().collect() };
        found.push(finding(name.into(), claim.clone(), claim, verdict));
    } else if found.is_empty() {
        let claim = format!("{kind} `{name}` shows `{}` no columns of rows", role.name);
        found.push(finding(name.into(), claim.clone(), claim, Verdict::Proven { rows: 0 }));
    }
    found
}

/// Whether a row of a table is shown to who does not read it, or a column of it that she does not read.
fn decide<'m>(
    context: &Context<'m>,
    way: &Way<'m>,
    role: &Role,
    entity: EntityId,
    columns: &BTreeSet<FieldIx>,
) -> Verdict {
    let right = context.right(entity, role, RuleAction::Select);
    let unread = right.as_ref().is_none_or(|right| columns.iter().any(|field| !right.names(*field)));
    let given = Given::all(context, way, role, Some(entity));
    let Given { mut world, demand, rows, .. } = given;
    let row = world.table(entity)[0];
    let shown: Vec<Lit> = rows.iter().filter(|(_, other)| *other == row).map(|(when, _)| *when).collect();
    let shown = world.circuit.any(shown);
    let seen = match right.as_ref().filter(|_| !unread) {
        Some(right) => right.reaches(&mut world, row).0,
        None => Lit::FALSE,
    };
    let violation = world.circuit.and(shown, !seen);
    let done = vec![Done { command: RuleAction::Select, old: Some(row), new: None }];
    Question { world, violation, demand: &demand, done, role: &role.name }.decide()
}

/// What is given of which rows.
struct Given<'m> {
    world: World<'m>,
    demand: crate::demand::Demand,
    rows: Vec<(Lit, RowId)>,
    /// Of tables that rules guard, and that are read past them.
    columns: BTreeMap<EntityId, BTreeSet<FieldIx>>,
    /// What is not looked into.
    opaque: BTreeSet<Span>,
}

impl<'m> Given<'m> {
    /// All that is given, in a database in which there are enough rows to see that one of `entity` is denied.
    fn all(context: &Context<'m>, way: &Way<'m>, role: &Role, entity: Option<EntityId>) -> Self {
        let right = entity.and_then(|entity| context.right(entity, role, RuleAction::Select));
        let keys = entity.into_iter().flat_map(|id| {
            let key = context.model.entity(id).key.as_ref();
            key.into_iter().flat_map(move |key| key.fields.iter().map(move |field| (id, *field)))
        });
        let columns: Vec<_> = keys.collect();
        let needed = demand_of_query(
            context.model,
            way.selects,
            way.rights.owner,
            way.function(),
            &columns,
            denied(right.as_deref()),
        );
        let world = context.world(&needed, role);
        let mut given =
            Self { world, demand: needed, rows: Vec::new(), columns: BTreeMap::new(), opaque: BTreeSet::new() };
        let env = Env::asking(way.rights, 0).in_function(way.function());
        for select in way.selects {
            for (when, inner) in given.world.selected(select, &env) {
                // In which order the rows are tells what they are ordered by.
                let all = select.output.iter().chain(&select.ordered);
                all.for_each(|output| given.formula(output, when, &inner));
            }
        }
        given
    }

    /// What a value tells of rows.
    fn formula(&mut self, formula: &'m Formula, when: Lit, env: &Env<'m>) {
        if let Some((inner, env)) = self.world.called(formula, env).or_else(|| crate::queries::given(formula, env)) {
            return self.formula(inner, when, &env);
        }
        match &formula.node {
            Node::Column(Row::Query(name, entity), field) => self.columns(name, *entity, &[*field], when, env),
            Node::Whole(Row::Query(name, entity), steps) if steps.is_empty() => {
                let all: Vec<FieldIx> = (0..self.world.model.entity(*entity).fields.len()).collect();
                self.columns(name, *entity, &all, when, env);
            }
            // How many there are is said of no row.
            Node::Call(call) if counts(call) => {}
            Node::Sql(sql) => self.query(sql, formula.span, when, env),
            Node::Name(name) => self.named(name, formula.span, when, env),
            Node::Path(..) | Node::Exists(_) => {
                self.opaque.insert(formula.span);
            }
            _ => formula.parts().into_iter().for_each(|part| self.formula(part, when, env)),
        }
    }

    /// A column of something else than a table or a view: what a function gives tells what it was called with.
    fn named(&mut self, name: &[SmolStr], span: Span, when: Lit, env: &Env<'m>) {
        let others = env.queries.iter().filter_map(|(other, fetched)| match fetched {
            Fetched::Other(from) if name.len() < 2 || name[name.len() - 2] == *other => Some(*from),
            _ => None,
        });
        for from in others.collect::<Vec<_>>() {
            match &from.of {
                Read::Call(args, _) => args.iter().for_each(|arg| self.formula(arg, when, env)),
                _ => {
                    self.opaque.insert(span);
                }
            }
        }
    }

    fn query(&mut self, sql: &'m Sql, span: Span, when: Lit, env: &Env<'m>) {
        let is = |words: &[&str]| matches!(sql.pieces.first(), Some(Piece::Text(text)) if words.iter().any(|word| text.starts_with(word)));
        if is(&["row_number(", "rank(", "dense_rank(", "percent_rank(", "cume_dist(", "ntile("]) {
            // A place in an order tells what it is the order of.
            let mut known = false;
            for part in sql.formulas() {
                part.visit(|part| known |= matches!(part.node, Node::Column(..)));
                self.formula(part, when, env);
            }
            if !known {
                self.opaque.insert(span);
            }
        } else if sql.selects.is_empty() && !is(&["count("]) {
            self.opaque.insert(span);
        }
        for select in &sql.selects {
            let sought = sought(self.world.model, select);
            for (lit, inner) in self.world.selected(select, env) {
                let when = self.world.circuit.and(when, lit);
                select.output.iter().for_each(|output| self.formula(output, when, &inner));
                for (name, entity, fields) in &sought {
                    self.columns(name, *entity, fields, when, &inner);
                }
            }
        }
    }

    fn columns(&mut self, name: &SmolStr, entity: EntityId, fields: &[FieldIx], when: Lit, env: &Env<'m>) {
        let found = env.queries.iter().rev().find(|(other, _)| other == name);
        let Some((_, Fetched::Row(row))) = found else { return };
        if env.rights.owner && crate::is_guarded(self.world.model.entity(entity)) {
            self.rows.push((when, *row));
            self.columns.entry(entity).or_default().extend(fields);
        }
    }
}

/// The columns that a query compares with what it is called with, whoever calls: whether there is a row tells what is in
/// them. Not those of keys that are made at random, which nobody guesses.
fn sought(model: &Model, select: &Select) -> Vec<(SmolStr, EntityId, Vec<FieldIx>)> {
    let mut of_session = false;
    for condition in &select.conditions {
        sorts::visit(model, condition, &mut |part| {
            of_session |= sorts::session(part).is_some() || matches!(part.node, Node::ViewerField(_));
            of_session |= sorts::asks(model, part).is_some();
        });
    }
    let mut found: Vec<(SmolStr, EntityId, Vec<FieldIx>)> = Vec::new();
    for condition in select.conditions.iter().filter(|_| !of_session) {
        condition.visit(|part| {
            let Some((a, b)) = part.equality() else { return };
            for (of, by) in [(a, b), (b, a)] {
                let given = sorts::placeholder(by).is_some() || matches!(by.bare().node, Node::Parameter(_));
                let Node::Column(Row::Query(name, entity), field) = &of.bare().node else { continue };
                if given && !super::oracles::is_made(model.entity(*entity), *field) {
                    found.push((name.clone(), *entity, vec![*field]));
                }
            }
        });
    }
    found
}

/// Whether a call says how many rows there are, and nothing of them.
fn counts(call: &Call) -> bool {
    is_aggregate(call) && specc_facts::counts_rows(&call.function.name)
}
