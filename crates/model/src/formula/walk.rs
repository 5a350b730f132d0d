//! Looking into formulas.

use super::{Formula, Node, Operator, Part, Piece, Read, Row, Sql, Volatility};
use crate::scope::PathStep;
use crate::types::{EntityId, FieldIx, Model, PredicateId};
use specc_diag::Span;

impl Node {
    /// The formulas that it is made of, in the order in which they are written.
    pub fn parts(&self) -> Vec<&Formula> {
        match self {
            Node::Literal(_)
            | Node::Column(..)
            | Node::Path(..)
            | Node::Whole(..)
            | Node::Viewer
            | Node::ViewerField(_)
            | Node::Claim(_)
            | Node::Parameter(_)
            | Node::Name(_)
            | Node::AsIs(_) => Vec::new(),
            Node::Exists(exists) => vec![&exists.condition],
            Node::Predicate(_, args) => args.iter().collect(),
            Node::Call(call) => call.args.iter().map(|(_, arg)| arg).collect(),
            Node::Binary(_, sides) => vec![&sides.0, &sides.1],
            Node::Not(inner)
            | Node::Unary(_, inner)
            | Node::Nested(inner)
            | Node::IsNull(inner, _)
            | Node::Is(inner, _) => vec![inner],
            Node::Cast(cast) => vec![&cast.of],
            Node::InList(list, _) => std::iter::once(&list.0).chain(&list.1).collect(),
            Node::Form(form) => form.parts.iter().filter_map(Part::operand).collect(),
            Node::Sql(sql) => sql.formulas().collect(),
        }
    }
}

impl Node {
    /// The formulas that it is made of, to be changed; those of a plain query as well, which are not among
    /// [`Node::parts`].
    pub fn parts_mut(&mut self) -> Vec<&mut Formula> {
        match self {
            Node::Literal(_)
            | Node::Column(..)
            | Node::Path(..)
            | Node::Whole(..)
            | Node::Viewer
            | Node::ViewerField(_)
            | Node::Claim(_)
            | Node::Parameter(_)
            | Node::Name(_)
            | Node::AsIs(_) => Vec::new(),
            Node::Exists(exists) => vec![&mut exists.condition],
            Node::Predicate(_, args) => args.iter_mut().collect(),
            Node::Call(call) => call.args.iter_mut().map(|(_, arg)| arg).collect(),
            Node::Binary(_, sides) => {
                let (left, right) = &mut **sides;
                vec![left, right]
            }
            Node::Not(inner)
            | Node::Unary(_, inner)
            | Node::Nested(inner)
            | Node::IsNull(inner, _)
            | Node::Is(inner, _) => vec![inner],
            Node::Cast(cast) => vec![&mut cast.of],
            Node::InList(list, _) => {
                let (of, items) = &mut **list;
                std::iter::once(of).chain(items).collect()
            }
            Node::Form(form) => form
                .parts
                .iter_mut()
                .filter_map(|part| match part {
                    Part::Operand(formula, _) => Some(formula),
                    Part::Words(_) | Part::Type(_) => None,
                })
                .collect(),
            Node::Sql(sql) => {
                let pieces = sql.pieces.iter_mut().filter_map(|piece| match piece {
                    Piece::Formula(formula) => Some(formula),
                    _ => None,
                });
                let asked = sql.selects.iter_mut().flat_map(|select| {
                    let tables = select.tables.iter_mut().flat_map(|from| {
                        let args = match &mut from.of {
                            Read::Call(args, _) => args.as_mut_slice(),
                            _ => &mut [],
                        };
                        args.iter_mut().chain(from.outer.iter_mut().flatten())
                    });
                    tables.chain(&mut select.conditions).chain(&mut select.output)
                });
                pieces.chain(asked).collect()
            }
        }
    }
}

impl Formula {
    /// Calls `each` with the formula and everything in it, the outer first.
    pub fn each_mut(&mut self, mut each: impl FnMut(&mut Formula)) {
        let mut rest = vec![self];
        while let Some(next) = rest.pop() {
            each(next);
            rest.extend(next.node.parts_mut());
        }
    }

    /// The same without its places, so that what is written in the same words is equal.
    pub fn unplaced(&self) -> Formula {
        let mut formula = self.clone();
        formula.each_mut(|part| part.span = Span::default());
        formula
    }

    /// The formulas that this one is made of, in the order in which they are written.
    pub fn parts(&self) -> Vec<&Formula> {
        self.node.parts()
    }

    /// Calls `each` with the formula and everything in it, the outer first. Chains may be long, so this does not recurse.
    pub fn visit<'f>(&'f self, mut each: impl FnMut(&'f Formula)) {
        let mut rest = vec![self];
        while let Some(next) = rest.pop() {
            each(next);
            rest.extend(next.parts().into_iter().rev());
        }
    }

    /// The columns that it reads of the rows of its scope without following a relation: the row's place and the column,
    /// in the order of the first mention.
    pub fn columns(&self) -> Vec<(usize, FieldIx)> {
        let mut found = Vec::new();
        self.visit(|formula| {
            let read = match &formula.node {
                Node::Column(Row::Scope(row), field) => vec![(*row, *field)],
                // Of which of two rows of one entity is not known.
                Node::AsIs(sql) => sql.columns.iter().map(|(_, field)| (0, *field)).collect(),
                _ => return,
            };
            for column in read {
                if !found.contains(&column) {
                    found.push(column);
                }
            }
        });
        found
    }

    /// Every predicate that it uses itself.
    pub fn predicates(&self) -> Vec<PredicateId> {
        let mut found = Vec::new();
        self.visit(|formula| {
            if let Node::Predicate(id, _) = formula.node
                && !found.contains(&id)
            {
                found.push(id);
            }
        });
        found
    }

    /// Calls `each` with everything in it, also in the bodies of the predicates that it uses, each once.
    pub fn visit_all<'m>(&'m self, model: &'m Model, each: &mut impl FnMut(&'m Formula)) {
        let mut seen = self.predicates();
        self.visit(&mut *each);
        let mut at = 0;
        while let Some(id) = seen.get(at).copied() {
            let body = &model.predicates[id.0 as usize].body.formula;
            body.visit(&mut *each);
            for next in body.predicates() {
                if !seen.contains(&next) {
                    seen.push(next);
                }
            }
            at += 1;
        }
    }

    /// Whether a null in it makes all of it null, so that a missing row and a row of nulls answer alike.
    pub fn is_strict(&self) -> bool {
        match &self.node {
            Node::Literal(_) | Node::Column(..) | Node::Path(..) | Node::Viewer | Node::ViewerField(_) => true,
            Node::Claim(_) | Node::Name(_) | Node::Parameter(_) => true,
            Node::Binary(op, sides) => {
                !matches!(op, Operator::And | Operator::Or) && sides.0.is_strict() && sides.1.is_strict()
            }
            Node::Nested(inner) => inner.is_strict(),
            Node::Cast(cast) => cast.of.is_strict(),
            Node::InList(list, _) => list.0.is_strict() && list.1.iter().all(Formula::is_strict),
            Node::Form(form) => form.strict() && form.parts.iter().filter_map(Part::operand).all(Formula::is_strict),
            _ => false,
        }
    }
}

impl super::Form {
    /// `operand collate name`
    pub(crate) fn is_collation(&self) -> bool {
        self.level == super::Level::COLLATE
    }

    /// What a `case` gives where no condition holds.
    pub(crate) fn otherwise(&self) -> Option<&Formula> {
        let at = self.parts.iter().position(|p| matches!(p, Part::Words(words) if words.trim() == "else"))?;
        self.parts.get(at + 1).and_then(Part::operand)
    }

    /// `like` and `between`, which are null with any of their operands.
    fn strict(&self) -> bool {
        self.level == super::Level::LIKE
    }
}

impl Part {
    pub(super) fn operand(&self) -> Option<&Formula> {
        match self {
            Part::Operand(formula, _) => Some(formula),
            _ => None,
        }
    }
}

impl Sql {
    /// The formulas among its pieces.
    pub fn formulas(&self) -> impl Iterator<Item = &Formula> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Formula(formula) => Some(formula),
            _ => None,
        })
    }

    /// The tables of the spec that it reads, with the rights of who asks.
    pub fn tables(&self) -> impl Iterator<Item = EntityId> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Table(id, _) => Some(*id),
            _ => None,
        })
    }
}

/// What a path over `steps` to `field` can be: null where a reference on the way is, or the field.
pub(super) fn path_nullable(model: &Model, steps: &[PathStep], field: FieldIx) -> bool {
    let target = steps.last().map(|s| model.step_target(*s));
    steps.iter().any(|s| s.back || model.relation(s.relation).nullable)
        || target.is_none_or(|t| model.entity(t).fields.get(field).is_none_or(|f| f.nullable))
}

/// The volatility of what is made of `parts`, at least `own`.
pub(super) fn volatility<'f>(own: Volatility, parts: impl Iterator<Item = &'f Formula>) -> Volatility {
    parts.map(|p| p.volatility).fold(own, Volatility::max)
}
