//! From the text of a check to its conditions, as it stands in a spec or as Postgres prints it.

use super::{Beyond, Comparison, Formula, Sort, Value};
use crate::text::folded;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::DataType;
use specc_expr::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, TrimWhereField, UnaryOperator,
    Value as Literal,
};

type Read<T> = Result<T, String>;

pub(super) fn conditions(check: &str, sort: &dyn Fn(&str) -> Sort) -> Vec<Result<Formula, Beyond>> {
    let Ok(expr) = specc_expr::parse_expr(check, crate::walk::nowhere()) else {
        return vec![Err(Beyond { sql: check.to_owned(), why: "it is not read".to_owned(), composed: None })];
    };
    let reader = Reader { sort };
    let mut parts = Vec::new();
    parts_of(&expr, &mut parts);
    let one = |part: &Expr| {
        reader.formula(part).map_err(|why| Beyond { sql: part.to_string(), why, composed: reader.composed(part) })
    };
    parts.into_iter().map(one).collect()
}

/// What `and` joins at the top.
fn parts_of<'e>(expr: &'e Expr, out: &mut Vec<&'e Expr>) {
    match expr {
        Expr::Nested(inner) => parts_of(inner, out),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            parts_of(left, out);
            parts_of(right, out);
        }
        other => out.push(other),
    }
}

struct Reader<'s> {
    sort: &'s dyn Fn(&str) -> Sort,
}

/// A value with its sort; a literal has none yet.
struct Typed {
    value: Value,
    sort: Option<Sort>,
}

impl Reader<'_> {
    fn formula(&self, expr: &Expr) -> Read<Formula> {
        let not = |formula: Formula, negated: bool| if negated { Formula::Not(Box::new(formula)) } else { formula };
        match expr {
            Expr::Nested(inner) => self.formula(inner),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => Ok(not(self.formula(expr)?, true)),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                Ok(Formula::All(vec![self.formula(left)?, self.formula(right)?]))
            }
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
                Ok(Formula::Any(vec![self.formula(left)?, self.formula(right)?]))
            }
            Expr::IsNull(inner) => Ok(Formula::IsNull(self.column(inner)?)),
            Expr::IsNotNull(inner) => Ok(not(Formula::IsNull(self.column(inner)?), true)),
            Expr::IsTrue(inner) => Ok(Formula::IsTrue(Box::new(self.formula(inner)?))),
            Expr::IsNotTrue(inner) => Ok(not(Formula::IsTrue(Box::new(self.formula(inner)?)), true)),
            Expr::IsFalse(inner) => Ok(Formula::IsTrue(Box::new(not(self.formula(inner)?, true)))),
            Expr::IsNotFalse(inner) => Ok(not(Formula::IsTrue(Box::new(not(self.formula(inner)?, true))), true)),
            Expr::Value(found) => match &found.value {
                Literal::Boolean(value) => Ok(Formula::Constant(*value)),
                _ => Err(said(expr)),
            },
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                let column = self.column(expr)?;
                match (self.sort)(&column) {
                    Sort::Boolean => Ok(Formula::Holds(column)),
                    _ => Err(said(expr)),
                }
            }
            Expr::Between { expr, negated, low, high } => {
                let both = Formula::All(vec![
                    self.compare(expr, Comparison::GtEq, low)?,
                    self.compare(expr, Comparison::LtEq, high)?,
                ]);
                Ok(not(both, *negated))
            }
            Expr::InList { expr, list, negated } => Ok(not(self.one_of(expr, list)?, *negated)),
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => self.one_of(left, items(right)?),
            Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } => {
                Ok(not(self.one_of(left, items(right)?)?, true))
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => self.like(expr, pattern, *negated),
            Expr::BinaryOp { left, op: BinaryOperator::PGLikeMatch, right } => self.like(left, right, false),
            Expr::BinaryOp { left, op: BinaryOperator::PGNotLikeMatch, right } => self.like(left, right, true),
            Expr::BinaryOp { left, op, right } => match op {
                BinaryOperator::PGRegexMatch => self.matches(left, right, false, false),
                BinaryOperator::PGRegexIMatch => self.matches(left, right, true, false),
                BinaryOperator::PGRegexNotMatch => self.matches(left, right, false, true),
                BinaryOperator::PGRegexNotIMatch => self.matches(left, right, true, true),
                op => match comparison(op) {
                    Some(comparison) => self.compare(left, comparison, right),
                    None => Err(format!("it uses the operator `{op}`")),
                },
            },
            other => Err(said(other)),
        }
    }

    fn column(&self, expr: &Expr) -> Read<SmolStr> {
        match expr {
            Expr::Nested(inner) => self.column(inner),
            Expr::Identifier(ident) => Ok(folded(ident)),
            Expr::CompoundIdentifier(parts) => match &parts[..] {
                [_, column] => Ok(folded(column)),
                _ => Err(said(expr)),
            },
            other => Err(said(other)),
        }
    }

    fn value(&self, expr: &Expr) -> Read<Typed> {
        let of = |value: Value, sort: Sort| Ok(Typed { value, sort: Some(sort) });
        match expr {
            Expr::Nested(inner) => self.value(inner),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                let column = self.column(expr)?;
                let sort = (self.sort)(&column);
                of(Value::Column(column), sort)
            }
            Expr::Value(found) => match &found.value {
                Literal::SingleQuotedString(text) => Ok(Typed { value: Value::Text(text.as_str().into()), sort: None }),
                Literal::Number(digits, _) => {
                    let sort = if digits.bytes().all(|b| b.is_ascii_digit()) { Sort::Integer } else { Sort::Decimal };
                    of(Value::Number(digits.as_str().into()), sort)
                }
                _ => Err(said(expr)),
            },
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => match self.value(inner)? {
                Typed { value: Value::Number(digits), sort } if !digits.starts_with('-') => {
                    Ok(Typed { value: Value::Number(format_smolstr!("-{digits}")), sort })
                }
                _ => Err(said(expr)),
            },
            Expr::Cast { expr: inner, data_type, .. } => self.cast(inner, &data_type.to_string()),
            Expr::Function(function) => self.call(function, expr),
            Expr::Trim { trim_where, trim_what, expr: inner, trim_characters: None } => {
                if trim_what.as_deref().is_some_and(|what| !is_blank(what)) {
                    return Err(said(expr));
                }
                let (left, right) = match trim_where {
                    None | Some(TrimWhereField::Both) => (true, true),
                    Some(TrimWhereField::Leading) => (true, false),
                    Some(TrimWhereField::Trailing) => (false, true),
                };
                of(Value::Trimmed(Box::new(self.text(inner)?), left, right), Sort::Text)
            }
            other => Err(said(other)),
        }
    }

    /// A value of `text`.
    fn text(&self, expr: &Expr) -> Read<Value> {
        let found = self.value(expr)?;
        match found.sort {
            None | Some(Sort::Text | Sort::Padded) => Ok(found.value),
            Some(_) => Err(said(expr)),
        }
    }

    fn cast(&self, inner: &Expr, to: &str) -> Read<Typed> {
        let found = self.value(inner)?;
        let (bare, length) = (to.split('(').next().unwrap_or_default().trim().to_lowercase(), to.contains('('));
        let other = || Err(format!("it casts to `{}`", to.to_lowercase()));
        let Some(name) = specc_facts::canonical_type(&bare) else {
            // A literal of a type of the schema, such as an enum's.
            return if found.sort.is_none() { Ok(found) } else { other() };
        };
        let sort = Sort::of(&DataType::builtin(name), false);
        match (found.sort, sort) {
            _ if length => other(),
            (None, Sort::Other) => other(),
            (None, sort) => match (found.value, sort.is_number()) {
                (Value::Text(digits), true) => Ok(Typed { value: Value::Number(digits), sort: Some(sort) }),
                // What is text is of the sort that it is compared with.
                (value, _) => Ok(Typed { value, sort: Some(sort).filter(|sort| *sort != Sort::Text) }),
            },
            (Some(from), to) if from == to && from != Sort::Padded => Ok(found),
            (Some(Sort::Padded | Sort::Enum), Sort::Text) => Ok(Typed { value: found.value, sort: Some(Sort::Text) }),
            (Some(Sort::Integer), Sort::Decimal | Sort::Float) | (Some(Sort::Decimal), Sort::Float) => {
                Ok(Typed { value: found.value, sort: Some(sort) })
            }
            _ => other(),
        }
    }

    fn call(&self, function: &Function, expr: &Expr) -> Read<Typed> {
        let name = function.name.to_string().to_lowercase();
        let name = name.strip_prefix("pg_catalog.").unwrap_or(&name);
        let other = || Err(format!("it calls `{name}()`"));
        let FunctionArguments::List(list) = &function.args else { return other() };
        let arg = |arg: &FunctionArg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
            _ => None,
        };
        let Some(args) = list.args.iter().map(arg).collect::<Option<Vec<_>>>() else { return other() };
        let boxed = |value: Value| Box::new(value);
        let of = |value: Value, sort: Sort| Ok(Typed { value, sort: Some(sort) });
        match (name, &args[..]) {
            ("length" | "char_length" | "character_length", [text]) => {
                of(Value::Length(boxed(self.text(text)?)), Sort::Integer)
            }
            ("octet_length", [text]) => match self.value(text)? {
                Typed { value, sort: Some(Sort::Text) } => of(Value::Octets(boxed(value)), Sort::Integer),
                _ => Err(said(expr)),
            },
            ("btrim" | "ltrim" | "rtrim", [text, rest @ ..]) if rest.iter().all(is_blank) && rest.len() < 2 => {
                let (left, right) = (name != "rtrim", name != "ltrim");
                of(Value::Trimmed(boxed(self.text(text)?), left, right), Sort::Text)
            }
            ("cardinality", [array]) => match self.value(array)? {
                Typed { value: Value::Column(column), sort: Some(Sort::Array) } => {
                    of(Value::Items(column), Sort::Integer)
                }
                _ => Err(said(expr)),
            },
            ("jsonb_typeof" | "json_typeof", [json]) => match self.value(json)? {
                Typed { value: Value::Column(column), sort: Some(Sort::Json) } => {
                    of(Value::JsonType(column), Sort::Text)
                }
                _ => Err(said(expr)),
            },
            _ => other(),
        }
    }

    fn compare(&self, left: &Expr, op: Comparison, right: &Expr) -> Read<Formula> {
        let (a, b) = (self.value(left)?, self.value(right)?);
        let sort = common(&a, &b).ok_or_else(|| format!("it compares {left} with {right}"))?;
        comparable(sort, !matches!(op, Comparison::Eq | Comparison::NotEq))?;
        Ok(Formula::Compare(sort, a.value, op, b.value))
    }

    fn one_of(&self, expr: &Expr, list: &[Expr]) -> Read<Formula> {
        let value = self.value(expr)?;
        let mut sort = value.sort;
        let mut all = Vec::new();
        for item in list {
            let item = self.value(item)?;
            let found = common(&Typed { value: value.value.clone(), sort }, &item);
            sort = Some(found.ok_or_else(|| format!("it looks for {expr} in a list of another type"))?);
            all.push(item.value);
        }
        let sort = sort.ok_or_else(|| said(expr))?;
        comparable(sort, false)?;
        Ok(Formula::OneOf(sort, value.value, all))
    }

    fn matches(&self, left: &Expr, right: &Expr, folded: bool, negated: bool) -> Read<Formula> {
        let (value, pattern) = self.pattern(left, right)?;
        let formula = Formula::Matches { value, pattern, folded };
        Ok(if negated { Formula::Not(Box::new(formula)) } else { formula })
    }

    fn composed(&self, part: &Expr) -> Option<(SmolStr, Vec<Value>)> {
        match part {
            Expr::Nested(inner) => self.composed(inner),
            Expr::Like { negated: false, any: false, expr, pattern, escape_char: None } => {
                let mut parts = Vec::new();
                self.parts(pattern, &mut parts)?;
                Some((self.column(expr).ok()?, parts))
            }
            _ => None,
        }
    }

    /// What `||` joins, of columns as texts and of texts.
    fn parts(&self, expr: &Expr, out: &mut Vec<Value>) -> Option<()> {
        match expr {
            Expr::Nested(inner) => self.parts(inner, out),
            Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
                self.parts(left, out)?;
                self.parts(right, out)
            }
            Expr::Cast { expr: inner, .. } => self.parts(inner, out),
            other => {
                let value = self.value(other).ok()?.value;
                matches!(value, Value::Column(_) | Value::Text(_)).then(|| out.push(value))
            }
        }
    }

    fn like(&self, left: &Expr, right: &Expr, negated: bool) -> Read<Formula> {
        let (value, pattern) = self.pattern(left, right)?;
        let formula = Formula::Like(value, pattern);
        Ok(if negated { Formula::Not(Box::new(formula)) } else { formula })
    }

    /// The text that is looked at, and the literal that it is held against.
    fn pattern(&self, left: &Expr, right: &Expr) -> Read<(Value, SmolStr)> {
        let value = match self.value(left)? {
            Typed { value, sort: Some(Sort::Text) } => value,
            // Patterns see the blanks of a `char(n)`.
            _ => return Err(format!("it matches {left}, which is not read as plain text")),
        };
        match self.value(right)? {
            Typed { value: Value::Text(pattern), .. } => Ok((value, pattern)),
            _ => Err("its pattern is not a literal".to_owned()),
        }
    }
}

/// The sort as which two values are compared.
fn common(a: &Typed, b: &Typed) -> Option<Sort> {
    match (a.sort, b.sort) {
        (None, None) => None,
        (Some(sort), None) | (None, Some(sort)) => match (sort, &a.value, &b.value) {
            (Sort::Text, ..) => Some(sort),
            // A number in quotes is rather the exception.
            (sort, ..) if sort.is_number() => None,
            _ => Some(sort),
        },
        (Some(a), Some(b)) if a == b => Some(a),
        (Some(a), Some(b)) if a.is_number() && b.is_number() => match a == Sort::Float || b == Sort::Float {
            true => Some(Sort::Float),
            false => Some(Sort::Decimal),
        },
        // A value of `char(n)` becomes text.
        (Some(Sort::Padded), Some(Sort::Text)) | (Some(Sort::Text), Some(Sort::Padded)) => None,
        _ => None,
    }
}

fn comparable(sort: Sort, by_order: bool) -> Read<()> {
    match sort {
        Sort::Text | Sort::Padded if by_order => Err("it orders texts, which depends on the collation".to_owned()),
        Sort::Text | Sort::Padded | Sort::Boolean if !by_order => Ok(()),
        sort if sort.is_ordered() => Ok(()),
        _ => Err("it compares values whose equality is Postgres's own".to_owned()),
    }
}

fn comparison(op: &BinaryOperator) -> Option<Comparison> {
    Some(match op {
        BinaryOperator::Eq => Comparison::Eq,
        BinaryOperator::NotEq => Comparison::NotEq,
        BinaryOperator::Lt => Comparison::Lt,
        BinaryOperator::LtEq => Comparison::LtEq,
        BinaryOperator::Gt => Comparison::Gt,
        BinaryOperator::GtEq => Comparison::GtEq,
        _ => return None,
    })
}

/// The items of an array that is written out.
fn items(expr: &Expr) -> Read<&[Expr]> {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => items(inner),
        Expr::Array(array) => Ok(&array.elem),
        other => Err(said(other)),
    }
}

fn is_blank(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_blank(inner),
        Expr::Value(found) => matches!(&found.value, Literal::SingleQuotedString(text) if text == " "),
        _ => false,
    }
}

/// What cannot be read.
fn said(expr: &Expr) -> String {
    match expr {
        Expr::Function(function) => format!("it calls `{}()`", function.name.to_string().to_lowercase()),
        Expr::Extract { .. } => "it takes a part of a moment".to_owned(),
        Expr::BinaryOp { op, .. } => format!("it uses the operator `{op}`"),
        _ => format!("it uses `{expr}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Formula, Sort, conditions};

    fn sort(column: &str) -> Sort {
        match column {
            "n" | "m" => Sort::Integer,
            "d" => Sort::Decimal,
            "b" => Sort::Boolean,
            "c" => Sort::Padded,
            "at" | "until" => Sort::Timestamptz,
            "day" => Sort::Date,
            "j" => Sort::Json,
            "e" => Sort::Enum,
            "list" => Sort::Array,
            _ => Sort::Text,
        }
    }

    fn read(check: &str) -> Vec<Result<Formula, String>> {
        conditions(check, &sort).into_iter().map(|one| one.map_err(|beyond| beyond.why)).collect()
    }

    #[test]
    fn a_spelling_of_postgres_is_read_as_that_of_a_spec() {
        for (spec, printed) in [
            ("n > 0", "(n > 0)"),
            ("d >= 0", "(d >= (0)::numeric)"),
            ("d between 0 and 1", "((d >= (0)::numeric) AND (d <= (1)::numeric))"),
            ("s in ('a', 'b')", "((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))"),
            ("length(trim(s)) > 0", "(length(TRIM(BOTH FROM s)) > 0)"),
            ("length(trim(s)) > 0", "(length(btrim(s)) > 0)"),
            ("s !~ '^a'", "(s !~ '^a'::text)"),
            ("s like 'a%'", "(s ~~ 'a%'::text)"),
            ("e <> 'x' or at is not null", "((e <> 'x'::mood) OR (at IS NOT NULL))"),
            ("until > at and b", "((until > at) AND b)"),
            ("jsonb_typeof(j) = 'array'", "(jsonb_typeof(j) = 'array'::text)"),
        ] {
            let flat = |read: Vec<Result<Formula, String>>| -> Vec<Formula> {
                let all = read.into_iter().map(|one| one.expect("a formula"));
                all.flat_map(|one| if let Formula::All(list) = one { list } else { vec![one] }).collect()
            };
            let number = |text: String| text.replace("Compare(Integer", "Compare(Decimal");
            let shown = |check: &str| number(format!("{:?}", flat(read(check))));
            assert_eq!(shown(spec), shown(printed), "{spec}");
        }
    }

    #[test]
    fn what_is_not_the_same_elsewhere_is_not_read() {
        for check in [
            "s < 'b'",
            "s between 'a' and 'b'",
            "c ~ 'a'",
            "day > at",
            "at > now()",
            "s ilike 'a'",
            "n::text = 'a'",
            "lower(s) = s",
            "s::varchar(3) = 'abc'",
            "n / 0 = 1",
            "j = '{}'",
            "s like 'a' escape '!'",
            "s = any (list)",
            "extract(year from at) = 2024",
        ] {
            assert!(read(check).iter().all(Result::is_err), "{check}: {:?}", read(check));
        }
        let both = read("n > 0 and lower(s) = s");
        assert!(both[0].is_ok() && both[1] == Err("it calls `lower()`".to_owned()), "{both:?}");
    }
}
