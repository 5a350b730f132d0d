//! Forms that Postgres reads as operators found on the search path, for SQL whose path has no extensions: where the
//! operator is an extension's, the form is written out with it.

use super::{Level, Printer};
use crate::formula::extensions::{operator_schema, qualified_operator};
use crate::formula::{Form, Formula, Operator, Part};

/// A form that compares its operands by an operator.
enum Compares<'f> {
    /// `a is distinct from b`; whether it is negated.
    Distinct(&'f Formula, &'f Formula, bool),
    /// `a between low and high`; whether it is negated.
    Between([&'f Formula; 3], bool),
    /// `a like b`: its operator.
    Like(&'f Formula, &'static str, &'f Formula),
    /// `a = any (b)`: the operator, and the word after it.
    Any(&'f Formula, &'f str, &'f str, &'f Formula),
    /// `case a when b …`: what is compared, and the rest of the form.
    Case(&'f Formula, &'f [Part]),
}

impl Printer<'_> {
    /// An operator, with its schema where it is an extension's and the search path does not have it.
    pub(super) fn operator(&self, name: &str, operands: &[&Formula]) -> Option<String> {
        let schema = operator_schema(self.names.fixed()?, name, operands)?;
        Some(qualified_operator(&schema, name))
    }

    /// `a operator(public.=) b`
    fn apply(&mut self, left: &Formula, operator: &str, right: &Formula) {
        self.formula(left, Level::OPERATOR);
        self.out.push(' ');
        self.out.push_str(operator);
        self.out.push(' ');
        self.formula(right, Level::OPERATOR.above());
    }

    /// The operator by name, or with its schema.
    fn named(&self, name: &str, operands: &[&Formula]) -> String {
        self.operator(name, operands).unwrap_or_else(|| name.to_owned())
    }

    /// A comparison of rows, item by item, where one of the items needs it.
    pub(super) fn rows(&mut self, op: &Operator, left: &Formula, right: &Formula) -> Option<Level> {
        let (a, b) = (items(left)?, items(right)?);
        let (name, word) = match op {
            Operator::Equal => ("=", " and "),
            Operator::Other(name) if name == "<>" => ("<>", " or "),
            _ => return None,
        };
        let pairs: Vec<_> = a.into_iter().zip(b).collect();
        pairs.iter().find(|(l, r)| self.operator(name, &[l, r]).is_some())?;
        self.out.push('(');
        for (at, (left, right)) in pairs.into_iter().enumerate() {
            if at > 0 {
                self.out.push_str(word);
            }
            let operator = self.named(name, &[left, right]);
            self.apply(left, &operator, right);
        }
        self.out.push(')');
        Some(Level::ATOM)
    }

    /// `a in (b, c)`, where a comparison needs it.
    pub(super) fn in_list(&mut self, value: &Formula, items: &[Formula], negated: bool) -> Option<Level> {
        items.iter().find(|item| self.operator("=", &[value, item]).is_some())?;
        self.out.push_str(if negated { "not (" } else { "(" });
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.out.push_str(" or ");
            }
            let operator = self.named("=", &[value, item]);
            self.apply(value, &operator, item);
        }
        self.out.push(')');
        Some(if negated { Level::NOT } else { Level::ATOM })
    }

    /// `nullif(a, b)`, where the comparison needs it.
    pub(super) fn null_if(&mut self, left: &Formula, right: &Formula) -> Option<Level> {
        let operator = self.operator("=", &[left, right])?;
        self.out.push_str("case when ");
        self.apply(left, &operator, right);
        self.out.push_str(" then null else ");
        self.formula(left, Level::OR);
        self.out.push_str(" end");
        Some(Level::ATOM)
    }

    /// A form of the grammar, where one of its comparisons needs it.
    pub(super) fn comparing(&mut self, form: &Form) -> Option<Level> {
        self.names.fixed()?;
        match compares(form)? {
            Compares::Distinct(left, right, negated) => {
                let operator = self.operator("=", &[left, right])?;
                self.out.push_str(if negated { "coalesce(" } else { "not coalesce(" });
                self.apply(left, &operator, right);
                self.out.push_str(", ");
                self.formula(left, Level::IS.above());
                self.out.push_str(" is null and ");
                self.formula(right, Level::IS.above());
                self.out.push_str(" is null)");
                Some(if negated { Level::ATOM } else { Level::NOT })
            }
            Compares::Between([value, low, high], negated) => {
                let found = [self.operator(">=", &[value, low]), self.operator("<=", &[value, high])];
                found.iter().flatten().next()?;
                self.out.push_str(if negated { "not (" } else { "(" });
                let [over, under] = found;
                self.apply(value, &over.unwrap_or_else(|| ">=".into()), low);
                self.out.push_str(" and ");
                self.apply(value, &under.unwrap_or_else(|| "<=".into()), high);
                self.out.push(')');
                Some(if negated { Level::NOT } else { Level::ATOM })
            }
            Compares::Like(left, name, right) => {
                let operator = self.operator(name, &[left, right])?;
                self.apply(left, &operator, right);
                Some(Level::OPERATOR)
            }
            Compares::Any(left, name, word, array) => {
                let mut element = array.clone();
                element.ty.dims = 0;
                let operator = self.operator(name, &[left, &element])?;
                self.formula(left, Level::OPERATOR);
                self.out.push_str(&format!(" {operator} {word} ("));
                self.formula(array, Level::OR);
                self.out.push(')');
                Some(Level::OPERATOR)
            }
            Compares::Case(subject, rest) => {
                let compared: Vec<&Formula> =
                    rest.iter().enumerate().filter_map(|(at, _)| after_when(rest, at)).collect();
                compared.iter().find(|item| self.operator("=", &[subject, item]).is_some())?;
                self.out.push_str("case");
                for (at, part) in rest.iter().enumerate() {
                    match part {
                        Part::Operand(item, _) if after_when(rest, at).is_some() => {
                            let operator = self.named("=", &[subject, item]);
                            self.apply(subject, &operator, item);
                        }
                        Part::Operand(item, least) => self.formula(item, *least),
                        Part::Words(words) => self.out.push_str(words),
                        Part::Type(ty) => self.type_name(ty),
                    }
                }
                Some(Level::ATOM)
            }
        }
    }
}

/// The operand at `at`, if it stands behind `when`.
fn after_when(parts: &[Part], at: usize) -> Option<&Formula> {
    match (parts.get(at.checked_sub(1)?)?, &parts[at]) {
        (Part::Words(words), Part::Operand(formula, _)) if words == " when " => Some(formula),
        _ => None,
    }
}

/// The items of `(a, b)`.
fn items(formula: &Formula) -> Option<Vec<&Formula>> {
    let crate::formula::Node::Form(form) = &formula.node else { return None };
    let opens = matches!(form.parts.first(), Some(Part::Words(words)) if words == "(");
    opens.then(|| form.parts.iter().filter_map(Part::operand).collect())
}

fn compares(form: &Form) -> Option<Compares<'_>> {
    use Part::{Operand, Words};
    match form.parts.as_slice() {
        [Operand(a, _), Words(word), Operand(b, _)] => Some(match word.as_str() {
            " is distinct from " => Compares::Distinct(a, b, false),
            " is not distinct from " => Compares::Distinct(a, b, true),
            " like " => Compares::Like(a, "~~", b),
            " not like " => Compares::Like(a, "!~~", b),
            " ilike " => Compares::Like(a, "~~*", b),
            " not ilike " => Compares::Like(a, "!~~*", b),
            _ => return None,
        }),
        [Operand(a, _), Words(word), Operand(low, _), Words(and), Operand(high, _)] if and == " and " => {
            match word.as_str() {
                " between " => Some(Compares::Between([a, low, high], false)),
                " not between " => Some(Compares::Between([a, low, high], true)),
                _ => None,
            }
        }
        [Operand(a, _), Words(word), Words(open), Operand(array, _), Words(_)] if open == "(" => {
            let (name, word) = word.trim().split_once(' ')?;
            matches!(word, "any" | "some" | "all").then_some(Compares::Any(a, name, word, array))
        }
        [Words(case), Words(space), Operand(subject, _), rest @ ..] if case == "case" && space == " " => {
            Some(Compares::Case(subject, rest))
        }
        _ => None,
    }
}
