//! What a query may read once its rows are grouped, and where aggregates and window functions may stand.

use crate::Problem;
use crate::environment::{Lookup, Routine};
use crate::find::idents;
use crate::query::columns;
use crate::scope::Output;
use crate::text::{Part, folded};
use crate::walk::Walk;
use smol_str::SmolStr;
use specc_expr::sqlparser::ast::{
    CastKind, DataType, Distinct, Expr, Function, GroupByExpr, Ident, ObjectNamePart, OrderBy, OrderByKind, Query,
    Select, SelectItem, Spanned, Value, visit_expressions_mut,
};
use specc_expr::sqlparser::tokenizer::Span;
use specc_expr::{Look, Tree};
use specc_facts::Kind;
use std::ops::ControlFlow;

/// What a call does with the rows of its query.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Use {
    Plain,
    Aggregate,
    Window,
    /// It may be an aggregate.
    Unknown,
}

impl Walk<'_> {
    /// Says what of a query, whose tables are in sight, reads a row where there is only a group, or a group where there are
    /// only rows.
    pub(crate) fn aggregates(&mut self, part: &Part<'_>, select: &Select, order: Option<&OrderBy>, output: &Output) {
        if let Some(expr) = &select.selection {
            self.no_aggregate(part, expr, "where");
            self.no_set(part, expr, "where");
        }
        if let Some(expr) = &select.having {
            self.no_window(part, expr, "having");
            self.no_set(part, expr, "having");
        }
        let mut groups: Vec<&Expr> = Vec::new();
        if let GroupByExpr::Expressions(parts, modifiers) = &select.group_by {
            if !modifiers.is_empty() {
                return;
            }
            for expr in parts {
                match expr {
                    Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                        groups.extend(sets.iter().flatten());
                    }
                    Expr::Tuple(items) => groups.extend(items),
                    _ => groups.push(expr),
                }
            }
        }
        let items: Vec<(&Expr, Option<SmolStr>)> = select.projection.iter().filter_map(item).collect();
        // `group by 2`, and `group by total` where no table has such a column.
        let written = groups.len();
        let groups: Vec<&Expr> = groups
            .into_iter()
            .filter_map(|expr| match expr {
                Expr::Value(value) => match &value.value {
                    Value::Number(digits, _) => {
                        let at: usize = digits.parse().ok()?;
                        let there = select.projection.len();
                        if (at == 0 || at > there) && output.complete && items.len() == there {
                            let message = format!("there is no column {at}: the query gives {}", columns(there));
                            self.report_at(part, expr.span(), Problem::Ungrouped, message, None);
                            return None;
                        }
                        items.get(at.checked_sub(1)?).map(|(expr, _)| *expr)
                    }
                    _ => None,
                },
                Expr::Identifier(ident) if self.own_column(expr).is_none() => {
                    let name = folded(ident);
                    let named = items.iter().find(|(_, alias)| alias.as_ref() == Some(&name));
                    Some(named.map_or(expr, |(expr, _)| expr))
                }
                _ => Some(expr),
            })
            .collect();
        for group in &groups {
            self.no_aggregate(part, group, "group by");
        }
        if groups.len() < written {
            return;
        }
        let mut read: Vec<&Expr> = items.iter().map(|(expr, _)| *expr).collect();
        read.extend(&select.having);
        if let Some(Distinct::On(parts)) = &select.distinct {
            read.extend(parts);
        }
        if let Some(OrderByKind::Expressions(parts)) = order.map(|order| &order.kind) {
            // A name of the output is what stands there.
            let own = |expr: &&Expr| {
                let output = |ident| items.iter().any(|(_, alias)| alias.as_ref() == Some(&folded(ident)));
                !matches!(expr, Expr::Identifier(ident) if output(ident)) && !matches!(expr, Expr::Value(_))
            };
            read.extend(parts.iter().map(|part| &part.expr).filter(own));
        }
        let grouped = !groups.is_empty() || select.having.is_some();
        let mut calls = Calls { walk: self, found: Vec::new(), queries: 0 };
        for expr in &read {
            expr.walk(&mut calls);
        }
        if !grouped && !calls.found.iter().any(|(_, what, own)| *own && *what == Use::Aggregate) {
            return;
        }
        let Some(level) = self.levels.last() else { return };
        if level.sources.iter().any(|source| !source.complete) || level.natural || !level.merged.is_empty() {
            return;
        }
        let keys: Vec<(usize, SmolStr)> = groups.iter().filter_map(|expr| self.own_column(expr)).collect();
        let groups: Vec<Expr> = groups.into_iter().map(|expr| self.canonical(expr)).collect();
        let mut found = Ungrouped { walk: self, groups: &groups, keys: &keys, inside: 0, first: None };
        for expr in read {
            expr.walk(&mut found);
        }
        if let Some((area, name)) = found.first {
            let message = format!("`{name}` is neither in `group by` nor in an aggregate");
            let help = format!("add it to `group by`, or take one of its values: `max({name})`");
            self.report_at(part, area, Problem::Ungrouped, message, Some(help));
        }
    }

    /// The calls of an expression that are not plain: place, what each is, and whether its rows are surely this query's.
    pub(crate) fn calls_in(&self, expr: &Expr) -> Vec<(Span, Use, bool)> {
        let mut calls = Calls { walk: self, found: Vec::new(), queries: 0 };
        expr.walk(&mut calls);
        calls.found
    }

    /// Reports window functions where rows are grouped.
    fn no_window(&mut self, part: &Part<'_>, expr: &Expr, clause: &str) {
        if let Some((area, ..)) = self.calls_in(expr).into_iter().find(|(_, what, own)| *own && *what == Use::Window) {
            let message = format!("a window function cannot stand in `{clause}`");
            let help = "compute it in a query inside, and ask for its result";
            self.report_at(part, area, Problem::Ungrouped, message, Some(help.into()));
        }
    }

    /// Reports aggregates and window functions where rows are still looked at one by one.
    pub(crate) fn no_aggregate(&mut self, part: &Part<'_>, expr: &Expr, clause: &str) {
        let found =
            self.calls_in(expr).into_iter().find(|(_, what, own)| *own && matches!(what, Use::Aggregate | Use::Window));
        if let Some((area, what, _)) = found {
            let (what, help) = match what {
                Use::Window => ("a window function", "compute it in a query inside, and ask for its result"),
                _ => ("an aggregate", "ask for it in `having`, or compute it in a query inside"),
            };
            let message = format!("{what} cannot stand in `{clause}`");
            self.report_at(part, area, Problem::Ungrouped, message, Some(help.into()));
        }
    }

    /// The expression without its parentheses, each column with its table, names folded: what is the same is written alike.
    pub(crate) fn canonical(&self, expr: &Expr) -> Expr {
        let mut out = expr.clone();
        let _ = visit_expressions_mut(&mut out, |part: &mut Expr| {
            while let Expr::Nested(inner) = part {
                *part = (**inner).clone();
            }
            if let Some((at, name)) = self.own_column(part) {
                *part = Expr::CompoundIdentifier(vec![Ident::new(at.to_string()), Ident::new(name.as_str())]);
            } else if let Expr::Cast { kind, data_type, .. } = part {
                *kind = CastKind::DoubleColon;
                if let Some(name) = specc_facts::canonical_type(&crate::types::spelled(data_type)) {
                    *data_type = DataType::Custom(Ident::new(name).into(), Vec::new());
                }
            } else if let Expr::Function(call) = part {
                for part in &mut call.name.0 {
                    if let Some(ident) = part.as_ident() {
                        *part = ObjectNamePart::Identifier(Ident::new(folded(ident).as_str()));
                    }
                }
            }
            ControlFlow::<()>::Continue(())
        });
        out
    }

    /// Whether a name can only mean a function that Postgres brings.
    pub(crate) fn is_built_in(&self, written: &[&Ident]) -> bool {
        let [ident] = written else { return false };
        let name = folded(ident);
        let variants = specc_facts::functions(&name);
        let brought = variants.is_empty() || variants.iter().any(|v| v.extension == "-");
        brought && self.path.iter().all(|schema| self.env.functions(schema, &name) == Lookup::Missing)
    }

    pub(crate) fn use_of(&self, call: &Function) -> Use {
        if call.over.is_some() { Use::Window } else { self.use_without_over(call) }
    }

    /// What a call is, whatever rows it says that it looks at.
    pub(crate) fn use_without_over(&self, call: &Function) -> Use {
        let Some(written) = idents(&call.name) else { return Use::Unknown };
        let (schema, name) = match &written[..] {
            [name] => (None, folded(name)),
            [schema, name] => (Some(folded(schema)), folded(name)),
            _ => return Use::Unknown,
        };
        let builtin =
            if schema.as_deref().is_none_or(|s| s == "pg_catalog") { specc_facts::functions(&name) } else { &[] };
        let is = |kind: Kind| !builtin.is_empty() && builtin.iter().all(|v| v.kind == kind);
        if is(Kind::Aggregate) {
            return Use::Aggregate;
        }
        if is(Kind::Function) {
            return Use::Plain;
        }
        // What a block of SQL makes may be an aggregate.
        let told = |all: &[Routine]| all.iter().all(|one| *one != Routine::any(one.name.clone()));
        let own = |schema: &str| matches!(self.env.functions(schema, &name), Lookup::Found(all) if told(&all));
        match &schema {
            Some(schema) if own(schema) => Use::Plain,
            None if builtin.is_empty() && self.env.path().iter().any(|schema| own(schema)) => Use::Plain,
            _ => Use::Unknown,
        }
    }
}

/// An element of a list, and its name where it has one.
pub(crate) fn item(item: &SelectItem) -> Option<(&Expr, Option<SmolStr>)> {
    match item {
        SelectItem::UnnamedExpr(expr) => Some((expr, Some(crate::query::output_name(expr)))),
        SelectItem::ExprWithAlias { expr, alias } => Some((expr, Some(folded(alias)))),
        _ => None,
    }
}

/// The calls of an expression that are not plain, without those in queries inside it: place, what it is, and whether its
/// rows are surely those of this query.
struct Calls<'w, 'e> {
    walk: &'w Walk<'e>,
    found: Vec<(Span, Use, bool)>,
    queries: usize,
}

impl Look for Calls<'_, '_> {
    fn query(&mut self, _: &Query) {
        self.queries += 1;
    }

    fn query_ends(&mut self, _: &Query) {
        self.queries -= 1;
    }

    fn expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let (0, Expr::Function(call)) = (self.queries, expr) {
            let what = self.walk.use_of(call);
            if what != Use::Plain {
                // An aggregate over rows of a query around this one is that query's.
                let own = self.walk.levels.len() == 1 || {
                    let mut columns = Columns { walk: self.walk, own: false, other: false };
                    expr.walk(&mut columns);
                    columns.own || !columns.other
                };
                self.found.push((call.name.span(), what, own));
            }
        }
        ControlFlow::Continue(())
    }
}

/// Whether an expression reads a column of this query's own tables, and anything else that has a name.
struct Columns<'w, 'e> {
    walk: &'w Walk<'e>,
    own: bool,
    other: bool,
}

impl Look for Columns<'_, '_> {
    fn expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            let own = self.walk.own_column(expr).is_some();
            self.own |= own;
            self.other |= !own;
        }
        ControlFlow::Continue(())
    }
}

/// The first column that is neither grouped nor in an aggregate.
struct Ungrouped<'w, 'e> {
    walk: &'w Walk<'e>,
    groups: &'w [Expr],
    keys: &'w [(usize, SmolStr)],
    /// In a query, an aggregate, or what is grouped as a whole.
    inside: usize,
    first: Option<(Span, SmolStr)>,
}

impl Ungrouped<'_, '_> {
    fn covers(&self, expr: &Expr) -> bool {
        let call =
            matches!(expr, Expr::Function(call) if matches!(self.walk.use_of(call), Use::Aggregate | Use::Unknown));
        call || !self.groups.is_empty() && self.groups.contains(&self.walk.canonical(expr))
    }

    /// A whole key among the groups brings all columns of its table.
    fn whole(&self, at: usize) -> bool {
        let Some(source) = self.walk.levels.last().and_then(|level| level.sources.get(at)) else { return true };
        let Some(name) = &source.relation else { return false };
        let Some(relation) = self.walk.env.relation(&name.schema, &name.name).found() else { return true };
        !relation.key.is_empty() && relation.key.iter().all(|key| self.keys.contains(&(at, key.clone())))
    }
}

impl Look for Ungrouped<'_, '_> {
    fn query(&mut self, _: &Query) {
        self.inside += 1;
    }

    fn query_ends(&mut self, _: &Query) {
        self.inside -= 1;
    }

    fn expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.covers(expr) {
            self.inside += 1;
        } else if self.inside == 0
            && self.first.is_none()
            && let Some((at, name)) = self.walk.own_column(expr)
            && !self.keys.contains(&(at, name.clone()))
            && !self.whole(at)
        {
            self.first = Some((expr.span(), name));
        }
        ControlFlow::Continue(())
    }

    fn expr_ends(&mut self, expr: &Expr) {
        if self.covers(expr) {
            self.inside -= 1;
        }
    }
}
