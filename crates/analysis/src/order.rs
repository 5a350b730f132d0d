//! `order by` beside `distinct`.

use crate::Problem;
use crate::grouping::item;
use crate::text::{Part, folded};
use crate::walk::Walk;
use specc_expr::sqlparser::ast::{Distinct, Expr, OrderBy, OrderByKind, Select, Spanned, Value};

impl Walk<'_> {
    /// What orders distinct rows is among their columns, and what makes them distinct orders them first.
    pub(crate) fn distinct_order(&mut self, part: &Part<'_>, select: &Select, order: Option<&OrderBy>) {
        let (Some(distinct), Some(OrderByKind::Expressions(parts))) =
            (&select.distinct, order.map(|order| &order.kind))
        else {
            return;
        };
        let Some(level) = self.levels.last() else { return };
        if level.natural || !level.merged.is_empty() || level.sources.iter().any(|source| !source.complete) {
            return;
        }
        let items: Vec<_> = select.projection.iter().filter_map(item).collect();
        let all = items.len() == select.projection.len();
        let meant = |expr: &Expr| -> Option<Expr> {
            let found = match expr {
                Expr::Identifier(ident) => {
                    let name = folded(ident);
                    items.iter().find(|(_, alias)| alias.as_ref() == Some(&name)).map_or(expr, |(expr, _)| *expr)
                }
                Expr::Value(value) => match &value.value {
                    Value::Number(digits, _) if all => items.get(digits.parse::<usize>().ok()?.checked_sub(1)?)?.0,
                    _ => return None,
                },
                _ => expr,
            };
            Some(self.canonical(found))
        };
        let ordered: Option<Vec<Expr>> = parts.iter().map(|part| meant(&part.expr)).collect();
        let Some(ordered) = ordered else { return };
        let wrong = match distinct {
            Distinct::On(on) => {
                let on: Option<Vec<Expr>> = on.iter().map(meant).collect();
                let Some(on) = on else { return };
                let first = ordered.iter().position(|expr| !on.contains(expr));
                let wrong = first.filter(|first| on.iter().any(|expr| !ordered[..*first].contains(expr)));
                let help = "order by what stands in `distinct on (…)` first, and then by the rest";
                wrong.map(|at| (at, "the rows are ordered by something else than `distinct on` names", help))
            }
            Distinct::Distinct if all => {
                let given: Vec<Expr> = items.iter().map(|(expr, _)| self.canonical(expr)).collect();
                let wrong = ordered.iter().position(|expr| !given.contains(expr));
                let help = "add it to the columns, or group instead: `group by … order by min(…)`";
                wrong.map(|at| (at, "distinct rows are ordered by something that they do not have", help))
            }
            _ => None,
        };
        if let Some((at, message, help)) = wrong {
            self.report_at(part, parts[at].expr.span(), Problem::Order, message, Some(help.into()));
        }
    }
}
