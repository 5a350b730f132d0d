//! What stands where Postgres does not take it, and rows of unequal length.

use crate::Problem;
use crate::environment::Lookup;
use crate::find::idents;
use crate::grouping::Use;
use crate::query::columns;
use crate::scope::{Output, Ty};
use crate::text::{Part, folded};
use crate::walk::Walk;
use smol_str::SmolStr;
use specc_expr::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, OrderBy, OrderByKind,
    Query, Spanned, Value, WindowType,
};
use specc_expr::sqlparser::tokenizer::Span;
use specc_expr::{Look, Tree};
use specc_facts::{Kind, Variant};
use std::ops::ControlFlow;

/// How many values a row has that is written as one.
pub(crate) fn width(expr: &Expr) -> Option<usize> {
    values_of(expr).map(|values| values.len())
}

/// The values of a row that is written as one: `(a, b)`, `row(a, b)`.
pub(crate) fn values_of(expr: &Expr) -> Option<Vec<&Expr>> {
    match expr {
        Expr::Tuple(items) => Some(items.iter().collect()),
        Expr::Function(call) if call.name.to_string().eq_ignore_ascii_case("row") => match &call.args {
            FunctionArguments::List(list) => {
                let plain = |arg| match arg {
                    &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref expr)) => {
                        (!matches!(expr, Expr::QualifiedWildcard(..))).then_some(expr)
                    }
                    _ => None,
                };
                list.args.iter().map(plain).collect()
            }
            _ => None,
        },
        _ => None,
    }
}

impl Walk<'_> {
    fn not_here(&mut self, part: &Part<'_>, area: Span, message: impl Into<String>, help: &str) {
        self.report_at(part, area, Problem::NotHere, message, Some(help.into()));
    }

    /// Rows that are compared have as many values, and a literal in one is read as what it is compared with.
    pub(crate) fn equal_rows(&mut self, part: &Part<'_>, left: &Expr, right: &Expr) {
        let (Some(left), Some(values)) = (values_of(left), values_of(right)) else { return };
        let (a, b) = (left.len(), values.len());
        if a != b {
            let message = format!("a row of {a} is compared with a row of {b}");
            self.report_at(part, right.span(), Problem::WrongCount, message, Some("give both as many values".into()));
        }
        for (one, other) in left.into_iter().zip(values) {
            for (value, beside) in [(one, other), (other, one)] {
                // Only of a name: what is resolved twice at each level of a query in a query has no end.
                if matches!((value, beside), (Expr::Value(_), Expr::Identifier(_) | Expr::CompoundIdentifier(_))) {
                    let ty = self.type_of(part, beside);
                    self.wanted(part, value, &ty);
                }
            }
        }
    }

    /// The type of a name that is resolved elsewhere.
    fn type_of(&mut self, part: &Part<'_>, expr: &Expr) -> Ty {
        let (references, findings) = (self.out.references.len(), self.out.findings.len());
        let ty = self.expr(part, expr);
        self.out.references.truncate(references);
        self.out.findings.truncate(findings);
        ty
    }

    /// A query whose rows are compared with `left` has as many columns.
    pub(crate) fn compared(&mut self, part: &Part<'_>, left: &Expr, query: &Query) -> Output {
        let output = self.query(part, query);
        self.by_order(part.place(query.body.span()), None, &output);
        let known = !matches!(left, Expr::Function(_)) || width(left).is_some();
        let wanted = width(left).unwrap_or(1);
        if output.complete && known && output.columns.len() != wanted {
            let message = format!("the query gives {}, and {wanted} is compared", columns(output.columns.len()));
            let help = "select as many columns as stand on the other side";
            self.report_at(part, query.body.span(), Problem::WrongCount, message, Some(help.into()));
        }
        output
    }

    /// A query that stands for one value has one column.
    pub(crate) fn one_value(&mut self, part: &Part<'_>, query: &Query, output: &Output) {
        if output.complete && output.columns.len() != 1 {
            let message = format!("a query that stands for a value gives {}", columns(output.columns.len()));
            let help = "select one column, or `row(a, b)`";
            self.report_at(part, query.body.span(), Problem::WrongCount, message, Some(help.into()));
        }
    }

    /// `order by 2`, where there is no second column.
    pub(crate) fn numbers(&mut self, part: &Part<'_>, order: Option<&OrderBy>, output: &Output) {
        let Some(OrderByKind::Expressions(parts)) = order.map(|order| &order.kind) else { return };
        for found in parts {
            let Expr::Value(value) = &found.expr else { continue };
            let Value::Number(digits, _) = &value.value else { continue };
            let there = output.columns.len();
            if output.complete && digits.parse::<usize>().is_ok_and(|at| at == 0 || at > there) {
                let message = format!("there is no column {digits}: the query gives {}", columns(there));
                self.report_at(part, found.expr.span(), Problem::WrongCount, message, None);
            }
        }
    }

    /// The window that a call or another window names.
    pub(crate) fn window_named(&mut self, part: &Part<'_>, ident: &Ident) {
        let name = folded(ident);
        let Some(windows) = self.levels.last().and_then(|level| level.windows.clone()) else { return };
        if !windows.contains(&name) {
            let near = specc_diag::nearest(&name, windows.iter().map(SmolStr::as_str));
            let help = near.map_or_else(|| format!("write `window {name} as (…)`"), |n| format!("did you mean `{n}`?"));
            let message = format!("no window of this query is called `{name}`");
            self.report_at(part, ident.span, Problem::UnknownRelation, message, Some(help));
        }
    }

    /// What a call says of rows that its function does not look at that way.
    /// Whether it was said that the words around its arguments are wrong.
    pub(crate) fn call_form(&mut self, part: &Part<'_>, call: &Function) -> bool {
        match &call.over {
            Some(WindowType::NamedWindow(name)) => self.window_named(part, name),
            Some(WindowType::WindowSpec(spec)) => {
                if let Some(name) = &spec.window_name {
                    self.window_named(part, name);
                }
            }
            None => {}
        }
        let area = call.name.span();
        let FunctionArguments::List(list) = &call.args else { return false };
        let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        if distinct && call.over.is_some() {
            let help = "count over a query inside that has each value once";
            self.not_here(part, area, "`distinct` cannot stand in a window function", help);
            return true;
        }
        let written = idents(&call.name).unwrap_or_default();
        let builtin: &[_] = match written[..] {
            [name] if name.quote_style.is_none() => specc_facts::functions(&folded(name)),
            _ => &[],
        };
        if self.wrong_rows(part, call, distinct, builtin) {
            return true;
        }
        let window = builtin.iter().any(|v| v.kind == Kind::Window);
        if window && call.over.is_none() && call.within_group.is_empty() && self.is_built_in(&written) {
            let message = format!("`{}` is a window function, and has no `over (…)`", folded(written[0]));
            self.not_here(part, area, message, "write `over (order by …)` behind it");
            return true;
        }
        let outer = self.use_of(call);
        if !matches!(outer, Use::Aggregate | Use::Window) {
            return false;
        }
        let exprs = list.args.iter().filter_map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        });
        let inner = exprs.flat_map(|expr| self.calls_in(expr)).find(|(_, what, own)| {
            *own && (*what == Use::Window || *what == Use::Aggregate && outer == Use::Aggregate)
        });
        let exprs = list.args.iter().filter_map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        });
        exprs.for_each(|expr| {
            self.no_set(part, expr, if outer == Use::Window { "a window function" } else { "an aggregate" })
        });
        if let Some((area, what, _)) = inner {
            let message = match what {
                Use::Window => "a window function cannot stand in another, or in an aggregate",
                _ => "an aggregate cannot stand in another",
            };
            self.not_here(part, area, message, "compute it in a query inside, and ask for its result");
        }
        false
    }

    /// Says where a call has words that only an aggregate takes, and is none, or lacks those that it needs.
    fn wrong_rows(&mut self, part: &Part<'_>, call: &Function, distinct: bool, builtin: &[Variant]) -> bool {
        let area = call.name.span();
        let name = idents(&call.name).and_then(|all| all.last().map(|ident| folded(ident))).unwrap_or_default();
        let what = self.use_without_over(call);
        // Whatever extension brings others of the name.
        let missing = |schema: &SmolStr| self.env.functions(schema, &name) == Lookup::Missing;
        let own = call.name.0.len() == 1 && self.path.iter().all(missing);
        let within = !call.within_group.is_empty();
        if what == Use::Plain {
            let word = match call {
                _ if within => "within group (…)",
                _ if distinct => "distinct",
                Function { filter: Some(_), .. } => "filter (…)",
                Function { over: Some(_), .. } => "over (…)",
                _ => return false,
            };
            let message = format!("`{name}` is no aggregate, and takes no `{word}`");
            self.not_here(part, area, message, "remove it, or call an aggregate of the value");
            return true;
        }
        let (any, all) = (builtin.iter().any(|v| v.ordered), builtin.iter().all(|v| v.ordered));
        if own && !builtin.is_empty() && within && !any {
            let message = format!("`{name}` does not order its rows, and takes no `within group`");
            self.not_here(part, area, message, "write `order by …` behind its argument, within the parentheses");
            return true;
        }
        if own && !builtin.is_empty() && !within && all {
            let message = format!("`{name}` needs to know the order of its rows");
            self.not_here(part, area, message, &format!("write `{name}(…) within group (order by …)`"));
            return true;
        }
        false
    }

    /// The first call of a function that gives many rows, and its name.
    pub(crate) fn many_in(&self, expr: &Expr) -> Option<(Span, SmolStr)> {
        let mut sets = Sets { walk: self, found: None, queries: 0 };
        expr.walk(&mut sets);
        sets.found
    }

    /// Functions that give many rows cannot stand where one value is asked for.
    pub(crate) fn no_set(&mut self, part: &Part<'_>, expr: &Expr, clause: &str) {
        if let Some((area, name)) = self.many_in(expr) {
            let clause = if clause.starts_with("a") { clause.to_owned() } else { format!("`{clause}`") };
            let message = format!("`{name}` gives many rows, and cannot stand in {clause}");
            self.not_here(part, area, message, "put it into `from`, or ask with `in (select …)`");
        }
    }
}

/// The first call outside of queries of a function that gives many rows.
struct Sets<'w, 'e> {
    walk: &'w Walk<'e>,
    found: Option<(Span, SmolStr)>,
    queries: usize,
}

impl Look for Sets<'_, '_> {
    fn query(&mut self, _: &Query) {
        self.queries += 1;
    }

    fn query_ends(&mut self, _: &Query) {
        self.queries -= 1;
    }

    fn expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let (0, None, Expr::Function(call)) = (self.queries, &self.found, expr)
            && let Some(written) = idents(&call.name)
            && self.walk.gives_rows(&written)
        {
            self.found = written.last().map(|ident| (call.name.span(), folded(ident)));
        }
        ControlFlow::Continue(())
    }
}
