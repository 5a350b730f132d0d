//! What a condition can be where some columns are null.

use super::{Formula, Value};
use smol_str::SmolStr;

/// The truth values that a condition can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truths {
    /// It may be true.
    pub yes: bool,
    /// It may be false.
    pub no: bool,
    /// It may be null.
    pub null: bool,
}

impl Truths {
    const ANY: Self = Self { yes: true, no: true, null: true };
    const NULL: Self = Self { yes: false, no: false, null: true };

    fn of(value: bool) -> Self {
        Self { yes: value, no: !value, null: false }
    }

    fn not(self) -> Self {
        Self { yes: self.no, no: self.yes, ..self }
    }

    fn and(self, other: Self) -> Self {
        Self {
            yes: self.yes && other.yes,
            no: self.no || other.no,
            null: self.null && (other.yes || other.null) || other.null && (self.yes || self.null),
        }
    }
}

impl Formula {
    /// What it can be where these columns are null, and the others are anything.
    pub fn of_nulls(&self, is_null: &dyn Fn(&SmolStr) -> bool) -> Truths {
        let reads = |value: &Value| {
            let mut found = false;
            value.each(&mut |column| found |= is_null(column));
            found
        };
        match self {
            Formula::All(list) => list.iter().map(|one| one.of_nulls(is_null)).fold(Truths::of(true), Truths::and),
            Formula::Any(list) => {
                let none = list.iter().map(|one| one.of_nulls(is_null).not()).fold(Truths::of(true), Truths::and);
                none.not()
            }
            Formula::Not(one) => one.of_nulls(is_null).not(),
            Formula::Constant(value) => Truths::of(*value),
            Formula::IsNull(column) if is_null(column) => Truths::of(true),
            Formula::IsNull(_) => Truths { null: false, ..Truths::ANY },
            Formula::IsTrue(one) => {
                let one = one.of_nulls(is_null);
                Truths { yes: one.yes, no: one.no || one.null, null: false }
            }
            Formula::Holds(column) if is_null(column) => Truths::NULL,
            Formula::Compare(_, a, _, b) if reads(a) || reads(b) => Truths::NULL,
            Formula::OneOf(_, value, _) | Formula::Matches { value, .. } | Formula::Like(value, _) if reads(value) => {
                Truths::NULL
            }
            _ => Truths::ANY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Sort, conditions};
    use super::Truths;

    /// What a check can be where `a` is null.
    fn of(check: &str) -> Vec<Truths> {
        let all = conditions(check, &|_| Sort::Integer);
        all.into_iter().map(|one| one.expect("a formula").of_nulls(&|column| column == "a")).collect()
    }

    #[test]
    fn nothing_is_said_of_what_others_decide() {
        assert_eq!(of("a > 0"), [Truths::NULL]);
        assert_eq!(of("a in (1, 2)"), [Truths::NULL]);
        assert_eq!(of("a < b"), [Truths::NULL]);
        assert_eq!(of("b > 0"), [Truths::ANY]);
        assert_eq!(of("a is not null"), [Truths::of(false)]);
        assert!(of("a is not null or b > 0")[0].no);
        assert!(!of("a > 0 or b > 0")[0].no);
        assert!(of("a > 0 and b > 0").iter().any(|one| one.no));
    }
}
