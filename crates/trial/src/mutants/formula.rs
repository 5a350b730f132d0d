//! A condition with one thing changed.

use specc_model::formula::{Exists, Formula, Node, Operator, Part, Row};
use specc_model::{EntityId, Model, ParamKind, Predicate, PredicateId};
use specc_prove::ANYWHERE;

/// Columns that take the place of another one, at most.
const SWAPS: usize = 2;

/// Predicates that use predicates, looked into so deep.
const DEEPEST: usize = 3;

/// A changed condition, and what was changed.
pub struct Changed {
    /// The condition.
    pub formula: Formula,
    /// In words.
    pub words: String,
    /// Whether it can be written in a policy: it names no row that SQL has no name for.
    pub is_sql: bool,
}

/// Makes changes, and the predicates that they need.
pub struct Changes<'m> {
    /// The spec.
    pub model: &'m Model,
    /// Predicates with a changed body; their places follow those of the spec.
    pub predicates: Vec<Predicate>,
}

/// The rows that a condition can name.
#[derive(Clone, Default)]
pub struct Rows {
    /// Of its scope.
    pub scope: Vec<EntityId>,
    bound: Vec<EntityId>,
    depth: usize,
}

impl Rows {
    /// One row.
    pub fn of(entity: EntityId) -> Self {
        Self { scope: vec![entity], ..Self::default() }
    }

    fn entity(&self, row: &Row) -> Option<EntityId> {
        match row {
            Row::Scope(at) => self.scope.get(*at).copied(),
            Row::Bound(at) => self.bound.get(*at).copied(),
            Row::Query(_, entity) => Some(*entity),
            Row::View(..) => None,
        }
    }
}

fn with(formula: &Formula, node: Node) -> Formula {
    Formula { node, ..formula.clone() }
}

impl Changes<'_> {
    /// Every change of one thing in a condition.
    pub fn of(&mut self, formula: &Formula, rows: &Rows) -> Vec<Changed> {
        let mut all = Vec::new();
        self.here(formula, rows, &mut all);
        self.inside(formula, rows, &mut all);
        all
    }

    /// Changes of the node itself.
    fn here(&self, formula: &Formula, rows: &Rows, all: &mut Vec<Changed>) {
        let mut add = |formula: Formula, words: &str, is_sql: bool| {
            all.push(Changed { formula, words: words.to_owned(), is_sql });
        };
        match &formula.node {
            Node::Binary(op @ (Operator::And | Operator::Or), sides) => {
                let (other, word) = match op {
                    Operator::And => (Operator::Or, "`and` is `or`"),
                    _ => (Operator::And, "`or` is `and`"),
                };
                add(with(formula, Node::Binary(other, sides.clone())), word, true);
                add(sides.1.clone(), "the left part is not asked", true);
                add(sides.0.clone(), "the right part is not asked", true);
            }
            Node::Binary(op, sides) => {
                let other = match op {
                    Operator::Equal => "<>",
                    Operator::Other(op) => match op.as_str() {
                        "<" => "<=",
                        "<=" => "<",
                        ">" => ">=",
                        ">=" => ">",
                        "<>" | "!=" => "=",
                        _ => return,
                    },
                    _ => return,
                };
                let op = if other == "=" { Operator::Equal } else { Operator::Other(other.into()) };
                add(with(formula, Node::Binary(op, sides.clone())), &format!("the operator is `{other}`"), true);
            }
            Node::Not(inner) => add((**inner).clone(), "`not` is not there", true),
            Node::IsNull(inner, negated) => {
                add(with(formula, Node::IsNull(inner.clone(), !negated)), "`is null` is turned round", true);
            }
            Node::InList(list, negated) => {
                if list.1.len() > 1 {
                    let mut fewer = (**list).clone();
                    fewer.1.pop();
                    add(with(formula, Node::InList(Box::new(fewer), *negated)), "the list is shorter", true);
                }
                add(with(formula, Node::InList(list.clone(), !negated)), "`in` is turned round", true);
            }
            Node::Column(row, field) => {
                let Some(entity) = rows.entity(row).map(|id| self.model.entity(id)) else { return };
                let ty = &entity.fields[*field].ty;
                let alike = entity.fields.iter().enumerate().filter(|(at, other)| at != field && other.ty == *ty);
                for (at, other) in alike.take(SWAPS) {
                    let words = format!("`{}` is `{}`", entity.fields[*field].name, other.name);
                    add(with(formula, Node::Column(row.clone(), at)), &words, true);
                }
            }
            Node::Exists(exists) => {
                if !exists.steps.is_empty() {
                    let any = Exists {
                        row: Row::Query(ANYWHERE.into(), exists.target),
                        steps: Box::new([]),
                        ..(**exists).clone()
                    };
                    add(with(formula, Node::Exists(Box::new(any))), "`exists` looks at all rows", false);
                }
                if !exists.including_deleted && self.hides(exists) {
                    let all = Exists { including_deleted: true, ..(**exists).clone() };
                    add(with(formula, Node::Exists(Box::new(all))), "`exists` reads deleted rows", true);
                }
            }
            Node::Sql(sql) => {
                let Some(select) = sql.select().filter(|select| !select.tables.is_empty()) else { return };
                for (at, left_out) in select.conditions.iter().enumerate() {
                    for part in left_out.chain(&Operator::And) {
                        let mut changed = (**sql).clone();
                        if let [select] = changed.selects.as_mut_slice() {
                            let kept: Vec<&Formula> =
                                left_out.chain(&Operator::And).into_iter().filter(|other| *other != part).collect();
                            match Formula::all(&kept) {
                                Some(kept) => select.conditions[at] = kept,
                                None => {
                                    select.conditions.remove(at);
                                }
                            }
                        }
                        add(
                            with(formula, Node::Sql(Box::new(changed))),
                            "a condition of the query is not asked",
                            false,
                        );
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether rows on the way are hidden from others.
    fn hides(&self, exists: &Exists) -> bool {
        exists.steps.iter().any(|step| self.model.entity(self.model.step_target(*step)).visible.is_some())
    }

    /// Changes of what it is made of.
    fn inside(&mut self, formula: &Formula, rows: &Rows, all: &mut Vec<Changed>) {
        let wrap = |changes: Vec<Changed>, all: &mut Vec<Changed>, make: &dyn Fn(Formula) -> Node| {
            for Changed { formula: inner, words, is_sql } in changes {
                all.push(Changed { formula: with(formula, make(inner)), words, is_sql });
            }
        };
        match &formula.node {
            Node::Binary(op, sides) => {
                let left = self.of(&sides.0, rows);
                wrap(left, all, &|inner| Node::Binary(op.clone(), Box::new((inner, sides.1.clone()))));
                let right = self.of(&sides.1, rows);
                wrap(right, all, &|inner| Node::Binary(op.clone(), Box::new((sides.0.clone(), inner))));
            }
            Node::Not(inner) => wrap(self.of(inner, rows), all, &|inner| Node::Not(Box::new(inner))),
            Node::Nested(inner) => wrap(self.of(inner, rows), all, &|inner| Node::Nested(Box::new(inner))),
            Node::IsNull(inner, no) => wrap(self.of(inner, rows), all, &|inner| Node::IsNull(Box::new(inner), *no)),
            Node::Is(inner, what) => wrap(self.of(inner, rows), all, &|inner| Node::Is(Box::new(inner), what)),
            Node::InList(list, no) => {
                let left = self.of(&list.0, rows);
                wrap(left, all, &|inner| Node::InList(Box::new((inner, list.1.clone())), *no));
            }
            Node::Exists(exists) => {
                let mut inner = rows.clone();
                inner.bound.push(exists.target);
                let made = self.of(&exists.condition, &inner);
                wrap(made, all, &|condition| Node::Exists(Box::new(Exists { condition, ..(**exists).clone() })));
            }
            Node::Predicate(id, args) if rows.depth < DEEPEST => {
                let predicate = self.model.predicates[id.0 as usize].clone();
                let scope = predicate.params.iter().filter_map(|param| match param.kind {
                    ParamKind::Row(entity) => Some(entity),
                    ParamKind::Value(_) => None,
                });
                let inner = Rows { scope: scope.collect(), bound: Vec::new(), depth: rows.depth + 1 };
                for Changed { formula: body, words, is_sql } in self.of(&predicate.body.formula, &inner) {
                    let place = PredicateId((self.model.predicates.len() + self.predicates.len()) as u32);
                    let words = format!("{words} (in `{}`)", predicate.name);
                    self.predicates.push(super::with_body(&predicate, body));
                    all.push(Changed { formula: with(formula, Node::Predicate(place, args.clone())), words, is_sql });
                }
            }
            Node::Form(form) => {
                for (at, part) in form.parts.iter().enumerate() {
                    let Part::Operand(operand, level) = part else { continue };
                    let made = self.of(operand, rows);
                    wrap(made, all, &|inner| {
                        let mut form = (**form).clone();
                        form.parts[at] = Part::Operand(inner, *level);
                        Node::Form(Box::new(form))
                    });
                }
            }
            _ => {}
        }
    }
}
