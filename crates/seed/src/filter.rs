//! Whether a partial unique index speaks of a row, as far as plain comparisons tell.

use smol_str::SmolStr;
use specc_model::{EntityId, Expr as Typed, FieldIx, Model};
use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

/// True or false where it can be told from the values given (a field left out has its default), else none.
pub(crate) fn holds(model: &Model, entity: EntityId, filter: &Typed, values: &[(FieldIx, SmolStr)]) -> Option<bool> {
    Row { model, entity, values }.truth(&filter.ast)
}

struct Row<'a> {
    model: &'a Model,
    entity: EntityId,
    values: &'a [(FieldIx, SmolStr)],
}

impl Row<'_> {
    fn truth(&self, expr: &Expr) -> Option<bool> {
        match expr {
            Expr::Nested(inner) => self.truth(inner),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => self.truth(expr).map(|truth| !truth),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => match (self.truth(left), self.truth(right)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => match (self.truth(left), self.truth(right)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Expr::BinaryOp { left, op, right } => {
                let (left, right) = (self.text(left)?, self.text(right)?);
                match op {
                    _ if left == "null" || right == "null" => Some(false),
                    BinaryOperator::Eq => Some(left == right),
                    BinaryOperator::NotEq => Some(left != right),
                    _ => None,
                }
            }
            Expr::InList { expr, list, negated } => {
                let value = self.text(expr)?;
                let list = list.iter().map(|item| self.text(item)).collect::<Option<Vec<_>>>()?;
                Some(list.contains(&value) != *negated)
            }
            Expr::IsNull(inner) => self.text(inner).map(|value| value == "null"),
            Expr::IsNotNull(inner) => self.text(inner).map(|value| value != "null"),
            _ => match self.text(expr)?.as_str() {
                "true" => Some(true),
                "false" | "null" => Some(false),
                _ => None,
            },
        }
    }

    /// The literal that an operand is.
    fn text(&self, expr: &Expr) -> Option<SmolStr> {
        match expr {
            Expr::Nested(inner) => self.text(inner),
            Expr::Cast { expr, .. } => self.text(expr),
            Expr::Value(value) => Some(value.to_string().to_lowercase_if_word()),
            Expr::Identifier(name) => {
                let field = self.model.field(self.entity, &name.value)?;
                if let Some((_, value)) = self.values.iter().find(|(f, _)| *f == field) {
                    return literal(value);
                }
                let field = &self.model.entity(self.entity).fields[field];
                match &field.default {
                    Some(default) => literal(&default.text),
                    None => field.nullable.then(|| "null".into()),
                }
            }
            _ => None,
        }
    }
}

/// `text` if it is one literal.
fn literal(text: &str) -> Option<SmolStr> {
    let quoted = text.len() >= 2 && text.starts_with('\'') && text.find("'::").map_or(text.len() - 1, |at| at) >= 1;
    let bare = text.split("::").next().unwrap_or(text);
    let word = bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    (quoted && (bare.ends_with('\'')) || word).then(|| bare.to_owned().to_lowercase_if_word())
}

trait Lower {
    fn to_lowercase_if_word(self) -> SmolStr;
}

impl Lower for String {
    /// `TRUE` is `true`, but `'A'` is not `'a'`.
    fn to_lowercase_if_word(self) -> SmolStr {
        if self.starts_with('\'') { self.into() } else { self.to_lowercase().into() }
    }
}
