//! Whether a partial unique index speaks of a row, as far as plain comparisons tell.

use smol_str::SmolStr;
use specc_model::formula::{Formula, Node, Operator, Value};
use specc_model::{EntityId, Expr, FieldIx, Model};

/// True or false where it can be told from the values given (a field left out has its default), else none.
pub(crate) fn holds(model: &Model, entity: EntityId, filter: &Expr, values: &[(FieldIx, SmolStr)]) -> Option<bool> {
    Row { model, entity, values }.truth(&filter.formula)
}

struct Row<'a> {
    model: &'a Model,
    entity: EntityId,
    values: &'a [(FieldIx, SmolStr)],
}

impl Row<'_> {
    fn truth(&self, formula: &Formula) -> Option<bool> {
        match &formula.node {
            Node::Nested(inner) => self.truth(inner),
            Node::Not(inner) => self.truth(inner).map(|truth| !truth),
            Node::Binary(Operator::And, sides) => match (self.truth(&sides.0), self.truth(&sides.1)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Node::Binary(Operator::Or, sides) => match (self.truth(&sides.0), self.truth(&sides.1)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Node::Binary(op, sides) => {
                let (left, right) = (self.constant(&sides.0)?, self.constant(&sides.1)?);
                match op {
                    _ if left == Constant::Null || right == Constant::Null => Some(false),
                    Operator::Equal => Some(left == right),
                    Operator::Other(name) if name == "<>" => Some(left != right),
                    _ => None,
                }
            }
            Node::InList(list, negated) => {
                let value = self.constant(&list.0)?;
                let items = list.1.iter().map(|item| self.constant(item)).collect::<Option<Vec<_>>>()?;
                Some(items.contains(&value) != *negated)
            }
            Node::IsNull(inner, negated) => self.constant(inner).map(|value| (value == Constant::Null) != *negated),
            _ => match self.constant(formula)? {
                Constant::Word(word) if word == "true" => Some(true),
                Constant::Word(word) if word == "false" => Some(false),
                Constant::Null => Some(false),
                _ => None,
            },
        }
    }

    /// The constant that an operand is.
    fn constant(&self, formula: &Formula) -> Option<Constant> {
        match &formula.node {
            Node::Nested(inner) => self.constant(inner),
            Node::Cast(cast) => self.constant(&cast.of),
            Node::Literal(value) => Some(Constant::of(value)),
            Node::Column(_, field) => {
                if let Some((_, value)) = self.values.iter().find(|(f, _)| f == field) {
                    return literal(value);
                }
                let field = &self.model.entity(self.entity).fields[*field];
                match &field.default {
                    Some(default) => self.constant(&default.formula),
                    None => field.nullable.then_some(Constant::Null),
                }
            }
            _ => None,
        }
    }
}

/// A constant, for comparison.
#[derive(Clone, Debug, PartialEq)]
enum Constant {
    Null,
    /// A number, or a truth value.
    Word(SmolStr),
    Text(SmolStr),
}

impl Constant {
    fn of(value: &Value) -> Self {
        match (value, value.text()) {
            (Value::Null, _) => Constant::Null,
            (_, Some(text)) => Constant::Text(text.into()),
            (value, None) => Constant::Word(value.sql().into()),
        }
    }
}

/// The constant that the SQL of a seed's value is; none where it is something else, or an escape string.
fn literal(sql: &str) -> Option<Constant> {
    if let Some(rest) = sql.strip_prefix('\'') {
        let end = rest.rfind('\'')?;
        let (inner, after) = (&rest[..end], &rest[end + 1..]);
        return (after.is_empty() || after.starts_with("::")).then(|| Constant::Text(inner.replace("''", "'").into()));
    }
    let bare = sql.split("::").next().unwrap_or(sql).to_lowercase();
    let word = bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    word.then(|| if bare == "null" { Constant::Null } else { Constant::Word(bare.into()) })
}
