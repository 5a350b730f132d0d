//! Rights that follow from a column of somebody's own row, which she writes herself.

use super::{Act, Context, Finding};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::membership::deciding;
use crate::sorts::{Source, is_condition, parts, query, viewer_key};
use crate::standing::{Ask, Given, Person};
use crate::verdict::Verdict;
use crate::world::RowId;
use specc_diag::codes;
use specc_model::formula::{Formula, From, Node, Operator, Read, Row, Sql};
use specc_model::{Entity, FieldIx, Model, RuleAction};
use std::collections::BTreeSet;

/// What rules ask of the row of who is asking, wherever they do, each with the columns that it reads.
fn asks(model: &Model) -> Vec<(Ask<'_>, BTreeSet<FieldIx>)> {
    let Some((viewer, key)) = viewer_key(model) else { return Vec::new() };
    let mut found: Vec<(Ask<'_>, BTreeSet<FieldIx>)> = Vec::new();
    for formula in deciding(model) {
        let mut rest = vec![formula];
        while let Some(part) = rest.pop() {
            let mut columns = BTreeSet::new();
            let asked = match &part.node {
                Node::Sql(_) => {
                    let select = query(part).and_then(Sql::select);
                    let row = select.and_then(|select| match select.tables.as_slice() {
                        [From { name, of: Read::Entity(entity), .. }] if *entity == viewer => {
                            Some(Row::Query(name.clone(), viewer))
                        }
                        _ => None,
                    });
                    select.zip(row).and_then(|(select, row)| {
                        let mut ask = Ask::of(&row, &select.conditions, &Given::default());
                        let own = |formula: &Formula| matches!(&formula.bare().node, Node::Column(of, field) if *of == row && *field == key);
                        let is_key = |part: &&Formula| {
                            let sides = part.bare().equality();
                            sides.is_some_and(|(a, b)| {
                                [(a, b), (b, a)].iter().any(|(a, b)| own(a) && Person::of(model, b) == Some(Person::Viewer))
                            })
                        };
                        let of_viewer = ask.all.iter().any(is_key);
                        ask.all.retain(|part| !is_key(part));
                        // `select is_admin from …` asks it too.
                        ask.all.extend(select.output.iter().filter(|output| is_condition(output)));
                        of_viewer.then_some(ask)
                    })
                }
                Node::Binary(Operator::And | Operator::Or, _) | Node::Not(_) | Node::Nested(_) => None,
                _ if is_condition(part) && is_of_viewer(part) => {
                    Some(Ask { all: vec![part], ..Ask::of_any(Row::Query("".into(), viewer)) })
                }
                _ => None,
            };
            if let Some(ask) = asked.filter(|ask| !ask.all.is_empty()) {
                for part in &ask.all {
                    part.visit(|part| match &part.node {
                        Node::ViewerField(field) => drop(columns.insert(*field)),
                        Node::Column(of, field) if *of == ask.row => drop(columns.insert(*field)),
                        _ => {}
                    });
                }
                found.push((ask, columns));
                if !matches!(part.node, Node::Sql(_)) {
                    continue;
                }
            }
            rest.extend(parts(part));
        }
    }
    found
}

/// Whether it reads the viewer's row, and no other.
fn is_of_viewer(formula: &Formula) -> bool {
    let (mut reads, mut only) = (false, true);
    formula.visit(|part| match &part.node {
        Node::ViewerField(_) => reads = true,
        Node::Column(..) | Node::Path(..) | Node::Whole(..) | Node::Exists(_) | Node::AsIs(_) => only = false,
        Node::Sql(_) => only &= crate::sorts::wrapped(part).is_some(),
        Node::Parameter(_) | Node::Predicate(..) => only = false,
        _ => {}
    });
    reads && only
}

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    let Some((viewer, key)) = viewer_key(context.model).filter(|(viewer, _)| *viewer == entity.id) else { return };
    let asks = asks(context.model);
    let table = context.name(viewer);
    for role in context.signed_in() {
        for command in [RuleAction::Insert, RuleAction::Update] {
            let Some(right) = context.right(viewer, role, command) else { continue };
            let columns: BTreeSet<FieldIx> = asks.iter().flat_map(|(_, columns)| columns).copied().collect();
            for field in columns.into_iter().filter(|field| *field != key && right.writes(*field)) {
                let asks = asks.iter().filter(|(_, columns)| columns.contains(&field)).map(|(ask, _)| ask);
                let asks: Vec<&Ask<'m>> = asks.collect();
                for (at, opening) in right.openings().iter().enumerate().filter(|(_, by)| right.opens(by, field)) {
                    let (name, rule, column) = (&role.name, &opening.rule.name, &entity.fields[field].name);
                    let claim = format!(
                        "by rule `{rule}` nobody sets `{column}` of its own row of `{table}` to what rules ask for"
                    );
                    let wrong = format!(
                        "by rule `{rule}` `{name}` sets `{column}` of its own row of `{table}`, which rules ask for"
                    );
                    let verdict = Writes { right: &right, role, rule: at, key, field }.gains(context, &asks);
                    let (code, span) = (codes::SELF_DECLARED, opening.rule.span);
                    found.push(Finding { code, entity: table.clone(), claim, wrong, verdict, span });
                }
            }
        }
    }
}

/// A rule by which somebody may write a column of what could be her own row.
struct Writes<'a, 'm> {
    right: &'a Right<'m>,
    role: &'a Role,
    /// Its place among the right's openings.
    rule: usize,
    key: FieldIx,
    field: FieldIx,
}

/// What the rule lets through, with what is looked at of it.
struct Declared<'m> {
    act: Act<'m>,
    old: Option<RowId>,
    new: RowId,
    opened: Lit,
    /// The row is that of who is asking.
    mine: Lit,
    /// The column is given a value, or another one.
    said: Lit,
}

impl<'m> Writes<'_, 'm> {
    fn declared(&self, context: &Context<'m>) -> Option<Declared<'m>> {
        let (entity, field) = (self.right.entity.id, self.field);
        let mut act = Act::new(context, self.right, self.role, &[(entity, self.key), (entity, field)], []);
        let opened = act.opened[self.rule];
        let (old, new) = act.rows();
        let new = new?;
        let world = &mut act.world;
        let viewer = world.session(Source::Viewer);
        let own = world.value(old.unwrap_or(new), self.key);
        let mine = world.equal(&own, &viewer).yes;
        let said = match old {
            Some(old) => world.differs(old, new, field),
            None => world.given(new, field),
        };
        Some(Declared { act, old, new, opened, mine, said })
    }

    /// Whether somebody gives herself by it what is asked of her, and had not.
    fn gains(&self, context: &Context<'m>, asks: &[&Ask<'m>]) -> Verdict {
        let Some(Declared { mut act, old, new, opened, mine, said }) = self.declared(context) else {
            return Verdict::Proven { rows: 0 };
        };
        let world = &mut act.world;
        let mut gained = Vec::new();
        for ask in asks {
            let was = old.map_or(Lit::FALSE, |old| world.asked(ask, old));
            let is = world.in_phase(1, |world| world.asked(ask, new));
            gained.push(world.circuit.and(!was, is));
        }
        let gained = world.circuit.any(gained);
        // Whoever gives the column of others its value, and with her own gives that up, promotes nobody.
        let mut keeps = Lit::TRUE;
        if old.is_some() && self.gives_others(context) {
            let right = self.right;
            let opened = world.in_phase(1, |world| right.reaches(world, new).1);
            let still = right.openings().iter().zip(opened).filter(|(by, _)| right.opens(by, self.field));
            let still: Vec<Lit> = still.map(|(_, (_, lit))| lit).collect();
            keeps = world.circuit.any(still);
        }
        act.decide(&[opened, mine, said, gained, keeps])
    }

    /// Whether somebody sets the column of rows that are not her own by it.
    fn gives_others(&self, context: &Context<'m>) -> bool {
        self.declared(context).is_some_and(|Declared { act, opened, mine, said, .. }| {
            matches!(act.decide(&[opened, !mine, said]), Verdict::Counterexample(_))
        })
    }
}
