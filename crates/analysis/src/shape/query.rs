//! Queries: their columns, and whether Postgres writes through them.

use super::from::computed;
use super::scope::{Scope, Withs};
use super::{Column, Shape, Shapes};
use crate::query::output_name;
use crate::text::folded;
use smol_str::SmolStr;
use specc_expr::sqlparser::ast::{
    Expr, GroupByExpr, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableFactor, Values,
};

impl Shapes<'_> {
    /// The shape of the query of a view.
    pub(super) fn top(&self, query: &Query) -> Option<Shape> {
        let mut columns = self.query(query, None, &Withs::new())?;
        let base = self.base(query);
        if base.is_none() {
            columns.iter_mut().for_each(|column| column.writes = None);
        }
        Some(Shape { columns, base })
    }

    /// The columns of a query; none where it cannot be read.
    pub(super) fn query(&self, query: &Query, outer: Option<&Scope<'_>>, withs: &Withs) -> Option<Vec<Column>> {
        let mut withs = withs.clone();
        if let Some(with) = &query.with {
            for cte in &with.cte_tables {
                let name = folded(&cte.alias.name);
                let names = cte.alias.columns.iter().map(|column| folded(&column.name));
                let mut columns = match &*cte.query.body {
                    SetExpr::SetOperation { left, right, .. } if with.recursive => {
                        // What it gives itself is not known before the end.
                        let mut inner = withs.clone();
                        let mut first = self.set(left, outer, &withs)?;
                        first.iter_mut().for_each(unsure);
                        inner.push((name.clone(), renamed(first, names.clone())));
                        let mut all = match self.set(right, outer, &inner) {
                            Some(right) => self.united(inner.pop().map(|(_, first)| first).unwrap_or_default(), right),
                            None => return None,
                        };
                        all.iter_mut().for_each(unsure);
                        all
                    }
                    _ => self.query(&cte.query, outer, &withs)?,
                };
                columns.iter_mut().for_each(|column| column.writes = None);
                let columns = renamed(columns, names);
                withs.push((name, columns));
            }
        }
        self.set(&query.body, outer, &withs)
    }

    fn set(&self, set: &SetExpr, outer: Option<&Scope<'_>>, withs: &Withs) -> Option<Vec<Column>> {
        match set {
            SetExpr::Select(select) => self.select(select, outer, withs),
            SetExpr::Query(query) => self.query(query, outer, withs),
            SetExpr::SetOperation { left, right, .. } => {
                Some(self.united(self.set(left, outer, withs)?, self.set(right, outer, withs)?))
            }
            SetExpr::Values(values) => Some(self.values(values, outer, withs)),
            _ => None,
        }
    }

    /// What `union` and its like give: no column of it is another's any more.
    fn united(&self, left: Vec<Column>, right: Vec<Column>) -> Vec<Column> {
        let both = left.into_iter().zip(right);
        both.map(|(a, b)| Column {
            certain: a.certain && b.certain,
            ..computed(a.name, self.common([a.ty, b.ty].into_iter()))
        })
        .collect()
    }

    fn values(&self, values: &Values, outer: Option<&Scope<'_>>, withs: &Withs) -> Vec<Column> {
        let scope = Scope { outer, ..Scope::default() };
        let width = values.rows.first().map_or(0, |row| row.content.len());
        let column = |at: usize| {
            let exprs = || values.rows.iter().filter_map(|row| row.content.get(at));
            let ty = self.common(exprs().map(|expr| self.ty(&scope, withs, expr)));
            let certain = self.typed.get() == 0 && exprs().all(|expr| self.certain(&scope, withs, expr));
            Column { certain, ..computed(SmolStr::from(format!("column{}", at + 1)), ty) }
        };
        (0..width).map(column).collect()
    }

    fn select(&self, select: &Select, outer: Option<&Scope<'_>>, withs: &Withs) -> Option<Vec<Column>> {
        let mut scope = Scope { outer, ..Scope::default() };
        for table in &select.from {
            let star = self.joined(&mut scope, withs, table)?;
            scope.star.extend(star);
        }
        let mut proven = std::mem::take(&mut scope.held);
        if let Some(condition) = &select.selection {
            super::certain::proves(&scope, condition, &mut proven);
        }
        for (source, _) in &proven {
            scope.sources[*source].real = true;
        }
        scope.proven = proven;
        let grouped = match &select.group_by {
            GroupByExpr::All(_) => return None,
            GroupByExpr::Expressions(parts, modifiers) => {
                let is_set = |expr: &Expr| matches!(expr, Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_));
                (!parts.is_empty(), !modifiers.is_empty() || parts.iter().any(is_set))
            }
        };
        let mut columns = Vec::new();
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) if specc_expr::row_of_star(expr).is_some() => return None,
                SelectItem::UnnamedExpr(expr) => {
                    columns.push(self.output(&scope, withs, expr, output_name(expr), grouped.0))
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    columns.push(self.output(&scope, withs, expr, folded(alias), grouped.0));
                }
                SelectItem::Wildcard(_) => {
                    for star in &scope.star {
                        columns.push(scope.starred(star)?);
                    }
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    let row = crate::find::idents(name)?.last().map(|ident| folded(ident))?;
                    let at = scope.sources.iter().position(|source| source.name == row)?;
                    if scope.sources[at].open {
                        return None;
                    }
                    columns.extend((0..scope.sources[at].columns.len()).filter_map(|n| scope.column(at, n)));
                }
                _ => return None,
            }
        }
        if grouped.1 {
            // A set of groups leaves a column empty that is not of the group.
            columns.iter_mut().for_each(unsure);
        }
        Some(columns)
    }

    /// A column of the output. `grouped`: no group is empty.
    fn output(&self, scope: &Scope<'_>, withs: &Withs, expr: &Expr, name: SmolStr, grouped: bool) -> Column {
        match self.passed_on(scope, expr) {
            Some(column) => Column { name, ..column },
            None => Column {
                certain: self.typed.get() == 0 && self.certain_in(scope, withs, expr, grouped),
                ..computed(name, self.ty(scope, withs, expr))
            },
        }
    }

    /// The column that an expression passes on as it is; a cast to the type that it has already is none.
    fn passed_on(&self, scope: &Scope<'_>, expr: &Expr) -> Option<Column> {
        match expr {
            Expr::Cast { expr: inner, data_type, .. } => {
                let column = self.passed_on(scope, inner)?;
                let (from, to) = (column.ty.as_ref()?, self.written_type(data_type)?);
                let same = from.schema == to.schema && from.name == to.name && from.dims == to.dims;
                (same && !data_type.to_string().contains('(')).then_some(column)
            }
            Expr::Nested(inner) => self.passed_on(scope, inner),
            _ => scope.find(expr).map(|found| found.column),
        }
    }

    /// The relation that a query is a plain view of, so that Postgres writes through it: one relation, no groups, no limit.
    fn base(&self, query: &Query) -> Option<specc_catalog::Qualified> {
        let plain = query.with.is_none() && query.limit_clause.is_none() && query.fetch.is_none();
        let select = match &*query.body {
            SetExpr::Select(select) if plain => select,
            SetExpr::Query(inner) if plain => return self.base(inner),
            _ => return None,
        };
        let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(parts, _) if parts.is_empty());
        let [table] = &select.from[..] else { return None };
        let TableFactor::Table { args: None, sample: None, .. } = &table.relation else { return None };
        if !ungrouped || select.having.is_some() || select.distinct.is_some() || !table.joins.is_empty() {
            return None;
        }
        let special = select.projection.iter().any(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => self.is_special(expr),
            _ => false,
        });
        let mut scope = Scope::default();
        self.joined(&mut scope, &Withs::new(), table)?;
        let relation = scope.sources.first()?.relation.clone()?;
        (!special && !self.is_materialized(&relation)).then_some(relation)
    }

    fn is_materialized(&self, name: &specc_catalog::Qualified) -> bool {
        self.find(&specc_catalog::TableName::new(&*name.schema, &*name.name)).is_some_and(|view| view.materialized)
    }
}

fn unsure(column: &mut Column) {
    column.required = false;
    column.certain = false;
    column.writes = None;
}

fn renamed(mut columns: Vec<Column>, names: impl Iterator<Item = SmolStr>) -> Vec<Column> {
    for (column, name) in columns.iter_mut().zip(names) {
        column.name = name;
    }
    columns
}
