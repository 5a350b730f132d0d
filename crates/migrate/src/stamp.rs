//! The timestamp in a migration's name.

use std::fmt;
use std::str::FromStr;

/// `YYYYMMDDHHMMSS`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    year: u16,
    month: u8,
    day: u8,
    second: u32,
}

/// A text that is no stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StampError;

impl fmt::Display for StampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stamp has 14 digits, YYYYMMDDHHMMSS, such as 20260131093000")
    }
}

impl std::error::Error for StampError {}

const DAY: u32 = 24 * 3600;

impl FromStr for Stamp {
    type Err = StampError;

    fn from_str(text: &str) -> Result<Self, StampError> {
        if text.len() != 14 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(StampError);
        }
        let part = |from: usize, to: usize| text[from..to].parse::<u16>().map_err(|_| StampError);
        let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
        let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
        let known = (1..=12).contains(&month) && hour < 24 && minute < 60 && second < 60;
        let (month, day) = (month as u8, day as u8);
        if !known || day == 0 || day > days(year, month) {
            return Err(StampError);
        }
        Ok(Self { year, month, day, second: u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second) })
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, second } = self;
        write!(f, "{year:04}{month:02}{day:02}{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60)
    }
}

impl Stamp {
    /// One second later.
    #[must_use]
    pub fn next(mut self) -> Self {
        self.second += 1;
        if self.second == DAY {
            self.second = 0;
            self.day += 1;
        }
        if self.day > days(self.year, self.month) {
            self.day = 1;
            self.month += 1;
        }
        if self.month > 12 {
            self.month = 1;
            self.year += 1;
        }
        self
    }
}

fn days(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::Stamp;

    #[test]
    fn the_next_second_carries_into_the_next_year() {
        let next = |text: &str| text.parse::<Stamp>().map(|stamp| stamp.next().to_string());
        assert_eq!(next("20250817000001"), Ok("20250817000002".into()));
        assert_eq!(next("20251231235959"), Ok("20260101000000".into()));
        assert_eq!(next("20240228235959"), Ok("20240229000000".into()));
        for wrong in ["2025081700000", "20250230000000", "20250817240000", "2025081700000x"] {
            assert!(wrong.parse::<Stamp>().is_err(), "{wrong}");
        }
    }
}
