//! Formulas of checks as conditions in TypeScript, over `db`, what stands at the top of the file.

use super::pattern;
use crate::print::text;
use crate::resolved::Type;
use specc_analysis::checks::{Comparison, Formula, Sort, Value};

/// How a column is named in a condition, and its type below its domains.
pub(crate) type Columns<'w, 'c> = dyn Fn(&str) -> (String, Type<'c>) + 'w;

/// The condition; or why there is none.
pub(crate) fn condition(formula: &Formula, columns: &Columns<'_, '_>) -> Result<String, String> {
    Writer { columns }.formula(formula)
}

struct Writer<'w, 'c> {
    columns: &'w Columns<'w, 'c>,
}

impl Writer<'_, '_> {
    fn formula(&self, formula: &Formula) -> Result<String, String> {
        let all = |list: &[Formula]| {
            let all: Result<Vec<String>, String> = list.iter().map(|one| self.formula(one)).collect();
            all.map(|all| all.join(", "))
        };
        Ok(match formula {
            Formula::All(list) => format!("db.and({})", all(list)?),
            Formula::Any(list) => format!("db.or({})", all(list)?),
            Formula::Not(inner) => match &**inner {
                Formula::IsNull(column) => format!("{} !== null", self.column(column)),
                inner => format!("db.not({})", self.formula(inner)?),
            },
            Formula::IsTrue(inner) => format!("{} === true", self.formula(inner)?),
            Formula::Constant(value) => value.to_string(),
            Formula::IsNull(column) => format!("{} === null", self.column(column)),
            Formula::Holds(column) => self.column(column),
            Formula::Compare(sort, a, op, b) => {
                let sign = match op {
                    Comparison::Eq => "=",
                    Comparison::NotEq => "<>",
                    Comparison::Lt => "<",
                    Comparison::LtEq => "<=",
                    Comparison::Gt => ">",
                    Comparison::GtEq => ">=",
                };
                // Labels are equal as texts are, but ordered by their places.
                let labels =
                    if *sort == Sort::Enum && !matches!(sign, "=" | "<>") { self.labels(a, b)? } else { vec![] };
                let (a, b) = (self.sorted(*sort, a, &labels)?, self.sorted(*sort, b, &labels)?);
                format!("db.is({a}, \"{sign}\", {b})")
            }
            Formula::OneOf(sort, value, list) => {
                let items: Result<Vec<String>, String> = list.iter().map(|one| self.sorted(*sort, one, &[])).collect();
                format!("db.among({}, [{}])", self.sorted(*sort, value, &[])?, items?.join(", "))
            }
            Formula::Matches { value, pattern, folded } => {
                self.matches(value, &pattern::javascript(pattern, *folded)?)?
            }
            Formula::Like(value, pattern) => self.matches(value, &pattern::like(pattern)?)?,
        })
    }

    fn matches(&self, value: &Value, pattern: &str) -> Result<String, String> {
        Ok(format!("db.matches({}, new RegExp({}, \"su\"))", self.sorted(Sort::Text, value, &[])?, text(pattern)))
    }

    fn column(&self, name: &str) -> String {
        (self.columns)(name).0
    }

    /// The labels of the enum that two values are of.
    fn labels(&self, a: &Value, b: &Value) -> Result<Vec<String>, String> {
        let of = |value: &Value| match value {
            Value::Column(name) => match (self.columns)(name).1 {
                Type::Enum(found) => Some(found.labels.iter().map(|label| text(label)).collect()),
                _ => None,
            },
            _ => None,
        };
        of(a).or_else(|| of(b)).ok_or_else(|| "it orders labels of an enum that is not known".to_owned())
    }

    /// A value in the form in which those of this sort are compared.
    fn sorted(&self, sort: Sort, value: &Value, labels: &[String]) -> Result<String, String> {
        Ok(match value {
            Value::Text(literal) => match sort {
                Sort::Text => text(literal),
                Sort::Padded => text(literal.trim_end_matches(' ')),
                Sort::Enum if labels.is_empty() => text(literal),
                Sort::Enum => format!("db.place([{}], {})", labels.join(", "), text(literal)),
                Sort::Uuid => format!("db.hex({})", text(literal)),
                Sort::Date | Sort::Timestamp | Sort::Timestamptz | Sort::Time => {
                    if !is_moment(sort, literal) {
                        return Err(format!("`{literal}` depends on the session"));
                    }
                    format!("db.moment(\"{}\", {})", kind(sort), text(literal))
                }
                Sort::Boolean if matches!(literal.as_str(), "t" | "true") => "true".to_owned(),
                Sort::Boolean if matches!(literal.as_str(), "f" | "false") => "false".to_owned(),
                _ => return Err(format!("it compares with `{literal}`")),
            },
            Value::Number(digits) => match sort {
                Sort::Integer if digits.trim_start_matches('-').len() <= 15 => digits.to_string(),
                Sort::Float if digits.parse::<f64>().is_ok_and(f64::is_finite) => format!("Number(\"{digits}\")"),
                Sort::Decimal if is_decimal(digits) => format!("db.number(\"{digits}\")"),
                _ => return Err(format!("it compares with `{digits}`")),
            },
            Value::Column(name) => self.stored(sort, name, labels)?,
            Value::Length(inner) => number(sort, format!("db.points({})", self.text_of(inner)?)),
            Value::Octets(inner) => number(sort, format!("db.octets({})", self.text_of(inner)?)),
            Value::Items(name) => number(sort, format!("db.items({})", self.column(name))),
            Value::Trimmed(inner, left, right) => format!("db.trim({}, {left}, {right})", self.text_of(inner)?),
            Value::JsonType(name) => format!("db.jsonType({})", self.column(name)),
        })
    }

    fn text_of(&self, value: &Value) -> Result<String, String> {
        self.sorted(Sort::Text, value, &[])
    }

    /// What Postgres keeps of a column's value.
    fn stored(&self, sort: Sort, name: &str, labels: &[String]) -> Result<String, String> {
        let (place, ty) = (self.columns)(name);
        let (type_name, args) = match &ty {
            Type::Plain(name, args) => (name.as_str(), args.as_slice()),
            _ => ("", &[][..]),
        };
        Ok(match (sort, ty.sort()) {
            (Sort::Text | Sort::Padded, own @ (Sort::Text | Sort::Padded)) => {
                let most = args.first().copied().or((type_name == "char").then_some(1));
                let cut = most.map_or_else(|| place.clone(), |most| format!("db.cut({place}, {most})"));
                if own == Sort::Padded { format!("db.trim({cut}, false, true)") } else { cut }
            }
            (Sort::Integer, _) | (Sort::Boolean, _) => place,
            (Sort::Decimal, _) => match args {
                [_, scale] => format!("db.number({place}, {scale})"),
                [_] => format!("db.number({place}, 0)"),
                _ => format!("db.number({place})"),
            },
            (Sort::Float, own) => match (own, args) {
                (Sort::Float, _) if type_name == "real" => format!("db.single({place})"),
                // Rounding to a scale comes before.
                (Sort::Decimal, [_, ..]) => {
                    return Err("it compares a rounded number with one that is not exact".to_owned());
                }
                _ => place,
            },
            (Sort::Date | Sort::Timestamp | Sort::Timestamptz | Sort::Time, _) => match args {
                [digits] => format!("db.moment(\"{}\", {place}, {digits})", kind(sort)),
                _ => format!("db.moment(\"{}\", {place})", kind(sort)),
            },
            (Sort::Uuid, _) => format!("db.hex({place})"),
            (Sort::Text | Sort::Enum, Sort::Enum) if labels.is_empty() => place,
            (_, Sort::Enum) => format!("db.place([{}], {place})", labels.join(", ")),
            _ => return Err("it compares values whose equality is Postgres's own".to_owned()),
        })
    }
}

/// A count among numbers of this sort.
fn number(sort: Sort, count: String) -> String {
    if sort == Sort::Decimal { format!("db.number({count})") } else { count }
}

fn kind(sort: Sort) -> &'static str {
    match sort {
        Sort::Date => "date",
        Sort::Timestamp => "timestamp",
        Sort::Timestamptz => "timestamptz",
        _ => "time",
    }
}

fn is_decimal(digits: &str) -> bool {
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, part].iter().all(|text| !text.is_empty() && text.len() < 200 && text.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a literal is the same moment in every session: digits in the order of ISO 8601, with a zone where one counts.
fn is_moment(sort: Sort, literal: &str) -> bool {
    let digits = |text: &str, signs: &str| text.chars().all(|c| c.is_ascii_digit() || signs.contains(c));
    let is_date = |text: &str| text.len() == 10 && digits(text, "-");
    let is_time = |text: &str| text.len() >= 5 && digits(text, ":.");
    match (sort, literal.split_once([' ', 'T'])) {
        (Sort::Time, None) => is_time(literal),
        (Sort::Date | Sort::Timestamp, None) => is_date(literal),
        (Sort::Timestamp, Some((date, time))) => is_date(date) && is_time(time),
        (Sort::Timestamptz, Some((date, time))) => {
            let zone =
                time.rfind(['+', '-', 'Z']).filter(|at| time[at + 1..].len() <= 5 && digits(&time[at + 1..], ":"));
            zone.is_some_and(|at| is_date(date) && is_time(&time[..at]))
        }
        _ => false,
    }
}
