//! Queries as choices of rows.

use super::build::{Builder, Meaning, folded};
use super::*;
use specc_expr::ident_span;
use specc_facts::Kind;
use sqlparser::ast::{
    self, Distinct, GroupByExpr, Ident, JoinConstraint, JoinOperator, LimitClause, ObjectName, Query, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, TableFactor,
};

/// What `with` gives names to.
struct With {
    /// The innermost last, each with how many queries it is made of.
    named: Vec<(SmolStr, Vec<Select>, usize)>,
    /// So many queries may still stand where a name of one does.
    left: usize,
}

/// Queries that stand where `with` gives a name. One that reads another one twice, which reads another one twice, has no end: what
/// is beyond this is not looked into.
const MOST: usize = 2_000;

/// How many queries these are, with those that they read.
fn count(selects: &[Select]) -> usize {
    let inner = |from: &From| if let Read::Query(selects) = &from.of { count(selects) } else { 0 };
    selects.iter().map(|select| 1 + select.tables.iter().map(inner).sum::<usize>()).sum()
}

impl Builder<'_> {
    /// The queries that a query is made of; none where one of them is not looked into.
    pub(super) fn selects(&self, query: &Query) -> Vec<Select> {
        self.selects_with(query, &mut With { named: Vec::new(), left: MOST })
    }

    fn selects_with(&self, query: &Query, with: &mut With) -> Vec<Select> {
        let first = is_first(query);
        let some = !first && (query.limit_clause.is_some() || query.fetch.is_some());
        let around = with.named.len();
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let recursive = query.with.as_ref().is_some_and(|with| with.recursive) || !cte.alias.columns.is_empty();
            let made = if recursive { Vec::new() } else { self.selects_with(&cte.query, with) };
            let size = count(&made);
            with.named.push((folded(&cte.alias.name), made, size));
        }
        let mut made = Vec::new();
        let known = self.branches(&query.body, with, &mut made);
        with.named.truncate(around);
        if !known {
            return Vec::new();
        }
        if let ([only], Some(ast::OrderByKind::Expressions(parts))) =
            (&mut made[..], query.order_by.as_ref().map(|order| &order.kind))
        {
            // A name of the result is among what is given, and a number says nothing.
            let plain =
                parts.iter().map(|part| &part.expr).filter(|expr| !only.names.iter().any(|name| is_name(expr, name)));
            only.ordered.extend(plain.map(|expr| self.formula(expr)));
        }
        // The first of several queries together is of any of them.
        let some = some || first && made.len() > 1;
        made.iter_mut()
            .for_each(|select| (select.partial, select.first) = (select.partial | some, select.first | first));
        made
    }

    fn branches(&self, body: &SetExpr, with: &mut With, made: &mut Vec<Select>) -> bool {
        match body {
            SetExpr::Select(select) => match self.select(select, with) {
                Some(select) => {
                    made.push(select);
                    true
                }
                None => false,
            },
            SetExpr::Query(query) => {
                let mut inner = self.selects_with(query, with);
                let known = !inner.is_empty();
                made.append(&mut inner);
                known
            }
            SetExpr::SetOperation { op: SetOperator::Union, left, right, .. } => {
                self.branches(left, with, made) && self.branches(right, with, made)
            }
            _ => false,
        }
    }

    fn select(&self, select: &ast::Select, with: &mut With) -> Option<Select> {
        if select.qualify.is_some() || !select.lateral_views.is_empty() {
            return None;
        }
        let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
        let some = grouped || select.having.is_some() || matches!(select.distinct, Some(Distinct::On(_)));
        let mut made = Select { partial: some, ..Select::default() };
        for from in &select.from {
            made.tables.push(self.read(&from.relation, with)?);
            for join in &from.joins {
                self.join(join, with, &mut made)?;
            }
        }
        let conditions = select.selection.iter().chain(&select.having);
        made.conditions.extend(conditions.map(|condition| self.formula(condition)));
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) if specc_expr::row_of_star(expr).is_some() => return None,
                SelectItem::UnnamedExpr(expr) => {
                    made.names.push(crate::typing::output_name(expr));
                    made.output.push(self.formula(expr));
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    made.names.push(folded(alias));
                    made.output.push(self.formula(expr));
                }
                SelectItem::Wildcard(_) => {
                    made.star = true;
                    for at in 0..made.tables.len() {
                        let columns = self.all_columns(&made.tables[at])?;
                        made.add(columns);
                    }
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    made.star = true;
                    let name = folded(name.0.last()?.as_ident()?);
                    let columns = self.all_columns(made.tables.iter().find(|from| from.name == name)?)?;
                    made.add(columns);
                }
                _ => return None,
            }
        }
        made.partial |= made.output.iter().any(is_aggregated);
        Some(made)
    }

    fn join(&self, join: &ast::Join, with: &mut With, made: &mut Select) -> Option<()> {
        let mut read = self.read(&join.relation, with)?;
        let (on, outer) = match &join.join_operator {
            JoinOperator::Join(on) | JoinOperator::Inner(on) => (on, false),
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (on, true),
            JoinOperator::CrossJoin(JoinConstraint::None) => {
                made.tables.push(read);
                return Some(());
            }
            _ => return None,
        };
        let conditions = match on {
            JoinConstraint::On(on) => vec![self.formula(on)],
            JoinConstraint::Using(names) => {
                let names = names.iter().filter(|name| specc_expr::join_alias(name).is_none());
                let same = names.map(|name| self.same_column(name, &made.tables, &read));
                same.collect::<Option<Vec<_>>>()?
            }
            _ => return None,
        };
        match outer {
            true => read.outer = Some(conditions),
            false => made.conditions.extend(conditions),
        }
        made.tables.push(read);
        Some(())
    }

    /// `using (name)`
    fn same_column(&self, name: &ObjectName, before: &[From], read: &From) -> Option<Formula> {
        let ident = name.0.last()?.as_ident()?;
        let span = ident_span(ident, self.text, self.at);
        let column = |from: &From| {
            let Read::Entity(id) = from.of else { return None };
            let entity = self.model.entity(id);
            let field = entity.field(&folded(ident))?;
            Some(column_of(from, entity, field, span))
        };
        let (left, right) = (before.iter().find_map(column)?, column(read)?);
        let node = Node::Binary(Operator::Equal, Box::new((left, right)));
        let ty = Type { base: Base::Builtin("boolean".into()), args: Vec::new(), dims: 0 };
        Some(Formula { node, ty, span, nullable: true, volatility: Volatility::Immutable })
    }

    fn read(&self, factor: &TableFactor, with: &mut With) -> Option<From> {
        let (ident, alias): (&Ident, _) = match factor {
            TableFactor::Table { name, alias, .. } | TableFactor::Function { name, alias, .. } => {
                (name.0.last()?.as_ident()?, alias.as_ref())
            }
            TableFactor::Derived { alias: Some(alias), .. } | TableFactor::UNNEST { alias: Some(alias), .. } => {
                (&alias.name, Some(alias))
            }
            _ => return None,
        };
        let first = match factor {
            TableFactor::Table { name, args: None, sample: None, .. } => {
                name.0.first().and_then(|part| part.as_ident()).and_then(|ident| self.meanings.of(ident))
            }
            _ => None,
        };
        let renamed = alias.is_some_and(|alias| !alias.columns.is_empty());
        let plain = matches!(factor, TableFactor::Table { name, args: None, .. } if name.0.len() == 1);
        let cte = with.named.iter().rev().find(|(name, ..)| plain && *name == folded(ident));
        let cte = cte.filter(|(.., size)| *size <= with.left).map(|(_, made, size)| (made.clone(), *size));
        let cte = cte.map(|(made, size)| {
            with.left -= size;
            made
        });
        let inner = match factor {
            TableFactor::Derived { subquery, .. } => Some(self.selects_with(subquery, with)),
            _ => cte,
        };
        let of = match first {
            _ if !renamed && inner.as_ref().is_some_and(|inner| !inner.is_empty()) => {
                Read::Query(inner.unwrap_or_default())
            }
            Some(Meaning::Table(id)) if !renamed => Read::Entity(*id),
            Some(Meaning::View(at)) => Read::View(*at),
            _ => self.called(factor, ident_span(ident, self.text, self.at)),
        };
        let name = folded(alias.map_or(ident, |alias| &alias.name));
        Some(From { name, of, outer: None })
    }

    /// A function in `from`, or whatever else stands there.
    fn called(&self, factor: &TableFactor, span: Span) -> Read {
        let (name, args) = match factor {
            TableFactor::Table { name, args: Some(args), .. } => (name, &args.args),
            TableFactor::Function { name, args, .. } => (name, args),
            _ => return Read::Other(span),
        };
        let values = args.iter().map(|arg| match arg {
            ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(value)) => Some(self.formula(value)),
            _ => None,
        });
        match values.collect::<Option<Vec<_>>>() {
            Some(values) if self.declared(name).is_none() => Read::Call(values, span),
            _ => Read::Other(span),
        }
    }

    fn given(&self, node: Node, ty: Type) -> Formula {
        Formula { node, ty, span: self.at, nullable: true, volatility: Volatility::Immutable }
    }

    /// What `*` is of something that is read.
    fn all_columns(&self, from: &From) -> Option<Vec<(SmolStr, Formula)>> {
        match from.of {
            Read::Entity(id) => {
                let entity = self.model.entity(id);
                let column =
                    |field: FieldIx| (entity.fields[field].name.clone(), column_of(from, entity, field, self.at));
                Some((0..entity.fields.len()).map(column).collect())
            }
            Read::View(at) => {
                let output = &self.model.views[at].output;
                let known = !output.iter().any(|(name, _)| name == "*");
                let column = |(field, (name, ty)): (usize, &(SmolStr, Type))| {
                    let node = Node::Column(Row::View(from.name.clone(), at), field);
                    (name.clone(), self.given(node, ty.clone()))
                };
                known.then(|| output.iter().enumerate().map(column).collect())
            }
            Read::Query(ref selects) => {
                let first = selects.first()?;
                let column = |(name, output): (&SmolStr, &Formula)| {
                    let node = Node::Name([from.name.clone(), name.clone()].into());
                    (name.clone(), self.given(node, output.ty.clone()))
                };
                Some(first.names.iter().zip(&first.output).map(column).collect())
            }
            Read::Call(..) | Read::Other(_) => None,
        }
    }
}

/// `limit 1` and no order: any row of those that there are.
fn is_first(query: &Query) -> bool {
    let Some(LimitClause::LimitOffset { limit: Some(limit), offset: None, limit_by }) = &query.limit_clause else {
        return false;
    };
    let one = matches!(limit, ast::Expr::Value(value) if value.to_string() == "1");
    one && limit_by.is_empty() && query.order_by.is_none() && query.fetch.is_none()
}

impl Select {
    fn add(&mut self, columns: Vec<(SmolStr, Formula)>) {
        for (name, column) in columns {
            self.names.push(name);
            self.output.push(column);
        }
    }
}

fn column_of(from: &From, entity: &crate::types::Entity, field: FieldIx, span: Span) -> Formula {
    let column = &entity.fields[field];
    Formula {
        node: Node::Column(Row::Query(from.name.clone(), entity.id), field),
        ty: column.ty.clone(),
        span,
        nullable: column.nullable || from.outer.is_some(),
        volatility: Volatility::Immutable,
    }
}

/// Whether it is this name alone.
fn is_name(expr: &ast::Expr, name: &str) -> bool {
    matches!(expr, ast::Expr::Identifier(ident) if folded(ident) == name)
}

/// Whether it is worked out of several rows: a call of an aggregate, or of a window function.
pub fn is_aggregated(formula: &Formula) -> bool {
    let mut found = false;
    formula.visit(|part| {
        found |= match &part.node {
            Node::Call(call) => is_aggregate(call),
            // `filter (where …)`, `over (…)`, `within group (…)` are not taken apart.
            Node::Sql(sql) => !sql.query,
            _ => false,
        };
    });
    found
}

/// Whether a function gives one value for many rows.
pub fn is_aggregate(call: &Call) -> bool {
    let known = specc_facts::functions(&call.function.name);
    call.star || call.declared.is_none() && known.iter().any(|variant| variant.kind != Kind::Function)
}

impl From {
    /// Whether all its rows are known.
    fn is_plain(&self) -> bool {
        match &self.of {
            Read::Entity(_) | Read::View(_) => true,
            Read::Query(selects) => {
                selects.iter().all(|select| !select.partial && select.tables.iter().all(From::is_plain))
            }
            Read::Call(..) | Read::Other(_) => false,
        }
    }
}

impl Sql {
    /// What it asks, where it is one query that gives a row for each choice of rows of tables and views.
    pub fn select(&self) -> Option<&Select> {
        let [select] = self.selects.as_slice() else { return None };
        (select.tables.iter().all(From::is_plain) && !select.partial).then_some(select)
    }
}
