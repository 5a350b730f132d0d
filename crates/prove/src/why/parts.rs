//! A condition in the parts that `and` and `or` join, each with its text.

use specc_model::Expr;
use specc_model::formula::{Formula, Node, Operator};
use specc_split::{Lexer, TokenKind};

/// A condition, or a part of one.
pub(super) struct Said<'e> {
    /// What it means.
    pub formula: &'e Formula,
    /// Its text.
    pub text: &'e str,
    kind: Kind<'e>,
}

enum Kind<'e> {
    /// `a and b`
    All(Vec<Said<'e>>),
    /// `a or b`
    Any(Vec<Said<'e>>),
    /// `(a)`
    Nested(Box<Said<'e>>),
    /// Anything else.
    Whole,
}

impl<'e> Said<'e> {
    /// A condition in its parts; in one where its text cannot be told apart.
    pub fn of(expr: &'e Expr) -> Self {
        Self::read(&expr.formula, &expr.text).unwrap_or(Self {
            formula: &expr.formula,
            text: &expr.text,
            kind: Kind::Whole,
        })
    }

    fn read(formula: &'e Formula, text: &'e str) -> Option<Self> {
        let text = text.trim();
        let chain = |operator: &Operator, word: &str| -> Option<Vec<Self>> {
            let (parts, texts) = (formula.chain(operator), split(text, word)?);
            if parts.len() != texts.len() {
                return None;
            }
            parts.into_iter().zip(texts).map(|(formula, text)| Self::read(formula, text)).collect()
        };
        let kind = match &formula.node {
            Node::Binary(Operator::And, _) => Kind::All(chain(&Operator::And, "and")?),
            Node::Binary(Operator::Or, _) => Kind::Any(chain(&Operator::Or, "or")?),
            Node::Nested(inner) => {
                let text = text.strip_prefix('(')?.strip_suffix(')')?;
                Kind::Nested(Box::new(Self::read(inner, text)?))
            }
            _ => Kind::Whole,
        };
        Some(Self { formula, text, kind })
    }

    /// Without parentheses around it.
    fn bare(&self) -> &Self {
        match &self.kind {
            Kind::Nested(inner) => inner.bare(),
            _ => self,
        }
    }

    /// The parts that all have to hold; itself where it is no such chain.
    pub fn conjuncts(&self) -> Vec<&Self> {
        match &self.bare().kind {
            Kind::All(parts) => parts.iter().flat_map(Self::conjuncts).collect(),
            _ => vec![self],
        }
    }

    /// The parts that stand between `and`s, also in alternatives.
    pub fn droppable(&self) -> Vec<&Self> {
        match &self.bare().kind {
            Kind::All(parts) => parts.iter().flat_map(|part| std::iter::once(part).chain(part.droppable())).collect(),
            Kind::Any(parts) => parts.iter().flat_map(Self::droppable).collect(),
            _ => Vec::new(),
        }
    }

    /// The text without one of the parts; none where nothing is left.
    pub fn without(&self, dropped: &Self) -> Option<String> {
        if std::ptr::eq(self, dropped) {
            return None;
        }
        let joined = |parts: &[Self], word: &str| {
            let parts: Vec<String> = parts.iter().filter_map(|part| part.without(dropped)).collect();
            (!parts.is_empty()).then(|| parts.join(word))
        };
        match &self.kind {
            Kind::All(parts) => joined(parts, " and "),
            Kind::Any(parts) => joined(parts, " or "),
            Kind::Nested(inner) => Some(format!("({})", inner.without(dropped)?)),
            Kind::Whole => Some(self.text.to_owned()),
        }
    }
}

/// The text between the words that join its outermost parts. None where it cannot be read.
fn split<'t>(text: &'t str, word: &str) -> Option<Vec<&'t str>> {
    let (mut parts, mut start, mut depth, mut between) = (Vec::new(), 0, 0usize, 0usize);
    for token in Lexer::new(text) {
        let token = token.ok()?;
        match token.kind {
            TokenKind::Symbol(b'(' | b'[') => depth += 1,
            TokenKind::Symbol(b')' | b']') => depth = depth.checked_sub(1)?,
            TokenKind::Word if token.is(text, "case") => depth += 1,
            TokenKind::Word if token.is(text, "end") => depth = depth.checked_sub(1)?,
            // The `and` of `between` joins nothing.
            TokenKind::Word if depth == 0 && token.is(text, "between") => between += 1,
            TokenKind::Word if depth == 0 && between > 0 && token.is(text, "and") => between -= 1,
            TokenKind::Word if depth == 0 && token.is(text, word) => {
                parts.push(text.get(start..token.start)?);
                start = token.end;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..)?);
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_that_join_are_told_from_those_that_do_not() {
        let and = |text| split(text, "and").map(|parts| parts.iter().map(|part| part.trim()).collect::<Vec<_>>());
        let all = "not a and b between 1 and 2 AND (c and d) and case when e and f then g end and 'x and y' = \"and\"";
        let parts = ["not a", "b between 1 and 2", "(c and d)", "case when e and f then g end", "'x and y' = \"and\""];
        assert_eq!(and(all), Some(parts.to_vec()));
        assert_eq!(and("a) and b"), None);
    }
}
