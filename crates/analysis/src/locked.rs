//! `for update`: which rows can be locked.

use crate::Problem;
use crate::find::idents;
use crate::grouping::{Use, item};
use crate::text::{Part, folded};
use crate::walk::Walk;
use smol_str::SmolStr;
use specc_expr::sqlparser::ast::{
    Expr, GroupByExpr, Ident, JoinOperator, LockClause, ObjectName, OrderByKind, Query, Select, SetExpr, Spanned,
    TableAlias, TableFactor, TableWithJoins,
};
use specc_expr::sqlparser::tokenizer::Span;

/// What stands in `from`.
struct Row<'q> {
    name: SmolStr,
    area: Span,
    kind: RowKind<'q>,
    /// A join may leave it empty.
    nullable: bool,
}

#[derive(Clone, Copy)]
enum RowKind<'q> {
    Table,
    With,
    Function,
    Query(&'q Query),
    /// A join with an alias, and what is not known.
    Other,
}

impl Walk<'_> {
    /// Says what of a query cannot be locked.
    pub(crate) fn locked(&mut self, part: &Part<'_>, query: &Query) {
        if let SetExpr::SetOperation { left, right, .. } = &*query.body {
            for side in [left, right] {
                if let SetExpr::Query(inner) = &**side
                    && !inner.locks.is_empty()
                {
                    return self.not_locked(part, inner.body.span(), "a union", "lock them in a query of their own");
                }
            }
        }
        if query.locks.is_empty() || !self.lockable(part, query) {
            return;
        }
        let SetExpr::Select(select) = &*query.body else { return };
        let rows = self.rows_in(query, select);
        for lock in &query.locks {
            match &lock.of {
                None => self.all_locked(part, &rows),
                Some(name) => self.one_locked(part, lock, name, &rows),
            }
        }
    }

    /// Whether the rows of a query are rows of its tables; says why not.
    fn lockable(&mut self, part: &Part<'_>, query: &Query) -> bool {
        let order = query.order_by.as_ref().map(|order| &order.kind);
        let (what, area) = match &*query.body {
            SetExpr::SetOperation { .. } => (Some("a union"), query.body.span()),
            SetExpr::Values(_) => (Some("`values`"), query.body.span()),
            SetExpr::Select(select) => {
                let grouped = match &**select {
                    Select { distinct: Some(_), .. } => Some("`distinct`"),
                    Select { group_by: GroupByExpr::Expressions(parts, _), .. } if !parts.is_empty() => {
                        Some("`group by`")
                    }
                    Select { having: Some(_), .. } => Some("`having`"),
                    _ => None,
                };
                let mut exprs: Vec<&Expr> = select.projection.iter().filter_map(item).map(|(expr, _)| expr).collect();
                if let Some(OrderByKind::Expressions(parts)) = order {
                    exprs.extend(parts.iter().map(|part| &part.expr));
                }
                let calls = exprs.into_iter().flat_map(|expr| self.calls_in(expr)).find_map(|(area, what, own)| {
                    let own = own || self.levels.is_empty();
                    match what {
                        Use::Aggregate if own => Some(("an aggregate", area)),
                        Use::Window if own => Some(("a window function", area)),
                        _ => None,
                    }
                });
                let many = || {
                    let mut listed = select.projection.iter().filter_map(item);
                    listed
                        .find_map(|(expr, _)| self.many_in(expr))
                        .map(|(area, _)| ("a function that gives many", area))
                };
                match (grouped, calls.or_else(many)) {
                    (Some(what), _) => (Some(what), query.body.span()),
                    (None, Some((what, area))) => (Some(what), area),
                    (None, None) => (None, query.body.span()),
                }
            }
            _ => (None, query.body.span()),
        };
        if let Some(what) = what {
            self.not_locked(part, area, what, "lock them in a query inside: `… in (select … for update)`");
        }
        what.is_none()
    }

    fn not_locked(&mut self, part: &Part<'_>, area: Span, what: &str, help: &str) {
        let message = format!("rows of {what} cannot be locked");
        self.report_at(part, area, Problem::NotHere, message, Some(help.into()));
    }

    /// Without `of` all tables are locked, and those of queries in `from`.
    fn all_locked(&mut self, part: &Part<'_>, rows: &[Row<'_>]) {
        for row in rows {
            let reads = match row.kind {
                RowKind::Table => true,
                RowKind::Query(inner) => {
                    if !row.nullable && !matches!(&*inner.body, SetExpr::Values(_)) && !self.lockable(part, inner) {
                        return;
                    }
                    self.reads_tables(inner)
                }
                _ => false,
            };
            if row.nullable && reads {
                let help = "write `for update of …` with the tables of the other side".to_owned();
                return self.left_empty(part, row.area, &row.name, help);
            }
        }
    }

    fn left_empty(&mut self, part: &Part<'_>, area: Span, name: &SmolStr, help: String) {
        let message = format!("`{name}` may be left empty by the join, and cannot be locked");
        self.report_at(part, area, Problem::NotHere, message, Some(help));
    }

    fn one_locked(&mut self, part: &Part<'_>, lock: &LockClause, name: &ObjectName, rows: &[Row<'_>]) {
        let _ = lock;
        let Some(written) = idents(name) else { return };
        let [ident] = written[..] else {
            let message = "a table that is locked is named without its schema";
            let help = written.last().map(|last| format!("write `{}`, as `from` calls it", last.value));
            return self.report_at(part, name.span(), Problem::NotHere, message, help);
        };
        let name = folded(ident);
        let Some(row) = rows.iter().find(|row| row.name == name) else {
            if rows.iter().any(|row| matches!(row.kind, RowKind::Other)) {
                return;
            }
            let near = specc_diag::nearest(&name, rows.iter().map(|row| row.name.as_str()));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let message = format!("no table in this query is called `{name}`");
            return self.report_at(part, ident.span, Problem::UnknownRelation, message, help);
        };
        let what = match row.kind {
            RowKind::With => "a `with` query",
            RowKind::Function => "a function",
            RowKind::Query(inner) => {
                if !matches!(&*inner.body, SetExpr::Values(_))
                    && self.lockable(part, inner)
                    && row.nullable
                    && self.reads_tables(inner)
                {
                    self.left_empty(part, ident.span, &name, "lock another table".to_owned());
                }
                return;
            }
            RowKind::Table => {
                if row.nullable {
                    self.left_empty(part, ident.span, &name, "lock another table, or join it otherwise".to_owned());
                }
                return;
            }
            RowKind::Other => return,
        };
        self.not_locked(part, ident.span, what, "lock the tables that its rows are from");
    }

    /// Whether a query reads a table itself.
    fn reads_tables(&self, query: &Query) -> bool {
        let SetExpr::Select(select) = &*query.body else { return false };
        self.rows_in(query, select).iter().any(|row| matches!(row.kind, RowKind::Table))
    }

    fn rows_in<'q>(&self, query: &'q Query, select: &'q Select) -> Vec<Row<'q>> {
        let own = query.with.iter().flat_map(|with| &with.cte_tables).map(|cte| folded(&cte.alias.name));
        let with: Vec<SmolStr> = own.chain(self.with.iter().map(|(name, _)| name.clone())).collect();
        let mut rows = Vec::new();
        select.from.iter().for_each(|table| joined(table, &with, &mut rows));
        rows
    }
}

fn joined<'q>(table: &'q TableWithJoins, with: &[SmolStr], rows: &mut Vec<Row<'q>>) {
    let first = rows.len();
    factor(&table.relation, with, rows);
    for join in &table.joins {
        let start = rows.len();
        factor(&join.relation, with, rows);
        let (left, right) = match &join.join_operator {
            JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => (false, true),
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => (true, false),
            JoinOperator::FullOuter(_) => (true, true),
            _ => (false, false),
        };
        rows[first..start].iter_mut().for_each(|row| row.nullable |= left);
        rows[start..].iter_mut().for_each(|row| row.nullable |= right);
    }
}

fn factor<'q>(factor: &'q TableFactor, with: &[SmolStr], rows: &mut Vec<Row<'q>>) {
    let called = |alias: &Option<TableAlias>, own: Option<&Ident>| {
        let ident = alias.as_ref().map(|alias| &alias.name).or(own);
        ident.map(|ident| (folded(ident), ident.span))
    };
    let (named, kind) = match factor {
        TableFactor::Table { name, alias, args, .. } => {
            let own = name.0.last().and_then(|part| part.as_ident());
            let is_with = name.0.len() == 1 && own.is_some_and(|ident| with.contains(&folded(ident)));
            let kind = match args {
                Some(_) => RowKind::Function,
                None if is_with => RowKind::With,
                None if specc_expr::session_value(name).is_some() => RowKind::Function,
                None => RowKind::Table,
            };
            (called(alias, own), kind)
        }
        TableFactor::Derived { alias, subquery, .. } => (called(alias, None), RowKind::Query(subquery)),
        TableFactor::Function { alias, .. } | TableFactor::UNNEST { alias, .. } => {
            (called(alias, None), RowKind::Function)
        }
        TableFactor::NestedJoin { table_with_joins, alias: None } => {
            return joined_within(table_with_joins, with, rows);
        }
        _ => (None, RowKind::Other),
    };
    let (name, area) = named.unwrap_or_else(|| (SmolStr::default(), factor.span()));
    rows.push(Row { name, area, kind, nullable: false });
}

fn joined_within<'q>(table: &'q TableWithJoins, with: &[SmolStr], rows: &mut Vec<Row<'q>>) {
    let mut inner = Vec::new();
    joined(table, with, &mut inner);
    rows.append(&mut inner);
}
