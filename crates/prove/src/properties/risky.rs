//! Conditions that end with an error for some rows, or hold for none because of a null.

use super::{Context, Finding};
use crate::sorts;
use crate::verdict::Verdict;
use specc_diag::{Code, Span, codes};
use specc_facts::{Family, family};
use specc_model::formula::{Formula, Node, Operator, Read, Row, Select, Sql};
use specc_model::{Base, Entity, FieldIx, Model, PredicateId, Type};
use std::collections::BTreeSet;

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    let table = context.name(entity.id);
    for rule in &entity.rules {
        let mut look =
            Look { model: context.model, entity, seen: BTreeSet::new(), raised: Vec::new(), nulls: Vec::new() };
        for expr in [&rule.when, &rule.check].into_iter().flatten() {
            look.formula(&expr.formula, false);
        }
        let mut push = |code: Code, span: Option<Span>, claim: String, wrong: String| {
            let verdict = match span {
                Some(_) => Verdict::Counterexample(None),
                None => Verdict::Proven { rows: 0 },
            };
            let span = span.unwrap_or(rule.span);
            found.push(Finding { code, entity: table.clone(), claim, wrong, verdict, span });
        };
        let raised = look.raised.first().copied();
        let what = raised.map_or("", |(_, what)| what);
        push(
            codes::RAISES,
            raised.map(|(span, _)| span),
            format!("the condition of rule `{}` of `{table}` ends with no error", rule.name),
            format!("the condition of rule `{}` of `{table}` ends with an error where {what}", rule.name),
        );
        push(
            codes::NULL_IN_LIST,
            look.nulls.first().copied(),
            format!("the condition of rule `{}` of `{table}` says what it says whatever is null", rule.name),
            format!(
                "the condition of rule `{}` of `{table}` is null for every row as soon as the list has a null",
                rule.name
            ),
        );
    }
}

struct Look<'m> {
    model: &'m Model,
    entity: &'m Entity,
    seen: BTreeSet<PredicateId>,
    /// Where an error may come from, and when.
    raised: Vec<(Span, &'static str)>,
    nulls: Vec<Span>,
}

impl Look<'_> {
    /// `tested`: something around it has looked at the value first.
    fn formula(&mut self, formula: &Formula, tested: bool) {
        match &formula.node {
            Node::Cast(cast) if !tested && self.may_not_be(&cast.of, &formula.ty) => {
                self.raised.push((formula.span, "a text is no such value"));
            }
            Node::Binary(Operator::Other(op), sides)
                if matches!(op.as_str(), "/" | "%") && !tested && self.may_be_zero(&sides.1) =>
            {
                self.raised.push((formula.span, "the divisor is 0"));
            }
            Node::Binary(Operator::And, _) => {
                let parts = formula.chain(&Operator::And);
                let matched = parts.iter().any(|part| is_match(part));
                return parts.into_iter().for_each(|part| self.formula(part, tested || matched));
            }
            Node::Not(inner) if is_in_query(inner).is_some() => self.in_query(is_in_query(inner)),
            Node::Form(form) => {
                let word = crate::encode::word(form).unwrap_or_default();
                if word == "not in" || word.starts_with("<> all") {
                    self.in_query(form.parts.iter().filter_map(sorts::operand).nth(1).and_then(sorts::listed));
                }
                let listed =
                    ["in", "not in", "= any", "exists", "not exists", "array"].contains(&word) || word.contains("all");
                for part in form.parts.iter().filter_map(sorts::operand) {
                    match sorts::query(part).filter(|_| listed) {
                        Some(sql) => self.inside(sql, tested),
                        None => self.formula(part, tested || word == "case"),
                    }
                }
                return;
            }
            Node::Sql(sql) => {
                let several = sql
                    .select()
                    .is_some_and(|select| !select.tables.is_empty() && !select.first && !self.is_of_one_row(select));
                if several {
                    self.raised.push((formula.span, "the query in it gives several rows"));
                }
                return self.inside(sql, tested);
            }
            Node::Predicate(id, _) if self.seen.insert(*id) => {
                let model = self.model;
                self.formula(&model.predicates[id.0 as usize].body.formula, tested);
            }
            _ => {}
        }
        formula.parts().into_iter().for_each(|part| self.formula(part, tested));
    }

    fn inside(&mut self, sql: &Sql, tested: bool) {
        for select in &sql.selects {
            select.conditions.iter().chain(&select.output).for_each(|part| self.formula(part, tested));
        }
    }

    /// `not in (select column …)` where the column may be null, and the query does not leave those out.
    fn in_query(&mut self, sql: Option<&Sql>) {
        let Some(select) = sql.and_then(Sql::select) else { return };
        let [output] = select.output.as_slice() else { return };
        let left_out =
            select.conditions.iter().flat_map(|condition| condition.bare().chain(&Operator::And)).any(
                |part| matches!(&part.bare().node, Node::IsNull(of, true) if of.bare().node == output.bare().node),
            );
        if output.nullable && !left_out && matches!(output.bare().node, Node::Column(..)) {
            self.nulls.push(output.span);
        }
    }

    /// Whether a text that somebody chose is made a value of a type that not every text is.
    fn may_not_be(&self, of: &Formula, to: &Type) -> bool {
        let strict = to.dims == 0
            && match &to.base {
                Base::Builtin(name) => {
                    let family = family(name);
                    family.is_number() || matches!(family, Family::Uuid | Family::Moment | Family::Boolean)
                }
                Base::Enum(_) => true,
                _ => false,
            };
        let chosen = match &of.bare().node {
            Node::Column(Row::Scope(0), field) => is_text(&of.ty) && !self.is_checked(*field),
            Node::Column(..) | Node::Path(..) => is_text(&of.ty),
            _ => crate::files::folder(of).is_some(),
        };
        strict && chosen
    }

    fn may_be_zero(&self, divisor: &Formula) -> bool {
        match &divisor.bare().node {
            Node::Column(Row::Scope(0), field) => !self.is_checked(*field),
            Node::Column(..) | Node::Path(..) => true,
            Node::Cast(cast) => self.may_be_zero(&cast.of),
            _ => false,
        }
    }

    /// Whether a check of the table looks at the column.
    fn is_checked(&self, field: FieldIx) -> bool {
        self.entity.checks.iter().any(|check| check.expr.formula.columns().contains(&(0, field)))
    }

    /// Whether a query gives one row at most: it asks for something that is unique.
    fn is_of_one_row(&self, select: &Select) -> bool {
        let [from] = select.tables.as_slice() else { return false };
        let Read::Entity(entity) = from.of else { return true };
        let asked: BTreeSet<FieldIx> = select
            .conditions
            .iter()
            .flat_map(|condition| condition.bare().chain(&Operator::And))
            .filter_map(|part| part.bare().equality())
            .flat_map(|(a, b)| [a, b])
            .filter_map(|side| match &side.bare().node {
                Node::Column(Row::Query(name, _), field) if *name == from.name => Some(*field),
                _ => None,
            })
            .collect();
        let mut sets = self.model.entity(entity).unique_sets();
        sets.any(|set| set.fields.is_some_and(|fields| fields.iter().all(|field| asked.contains(field))))
    }
}

fn is_text(ty: &Type) -> bool {
    ty.dims == 0 && matches!(&ty.base, Base::Builtin(name) if family(name) == Family::Text)
}

/// `name ~ '…'`
fn is_match(formula: &Formula) -> bool {
    matches!(&formula.bare().node, Node::Binary(Operator::Other(op), _) if op == "~" || op == "~*")
}

/// The query of `… in (select …)`.
fn is_in_query(formula: &Formula) -> Option<&Sql> {
    let Node::Form(form) = &formula.bare().node else { return None };
    let list = form.parts.iter().filter_map(sorts::operand).nth(1)?;
    (crate::encode::word(form) == Some("in")).then(|| sorts::listed(list)).flatten()
}
