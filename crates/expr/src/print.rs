//! Trees to SQL: sqlparser's own printing, put right where it would not mean the same in Postgres.

use crate::EXISTS_PATH;
use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, UnaryOperator,
    Value, VisitMut, VisitorMut,
};
use std::ops::ControlFlow;

/// `expr` as SQL in its canonical form: keywords and unquoted names in lowercase, single spaces, and parentheses where a
/// part that was put in would otherwise be read differently.
pub fn print_expr(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
            return lower_keywords(&expr.to_string());
        }
        Expr::Value(v) if !matches!(v.value, Value::UnicodeStringLiteral(_)) => {
            return lower_keywords(&expr.to_string());
        }
        _ => {}
    }
    let mut copy = expr.clone();
    let _ = VisitMut::visit(&mut copy, &mut Settle { spell: true });
    lower_keywords(&copy.to_string())
}

/// Puts parentheses into `expr` wherever its parts would otherwise be read differently once printed.
pub fn parenthesize_if_needed(expr: &mut Expr) {
    let _ = VisitMut::visit(expr, &mut Settle { spell: false });
}

/// `expr` so that it can stand as an operand of anything: in parentheses, unless nothing can tear it apart.
pub fn operand(expr: Expr) -> Expr {
    if level(&expr) == ATOM { expr } else { Expr::Nested(Box::new(expr)) }
}

/// `sql` with everything in lowercase that Postgres folds anyway: all but strings, quoted names and comments.
pub fn lower_keywords(sql: &str) -> String {
    if !sql.bytes().any(|b| b.is_ascii_uppercase()) {
        return sql.to_string();
    }
    let bytes = sql.as_bytes();
    let mut out = String::with_capacity(sql.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = verbatim(bytes, at);
        if end > at {
            out.push_str(&sql[at..end]);
            at = end;
            continue;
        }
        let next = (at + 1..=bytes.len()).find(|i| sql.is_char_boundary(*i)).unwrap_or(bytes.len());
        // The letter of `E'…'` stays as it is.
        let prefix = bytes.get(next) == Some(&b'\'') && !at.checked_sub(1).is_some_and(|b| word(bytes[b]));
        if prefix {
            out.push_str(&sql[at..next]);
        } else {
            out.push_str(&sql[at..next].to_ascii_lowercase());
        }
        at = next;
    }
    out
}

fn word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80
}

/// The end of the string, quoted name or comment that starts at `at`; `at` where none does.
fn verbatim(bytes: &[u8], at: usize) -> usize {
    let find = |from: usize, what: &[u8]| {
        bytes[from.min(bytes.len())..]
            .windows(what.len())
            .position(|w| w == what)
            .map_or(bytes.len(), |i| from + i + what.len())
    };
    match bytes[at] {
        b'\'' => {
            let escapes = at > 0 && matches!(bytes[at - 1], b'E' | b'e') && !(at > 1 && word(bytes[at - 2]));
            let mut i = at + 1;
            while i < bytes.len() && bytes[i] != b'\'' {
                i += if escapes && bytes[i] == b'\\' { 2 } else { 1 };
            }
            (i + 1).min(bytes.len())
        }
        b'"' => find(at + 1, b"\""),
        b'-' if bytes.get(at + 1) == Some(&b'-') => find(at, b"\n"),
        b'/' if bytes.get(at + 1) == Some(&b'*') => find(at + 2, b"*/"),
        b'$' if !at.checked_sub(1).is_some_and(|b| word(bytes[b])) => {
            let tag =
                bytes[at + 1..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_' || **b >= 0x80).count();
            let end = at + 1 + tag;
            if bytes.get(end) == Some(&b'$') && !bytes[at + 1].is_ascii_digit() {
                find(end + 1, &bytes[at..=end])
            } else {
                at
            }
        }
        _ => at,
    }
}

const ATOM: u8 = 255;
const CAST: u8 = 140;
const SIGN: u8 = 125;
const COLLATE: u8 = 120;
const ZONE: u8 = 110;
const OPERATOR: u8 = 70;
const LIKE: u8 = 60;
const COMPARE: u8 = 50;
const IS: u8 = 40;
const NOT: u8 = 30;
const AND: u8 = 20;
const OR: u8 = 10;

/// How tightly an expression holds together, as in Postgres's table of precedence.
fn level(expr: &Expr) -> u8 {
    match expr {
        Expr::BinaryOp { op, .. } | Expr::AnyOp { compare_op: op, .. } | Expr::AllOp { compare_op: op, .. } => {
            binary(op)
        }
        Expr::UnaryOp { op, .. } => unary(op),
        Expr::Cast { kind: sqlparser::ast::CastKind::DoubleColon, .. } => CAST,
        Expr::Collate { .. } => COLLATE,
        Expr::AtTimeZone { .. } => ZONE,
        Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::InUnnest { .. }
        | Expr::Between { .. }
        | Expr::Like { .. }
        | Expr::ILike { .. }
        | Expr::SimilarTo { .. } => LIKE,
        Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::IsJson { .. }
        | Expr::IsNormalized { .. } => IS,
        Expr::Exists { negated: true, .. } => NOT,
        _ => ATOM,
    }
}

fn binary(op: &BinaryOperator) -> u8 {
    use BinaryOperator as B;
    match op {
        B::PGExp => 100,
        B::Multiply | B::Divide | B::Modulo => 90,
        B::Plus | B::Minus => 80,
        B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq => COMPARE,
        B::Overlaps => LIKE,
        B::And => AND,
        B::Or => OR,
        _ => OPERATOR,
    }
}

fn unary(op: &UnaryOperator) -> u8 {
    match op {
        UnaryOperator::Minus | UnaryOperator::Plus => SIGN,
        UnaryOperator::Not => NOT,
        _ => OPERATOR,
    }
}

struct Settle {
    /// Also replaces what sqlparser prints wrongly; such a tree is only good for printing.
    spell: bool,
}

/// Wraps `part` unless it holds at least as tightly as `least`.
fn least(part: &mut Expr, least: u8) {
    if level(part) < least {
        let inner = std::mem::replace(part, Expr::Tuple(Vec::new()));
        *part = Expr::Nested(Box::new(inner));
    }
}

impl VisitorMut for Settle {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::BinaryOp { left, op, right } => {
                let own = binary(op);
                // Comparisons do not chain.
                least(left, if matches!(own, COMPARE | LIKE) { own + 1 } else { own });
                // `and` and `or` chain either way.
                least(right, own + 1);
            }
            Expr::AnyOp { left, compare_op, .. } | Expr::AllOp { left, compare_op, .. } => {
                let own = binary(compare_op);
                least(left, if own == COMPARE { own + 1 } else { own });
            }
            Expr::UnaryOp { op, expr: inner } => match op {
                UnaryOperator::Minus | UnaryOperator::Plus => least(inner, SIGN),
                UnaryOperator::Not => least(inner, NOT),
                _ => least(inner, OPERATOR + 1),
            },
            Expr::Cast { kind: sqlparser::ast::CastKind::DoubleColon, expr: inner, .. } => least(inner, CAST),
            Expr::Collate { expr: inner, .. } => least(inner, COLLATE),
            Expr::AtTimeZone { timestamp, time_zone } => {
                least(timestamp, ZONE);
                least(time_zone, ZONE + 1);
            }
            Expr::InList { expr: inner, .. } | Expr::InSubquery { expr: inner, .. } => least(inner, LIKE + 1),
            Expr::Between { expr: inner, low, high, .. } => {
                least(inner, LIKE + 1);
                least(low, LIKE + 1);
                least(high, LIKE + 1);
            }
            Expr::Like { expr: inner, pattern, .. }
            | Expr::ILike { expr: inner, pattern, .. }
            | Expr::SimilarTo { expr: inner, pattern, .. } => {
                least(inner, LIKE + 1);
                least(pattern, LIKE + 1);
            }
            Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner)
            | Expr::IsJson { expr: inner, .. }
            | Expr::IsNormalized { expr: inner, .. } => least(inner, IS + 1),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                least(left, IS + 1);
                least(right, IS + 1);
            }
            Expr::Position { expr: inner, r#in } => {
                least(inner, LIKE + 1);
                least(r#in, LIKE + 1);
            }
            Expr::CompoundFieldAccess { root, .. } => {
                let bare = matches!(
                    **root,
                    Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Nested(_) | Expr::Subquery(_)
                );
                if !bare {
                    least(root, u8::MAX);
                    if !matches!(**root, Expr::Nested(_)) {
                        let inner = std::mem::replace(&mut **root, Expr::Tuple(Vec::new()));
                        **root = Expr::Nested(Box::new(inner));
                    }
                }
            }
            _ => {}
        }
        if self.spell {
            spell(expr);
        }
        ControlFlow::Continue(())
    }
}

fn symbol(expr: &Expr) -> bool {
    matches!(expr, Expr::UnaryOp { op, .. } if *op != UnaryOperator::Not) || matches!(expr, Expr::Prefixed { .. })
}

/// Replaces what sqlparser prints in a way that Postgres reads differently.
fn spell(expr: &mut Expr) {
    match expr {
        // `- -1`, not `--1`, which starts a comment; `@ -1`, not the operator `@-`.
        Expr::UnaryOp { op, expr: inner } if *op != UnaryOperator::Not => {
            let sign = matches!(op, UnaryOperator::Minus | UnaryOperator::Plus);
            if !sign || symbol(inner) {
                let value = std::mem::replace(inner, Box::new(Expr::Tuple(Vec::new())));
                *expr = Expr::Prefixed { prefix: Ident::new(op.to_string()), value };
            }
        }
        // `trim(both from x)`: without its `from` Postgres would keep something else of it.
        Expr::Trim { expr: inner, trim_where: Some(side), trim_what: None, trim_characters: None } => {
            *expr = Expr::Identifier(Ident::new(format!("trim({side} from {inner})")));
        }
        Expr::Value(v) => {
            if let Value::UnicodeStringLiteral(text) = &mut v.value {
                v.value = Value::SingleQuotedString(std::mem::take(text));
            }
        }
        Expr::Function(call) if crate::as_is(call).is_some() => {
            if let Some((text, _)) = crate::as_is(call) {
                *expr = Expr::Identifier(Ident::new(text));
            }
        }
        Expr::Function(call) if is_exists_path(call) => {
            if let Some((path, condition)) = take_exists_path(call) {
                let mut call = call.clone();
                call.name = ObjectName::from(path);
                if let FunctionArguments::List(list) = &mut call.args {
                    list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(condition))];
                }
                *expr = Expr::Prefixed { prefix: Ident::new("exists"), value: Box::new(Expr::Function(call)) };
            }
        }
        _ => {}
    }
}

/// Whether `call` is `exists path (condition)`.
pub fn is_exists_path(call: &Function) -> bool {
    matches!(&call.name.0[..], [part] if part.as_ident().is_some_and(|i| i.value == EXISTS_PATH))
}

/// The path and the condition of `exists path (condition)`; `None` for every other call.
pub fn exists_path(call: &Function) -> Option<(&[Ident], &Expr)> {
    if !is_exists_path(call) {
        return None;
    }
    let FunctionArguments::List(list) = &call.args else {
        return None;
    };
    match &list.args[..] {
        [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::CompoundIdentifier(path))),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(condition)),
        ] => Some((path, condition)),
        _ => None,
    }
}

fn take_exists_path(call: &Function) -> Option<(Vec<Ident>, Expr)> {
    exists_path(call).map(|(path, condition)| (path.to_vec(), condition.clone()))
}
