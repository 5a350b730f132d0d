//! The walk over an expression.

use super::kinds::{Key, Ty, builtin, common, describe, key};
use super::place::{Expect, Place, Want};
use super::{Typing, literals};
use crate::formula::{Meanings, Row};
use crate::scope::Scope;
use crate::types::*;
use smol_str::SmolStr;
use specc_diag::{Code, Diagnostic, Span, codes};
use specc_expr::expr_span;
use sqlparser::ast::{Array, Expr as Ast, Value};

/// What a `from` element has.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Entity(EntityId),
    /// Names and types; whether these are all.
    Columns(Vec<(SmolStr, Ty)>, bool),
    Opaque,
}

/// A `from` element, or the row that `exists path (…)` looks at (without a name).
#[derive(Clone, Debug)]
pub(crate) struct From {
    pub alias: SmolStr,
    /// The table's own name, where it has no other.
    pub table: Option<Qualified>,
    pub source: Source,
    /// Its columns may be merged with those of others (`using`, `natural`).
    pub merged: bool,
    /// The row of a formula that it is, where it is an entity's.
    pub row: Option<Row>,
}

/// Rows that came into view together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Level {
    pub from: Vec<From>,
}

pub(crate) struct Checker<'a> {
    pub typing: &'a Typing<'a>,
    pub model: &'a Model,
    pub scope: &'a Scope,
    pub text: &'a str,
    pub at: Span,
    pub place: Place,
    pub out: &'a mut Vec<Diagnostic>,
    /// From the outermost to the innermost.
    pub levels: Vec<Level>,
    /// Columns of `with` queries, the innermost last.
    pub with: Vec<(SmolStr, Source)>,
    /// What `value` is in a domain's check.
    pub value: Option<Type>,
    /// Subqueries (and `exists path`) around the expression at hand.
    pub inside: usize,
    /// Arrays around it.
    pub arrays: usize,
    /// Aggregates around it.
    pub aggregates: usize,
    /// The expression at hand is a value that a predicate takes.
    pub argument: bool,
    /// It is an argument of a function, which may take a row.
    pub row_argument: bool,
    /// What was learned, for the formula.
    pub meanings: Meanings,
    /// `exists path` around it.
    pub bound: usize,
    /// Expressions around the one at hand.
    depth: usize,
}

/// What is nested deeper is accepted as it is: the stack at hand is small.
const MAX_DEPTH: usize = 120;

impl<'a> Checker<'a> {
    pub(crate) fn new(
        typing: &'a Typing<'a>,
        scope: &'a Scope,
        text: &'a str,
        at: Span,
        place: Place,
        out: &'a mut Vec<Diagnostic>,
    ) -> Self {
        let model = typing.model;
        Self {
            typing,
            model,
            scope,
            text,
            at,
            place,
            out,
            levels: Vec::new(),
            with: Vec::new(),
            value: None,
            inside: 0,
            arrays: 0,
            aggregates: 0,
            argument: false,
            row_argument: false,
            meanings: Meanings::default(),
            bound: 0,
            depth: 0,
        }
    }

    /// Holds the whole expression against what is wanted of it.
    pub(crate) fn finish(&mut self, ast: &Ast, ty: Ty, expect: Expect<'_>) -> Type {
        match expect.want {
            Want::Any => ty.into_type(),
            Want::Boolean | Want::DomainCheck(_) => {
                self.condition(ast, &ty);
                builtin("boolean")
            }
            Want::Number => {
                if let Ty::Known(found) = &ty
                    && !matches!(key(self.model, found), Key::Other)
                    && key(self.model, found).category() != b'N'
                {
                    let message = format!("expected a number, found `{}`", describe(self.model, found));
                    self.report(codes::TYPE_MISMATCH, ast, message, Some("write a number or a path to one".into()));
                }
                self.literal(ast, &ty, &builtin("bigint"), codes::TYPE_MISMATCH);
                ty.into_type()
            }
            Want::Assign(target) => {
                self.assign(ast, &ty, target);
                target.clone()
            }
        }
    }

    pub(crate) fn span(&self, ast: &Ast) -> Span {
        expr_span(ast, self.text, self.at)
    }

    /// The author's text of a part, shortened.
    pub(crate) fn written(&self, ast: &Ast) -> String {
        let span = self.span(ast);
        let (start, end) = ((span.start - self.at.start) as usize, (span.end - self.at.start) as usize);
        let text = self.text.get(start..end).unwrap_or(self.text);
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(48) {
            Some((cut, _)) => format!("{}…", &line[..cut]),
            None => line,
        }
    }

    pub(crate) fn report(&mut self, code: Code, ast: &Ast, message: impl Into<String>, help: Option<String>) {
        let found = Diagnostic::new(code, self.span(ast), message).maybe_help(help);
        self.out.push(found);
    }

    pub(crate) fn describe(&self, ty: &Type) -> String {
        describe(self.model, ty)
    }

    /// The type of `ast`.
    pub(crate) fn expr(&mut self, ast: &Ast) -> Ty {
        self.depth += 1;
        let ty = if self.depth > MAX_DEPTH { Ty::Opaque } else { self.node(ast) };
        self.depth -= 1;
        self.meanings.ty(ast, &ty);
        ty
    }

    fn node(&mut self, ast: &Ast) -> Ty {
        match ast {
            Ast::Identifier(ident) => self.name(ast, std::slice::from_ref(ident)),
            Ast::CompoundIdentifier(idents) => self.name(ast, idents),
            Ast::Value(value) => self.value(&value.value),
            Ast::Nested(inner) => self.expr(inner),
            Ast::BinaryOp { left, op, right } => self.binary(ast, left, op, right),
            Ast::UnaryOp { op, expr } => self.unary(ast, op, expr),
            Ast::Function(call) => self.call(ast, call),
            Ast::Cast { expr, data_type, .. } => self.cast(ast, expr, data_type),
            Ast::TypedString(typed) => self.typed_string(ast, typed),
            Ast::InList { expr, list, .. } => self.in_list(expr, list),
            Ast::InSubquery { expr, subquery, .. } => self.in_subquery(ast, expr, subquery),
            Ast::Between { expr, low, high, .. } => self.between(expr, low, high),
            Ast::Like { expr, pattern, any, .. } | Ast::ILike { expr, pattern, any, .. } => {
                self.like(expr, pattern, *any)
            }
            Ast::SimilarTo { expr, pattern, .. } => self.like(expr, pattern, true),
            Ast::IsNull(inner) | Ast::IsNotNull(inner) => {
                self.expr(inner);
                Ty::builtin("boolean")
            }
            Ast::IsTrue(inner)
            | Ast::IsNotTrue(inner)
            | Ast::IsFalse(inner)
            | Ast::IsNotFalse(inner)
            | Ast::IsUnknown(inner)
            | Ast::IsNotUnknown(inner) => {
                let ty = self.expr(inner);
                self.condition(inner, &ty);
                Ty::builtin("boolean")
            }
            Ast::IsDistinctFrom(left, right) | Ast::IsNotDistinctFrom(left, right) => {
                let (a, b) = (self.expr(left), self.expr(right));
                self.compare(ast, "=", (left, &a), (right, &b));
                if !self.same_sides(ast, left, right) && matches!(ast, Ast::IsNotDistinctFrom(..)) {
                    self.same_row(ast, left, right);
                }
                Ty::builtin("boolean")
            }
            Ast::IsJson { expr, .. } | Ast::IsNormalized { expr, .. } => {
                self.expr(expr);
                Ty::builtin("boolean")
            }
            Ast::AnyOp { left, compare_op, right, .. } | Ast::AllOp { left, compare_op, right } => {
                self.any_all(ast, left, compare_op, right)
            }
            Ast::Case { operand, conditions, else_result, .. } => {
                let results = conditions.iter().map(|w| &w.result).chain(else_result.as_deref());
                self.case(operand.as_deref(), conditions, results.collect())
            }
            Ast::Exists { subquery, .. } => {
                self.subquery(ast, subquery);
                Ty::builtin("boolean")
            }
            Ast::Subquery(query) => match self.subquery(ast, query) {
                Some(columns) if columns.len() == 1 => columns.into_iter().next().map_or(Ty::Opaque, |c| c.1),
                _ => Ty::Opaque,
            },
            Ast::Array(array) => self.array(ast, array),
            Ast::Interval(_) => Ty::builtin("interval"),
            Ast::AtTimeZone { timestamp, time_zone } => self.at_time_zone(ast, timestamp, time_zone),
            Ast::Collate { expr, .. } => {
                let ty = self.expr(expr);
                if ty == Ty::Literal { Ty::builtin("text") } else { ty }
            }
            Ast::Extract { field, expr, .. } => {
                self.field(field, expr);
                self.special_call(ast)
            }
            Ast::Ceil { .. }
            | Ast::Floor { .. }
            | Ast::Position { .. }
            | Ast::Substring { .. }
            | Ast::Trim { .. }
            | Ast::Overlay { .. } => self.special_call(ast),
            Ast::Tuple(items) => {
                for item in items {
                    self.expr(item);
                }
                Ty::Opaque
            }
            Ast::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            Ast::QualifiedWildcard(name, _) => {
                self.wildcard(name);
                Ty::Opaque
            }
            Ast::Prefixed { value, .. } => {
                let ty = self.expr(value);
                if specc_expr::is_document(ast) { Ty::builtin("boolean") } else { ty }
            }
            Ast::Named { expr, .. } => self.expr(expr),
            _ => Ty::Opaque,
        }
    }

    fn value(&mut self, value: &Value) -> Ty {
        match value {
            Value::Number(digits, _) => Ty::builtin(number(digits)),
            Value::Boolean(_) => Ty::builtin("boolean"),
            Value::SingleQuotedByteStringLiteral(_) | Value::HexStringLiteral(_) => Ty::builtin("bit"),
            Value::NationalStringLiteral(_) => Ty::builtin("char"),
            Value::Placeholder(_) => Ty::Opaque,
            _ => Ty::Literal,
        }
    }

    /// A condition has to be boolean.
    pub(crate) fn condition(&mut self, ast: &Ast, ty: &Ty) {
        self.literal(ast, ty, &builtin("boolean"), codes::NOT_BOOLEAN);
        let Ty::Known(found) = ty else { return };
        let k = key(self.model, found);
        if matches!(k, Key::Other) || matches!(k, Key::Table(s) if s.name == "boolean" && !s.array) {
            return;
        }
        let written = self.written(ast);
        let help = match k {
            Key::Table(s) if s.array => format!("ask something of it: `cardinality({written}) > 0`"),
            Key::Enum(id, false) => {
                let label = self.model.enums[id.0 as usize].labels.first().map_or("…", |l| l.name.as_str());
                format!("compare it: `{written} = '{label}'`")
            }
            k if k.category() == b'N' => format!("compare it: `{written} > 0` or `{written} <> 0`"),
            Key::Record(_) => "compare one of its fields".into(),
            _ => format!("ask something of it: `{written} is not null`"),
        };
        let message = format!("expected a condition, found `{}`", self.describe(found));
        self.report(codes::NOT_BOOLEAN, ast, message, Some(help));
    }

    /// Reads the literals in `ast` (its whole, or the branches of a `case`) as a `ty`.
    pub(crate) fn literal(&mut self, ast: &Ast, found: &Ty, ty: &Type, code: Code) {
        if *found != Ty::Literal {
            return;
        }
        match ast {
            Ast::Nested(inner) => self.literal(inner, found, ty, code),
            Ast::Case { conditions, else_result, .. } => {
                for result in conditions.iter().map(|w| &w.result).chain(else_result.as_deref()) {
                    self.literal(result, found, ty, code);
                }
            }
            Ast::Value(value) => {
                let text = match &value.value {
                    Value::SingleQuotedString(t) | Value::EscapedStringLiteral(t) | Value::UnicodeStringLiteral(t) => t,
                    Value::DollarQuotedString(t) => &t.value,
                    _ => return,
                };
                // Seeds are written by statements, which keep none.
                if self.place != Place::Seed && matches!(&ty.base, Base::Builtin(name) if *name == "regrole") {
                    let help = "keep its name as `text`, or write `to_regrole('…')`".to_owned();
                    return self.report(code, ast, "Postgres keeps no constant of type `regrole`", Some(help));
                }
                match literals::check(self.model, text, ty) {
                    Ok(()) => {}
                    Err(literals::Wrong::Label(message, help)) => {
                        self.report(codes::UNKNOWN_LABEL, ast, message, Some(help));
                    }
                    Err(literals::Wrong::Text(message, help)) => self.report(code, ast, message, Some(help)),
                }
            }
            _ => {}
        }
    }

    fn case(&mut self, operand: Option<&Ast>, conditions: &[sqlparser::ast::CaseWhen], results: Vec<&Ast>) -> Ty {
        let subject = operand.map(|o| (o, self.expr(o)));
        for when in conditions {
            let ty = self.expr(&when.condition);
            match &subject {
                Some((operand, subject)) => {
                    self.compare(&when.condition, "=", (operand, subject), (&when.condition, &ty))
                }
                None => self.condition(&when.condition, &ty),
            }
        }
        self.same(&results, "the branches of a `case`")
    }

    /// The common type of `parts`.
    pub(crate) fn same(&mut self, parts: &[&Ast], what: &str) -> Ty {
        let types: Vec<Ty> = parts.iter().map(|p| self.expr(p)).collect();
        self.common(parts, &types, what)
    }

    pub(crate) fn common(&mut self, parts: &[&Ast], types: &[Ty], what: &str) -> Ty {
        match common(self.model, types) {
            Ok(Ty::Known(ty)) => {
                for (part, found) in parts.iter().zip(types) {
                    self.literal(part, found, &ty, codes::TYPE_MISMATCH);
                }
                Ty::Known(ty)
            }
            Ok(ty) => ty,
            Err((a, b)) => {
                if let (Ty::Known(x), Ty::Known(y)) = (&types[a], &types[b]) {
                    let message =
                        format!("{what} are `{}` and `{}`, and need one type", self.describe(x), self.describe(y));
                    let help = super::operators::cast_help(self, (parts[a], x), (parts[b], y));
                    self.report(codes::TYPE_MISMATCH, parts[b], message, help);
                }
                Ty::Opaque
            }
        }
    }

    fn array(&mut self, ast: &Ast, array: &Array) -> Ty {
        self.brackets(ast, array);
        self.arrays += 1;
        let ty = self.elements(array);
        self.arrays -= 1;
        ty
    }

    /// Only within an array do brackets alone make one.
    pub(super) fn brackets(&mut self, ast: &Ast, array: &Array) {
        if array.named || self.arrays > 0 {
            return;
        }
        let help = match &array.elem[..] {
            [] => "an empty array is written `'{}'`".to_owned(),
            _ => format!("write `array[{}]`", self.written(ast)),
        };
        self.report(codes::TYPE_MISMATCH, ast, "brackets alone are no array".to_owned(), Some(help));
    }

    fn elements(&mut self, array: &Array) -> Ty {
        let parts: Vec<&Ast> = array.elem.iter().collect();
        match self.same(&parts, "the elements of an array") {
            Ty::Known(element) => Ty::Known(Type { dims: 1, args: Vec::new(), ..element }),
            Ty::Literal if !array.elem.is_empty() => Ty::Known(Type { dims: 1, ..builtin("text") }),
            _ => Ty::Opaque,
        }
    }
}

/// The type of a number as written.
fn number(digits: &str) -> &'static str {
    let plain: String = digits.chars().filter(|c| *c != '_').collect();
    let base = match plain.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0o" | "0O") => 8,
        Some("0b" | "0B") => 2,
        _ => 10,
    };
    let value = i128::from_str_radix(if base == 10 { &plain } else { &plain[2..] }, base).ok();
    match value {
        Some(v) if i32::try_from(v).is_ok() => "int",
        Some(v) if i64::try_from(v).is_ok() => "bigint",
        _ => "numeric",
    }
}
