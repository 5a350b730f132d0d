//! Values of a small database, and the constants that formulas write for them.

use smol_str::SmolStr;
use specc_facts::{Family, family};
use specc_model::formula::{Formula, Node, Value};
use specc_model::{Base, EntityId, Type};

/// A value of a small database.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Val {
    /// The key of the row of this number; a number beyond the rows is a key of none.
    Key(EntityId, u16),
    /// A number, ordered as numbers are.
    Number(i64, SmolStr),
    /// A text, a label, a date.
    Text(SmolStr),
    /// Some other value; in an ordered sort between its neighbours.
    Other(u16),
}

impl Val {
    /// A number. None where a float has no value for it that no other number has: what is not the same must not look alike.
    fn number(digits: &str) -> Option<Self> {
        // Zero has no sign.
        let number = digits.parse::<f64>().ok()? + 0.0;
        let mantissa = digits.split(['e', 'E']).next()?;
        let bare: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let told = bare.trim_matches('0').len() <= 15 || number.to_string() == digits;
        if !told || !number.is_finite() || number == 0.0 && bare.contains(|c| c != '0') {
            return None;
        }
        let bits = number.to_bits() as i64;
        // Bits of a float order as integers do, those of negative ones the other way round.
        let order = if bits < 0 { !(bits & i64::MAX) } else { bits };
        Some(Val::Number(order, number.to_string().into()))
    }

    /// What stands between quotes: one value for all ways in which a number, a key or a point in time is written.
    pub fn of_text(text: &str) -> Self {
        Self::number_of(text).unwrap_or_else(|| Val::Text(key(text).or_else(|| moment(text)).unwrap_or(text.into())))
    }

    /// A number that is written as numbers are printed. A text of other digits is another text, such as `007`.
    fn number_of(text: &str) -> Option<Self> {
        let plain = text.len() <= 15 && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.'));
        Self::number(text).filter(|value| plain && matches!(value, Val::Number(_, digits) if digits == text))
    }

    /// The number that it is.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Val::Number(_, digits) => digits.parse().ok(),
            _ => None,
        }
    }
}

/// A UUID, as Postgres prints it.
fn key(text: &str) -> Option<SmolStr> {
    let dashes = [8, 13, 18, 23];
    let fits = |(at, c): (usize, char)| if dashes.contains(&at) { c == '-' } else { c.is_ascii_hexdigit() };
    (text.len() == 36 && text.chars().enumerate().all(fits)).then(|| text.to_ascii_lowercase().into())
}

/// A date, with a time if it is not that of midnight. The zone of a server is UTC.
fn moment(text: &str) -> Option<SmolStr> {
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return None };
    let number = |part: &str, most: u32| {
        let digits = (1..=2).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
        part.parse::<u32>().ok().filter(|number| digits && *number <= most)
    };
    if year.len() != 4 || !year.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let date = format!("{year}-{:02}-{:02}", number(month, 12)?, number(day, 31)?);
    let time = ["Z", "+00:00", "+00"].into_iter().find_map(|zone| time.strip_suffix(zone)).unwrap_or(time);
    let (whole, rest) = time.split_once('.').unwrap_or((time, ""));
    let rest = rest.trim_end_matches('0');
    if !rest.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let parts: Vec<&str> = whole.split(':').collect();
    let (hour, minute, second) = match parts.as_slice() {
        [""] => (0, 0, 0),
        [hour, minute] => (number(hour, 24)?, number(minute, 59)?, 0),
        [hour, minute, second] => (number(hour, 24)?, number(minute, 59)?, number(second, 60)?),
        _ => return None,
    };
    Some(match (hour, minute, second, rest) {
        (0, 0, 0, "") => date.into(),
        (_, _, _, "") => format!("{date} {hour:02}:{minute:02}:{second:02}").into(),
        _ => format!("{date} {hour:02}:{minute:02}:{second:02}.{rest}").into(),
    })
}

/// The constant that it is, also under a cast.
pub fn constant(formula: &Formula) -> Option<Val> {
    match &formula.bare().node {
        Node::Literal(Value::Number(digits)) => Val::number(digits),
        Node::Literal(value) => value.text().map(Val::of_text),
        Node::Cast(cast) if keeps(&cast.of.ty, &formula.bare().ty) => constant(&cast.of),
        Node::Unary(sign, of) if sign == "-" => match constant(of)? {
            Val::Number(_, digits) => Val::number(&format!("-{digits}")),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a cast makes the same of what is the same, and something else of all else: it does not round, cut off or leave
/// out.
pub fn keeps(from: &Type, to: &Type) -> bool {
    let (Base::Builtin(before), Base::Builtin(after)) = (&from.base, &to.base) else { return true };
    if from == to {
        return true;
    }
    let cuts = matches!(family(after), Family::Text | Family::Decimal | Family::Moment | Family::Time | Family::Bits);
    match (family(before), family(after)) {
        _ if cuts && !to.args.is_empty() => false,
        (Family::Decimal | Family::Float | Family::Money, Family::Integer) => false,
        (Family::Moment, Family::Time) => false,
        (Family::Moment, Family::Moment) => after != "date" || before == "date",
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::Val;

    #[test]
    fn numbers_are_one_value_where_they_are_the_same() {
        for (a, b) in [("1", "1.0"), ("-0", "0"), ("1e3", "1000"), ("0.50", "0.5"), ("100000000000000000000", "1e20")] {
            assert!(Val::number(a).is_some(), "{a}");
            assert_eq!(Val::number(a), Val::number(b), "{a} and {b}");
        }
    }

    #[test]
    fn numbers_that_differ_never_look_alike() {
        let huge = "9".repeat(400);
        for (a, b) in [
            ("9007199254740993", "9007199254740992"),
            ("9223372036854775807", "9223372036854775806"),
            ("0.10000000000000000001", "0.1"),
            (huge.as_str(), "1e400"),
            ("1e-400", "0"),
        ] {
            let (first, second) = (Val::number(a), Val::number(b));
            assert!(first.is_none() || first != second, "{a} and {b}: {first:?}");
        }
    }
}
