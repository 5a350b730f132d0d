//! Comparisons of a value with itself.

use super::expr::{Checker, Source};
use super::names::Found;
use crate::formula::Row;
use crate::scope::Resolved;
use specc_diag::codes;
use specc_expr::object_name;
use specc_facts::Volatility;
use sqlparser::ast::{Expr as Ast, Function as Call, FunctionArg, FunctionArgExpr, FunctionArguments, Ident};

impl Checker<'_> {
    /// Says where both sides of a comparison are the same value; whether it did.
    pub(crate) fn same_sides(&mut self, ast: &Ast, left: &Ast, right: &Ast) -> bool {
        let (left, right) = (bare(left), bare(right));
        // Of constants nobody expects anything else.
        if !names_something(left) || !self.are_same(left, right) {
            return false;
        }
        let (message, help) = self.said(left);
        self.report(codes::SAME_ROW, ast, message, Some(help));
        true
    }

    /// What is wrong, and what to write instead.
    fn said(&mut self, side: &Ast) -> (String, String) {
        let otherwise = "compare it with something else, or remove the comparison".to_owned();
        let Some(idents) = idents(side) else {
            return (format!("both sides are `{}`", self.written(side)), otherwise);
        };
        match self.meaning_of(idents) {
            Some((Resolved::Field { field, .. }, row)) => {
                let entity = match &row {
                    Row::Scope(at) => self.scope.rows.get(*at).map(|row| row.1),
                    Row::Query(_, entity) => Some(*entity),
                    Row::Bound(_) | Row::View(..) => None,
                };
                let field = entity.and_then(|entity| self.model.entity(entity).fields.get(field));
                let name = field.map_or_else(|| idents[idents.len() - 1].value.clone(), |field| field.name.to_string());
                let help = match (&row, self.scope.rows.is_empty()) {
                    (Row::Scope(_), _) => otherwise,
                    (_, false) => format!("write `this.{name}` for the column of the row that the rule is about"),
                    (_, true) => format!("name the table before `{name}` on both sides, or remove the comparison"),
                };
                (format!("both sides are `{name}` of the same row"), help)
            }
            Some((Resolved::Parameter(_), _)) => {
                let name = &idents[0].value;
                let help = match self.column_called(name) {
                    Some(row) => format!("write `{row}.{name}` for the column"),
                    None => otherwise,
                };
                (format!("both sides are the parameter `{name}`"), help)
            }
            _ => (format!("both sides are `{}`", self.written(side)), otherwise),
        }
    }

    /// The name of the innermost row in sight that has a column of this name.
    fn column_called(&self, name: &str) -> Option<String> {
        let rows = self.levels.iter().rev().flat_map(|level| &level.from);
        let has = |source: &Source| match source {
            Source::Entity(id) => self.model.field(*id, name).is_some(),
            Source::Columns(columns, _) => columns.iter().any(|(column, _)| column == name),
            Source::Opaque => false,
        };
        rows.filter(|from| has(&from.source)).find_map(|from| match &from.table {
            _ if !from.alias.is_empty() => Some(from.alias.to_string()),
            table => table.as_ref().map(|table| table.name.to_string()),
        })
    }

    fn are_same(&mut self, left: &Ast, right: &Ast) -> bool {
        let (left, right) = (bare(left), bare(right));
        if let (Some(a), Some(b)) = (idents(left), idents(right)) {
            return self.same_name(a, b);
        }
        match (left, right) {
            (Ast::Value(a), Ast::Value(b)) => a.value == b.value,
            (Ast::BinaryOp { left: a, op: x, right: b }, Ast::BinaryOp { left: c, op: y, right: d }) => {
                x == y && self.are_same(a, c) && self.are_same(b, d)
            }
            (Ast::UnaryOp { op: x, expr: a }, Ast::UnaryOp { op: y, expr: b }) => x == y && self.are_same(a, b),
            (Ast::Cast { expr: a, data_type: x, .. }, Ast::Cast { expr: b, data_type: y, .. }) => {
                x == y && self.are_same(a, b)
            }
            (Ast::Function(a), Ast::Function(b)) => self.same_call(a, b),
            _ => false,
        }
    }

    /// Names that are written alike mean the same, and some that are not.
    fn same_name(&mut self, a: &[Ident], b: &[Ident]) -> bool {
        let folded = |list: &[Ident]| list.iter().map(super::names::folded).collect::<Vec<_>>();
        folded(a) == folded(b) || self.meaning_of(a).is_some_and(|a| self.meaning_of(b) == Some(a))
    }

    /// What a name means, and in which row.
    fn meaning_of(&mut self, idents: &[Ident]) -> Option<(Resolved, Row)> {
        let parts: Vec<&str> = idents.iter().map(|ident| ident.value.as_str()).collect();
        let Found::Spec(resolved, _, row) = self.find(idents, &parts)? else { return None };
        let (resolved, at) = match resolved {
            Resolved::Field { row, field } => (Resolved::Field { row: 0, field }, row),
            Resolved::Path { row, steps, field } => (Resolved::Path { row: 0, steps, field }, row),
            Resolved::Row(row) => (Resolved::Row(0), row),
            other => (other, 0),
        };
        Some((resolved, row.unwrap_or(Row::Scope(at))))
    }

    /// Calls of one function, which gives the same for the same arguments while a statement runs.
    fn same_call(&mut self, a: &Call, b: &Call) -> bool {
        let (Some(name), Some(other)) = (object_name(&a.name), object_name(&b.name)) else { return false };
        let (Some(xs), Some(ys)) = (arguments(a), arguments(b)) else { return false };
        name == other
            && self.is_steady(name.0.as_deref(), &name.1)
            && xs.len() == ys.len()
            && xs.into_iter().zip(ys).all(|(x, y)| self.are_same(x, y))
    }

    fn is_steady(&self, schema: Option<&str>, name: &str) -> bool {
        let model = self.model;
        let declared = self.typing.names().functions.get(name).into_iter().flatten().map(|at| &model.functions[*at]);
        let mut declared = declared.filter(|f| schema.is_none_or(|schema| f.name.schema == schema)).peekable();
        if declared.peek().is_some() {
            return declared.all(|f| f.volatility.as_deref().is_some_and(|word| word != "volatile"));
        }
        let variants = specc_facts::functions(name);
        let is_predicate = schema.is_none() && model.index.predicates.contains_key(name);
        is_predicate || !variants.is_empty() && variants.iter().all(|v| v.volatility != Volatility::Volatile)
    }
}

/// Without the parentheses around it.
fn bare(mut ast: &Ast) -> &Ast {
    while let Ast::Nested(inner) = ast {
        ast = inner;
    }
    ast
}

fn idents(ast: &Ast) -> Option<&[Ident]> {
    match ast {
        Ast::Identifier(ident) => Some(std::slice::from_ref(ident)),
        Ast::CompoundIdentifier(idents) => Some(idents),
        _ => None,
    }
}

/// The arguments of a call that has nothing else.
fn arguments(call: &Call) -> Option<Vec<&Ast>> {
    let plain = call.filter.is_none() && call.over.is_none() && call.within_group.is_empty();
    let FunctionArguments::List(list) = &call.args else { return None };
    if !plain || !list.clauses.is_empty() || list.duplicate_treatment.is_some() {
        return None;
    }
    let each = list.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e),
        _ => None,
    });
    each.collect()
}

/// Whether a name stands in it, or a call: something that is not said in place.
fn names_something(ast: &Ast) -> bool {
    match bare(ast) {
        Ast::Identifier(_) | Ast::CompoundIdentifier(_) | Ast::Function(_) => true,
        Ast::BinaryOp { left, right, .. } => names_something(left) || names_something(right),
        Ast::UnaryOp { expr, .. } | Ast::Cast { expr, .. } => names_something(expr),
        _ => false,
    }
}
