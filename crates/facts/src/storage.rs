//! How tables, columns and indexes are kept: the words and numbers that Postgres takes.

use crate::table::unmarked;

/// How values of a column are kept.
pub const STORAGE_WORDS: &[&str] = &["plain", "external", "extended", "main"];

/// How values of a column are compressed.
pub const COMPRESSION_WORDS: &[&str] = &["pglz", "lz4"];

/// What says how a table or an index is kept.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub value: ParameterValue,
    of: &'static str,
}

/// What a parameter of storage may be.
#[derive(Clone, Copy, Debug)]
pub enum ParameterValue {
    /// On or off, in any of the words for it.
    Boolean,
    /// A number between two, both included.
    Number(&'static str, &'static str),
    /// One of these words, with `|` between them.
    Word(&'static str),
}

impl ParameterValue {
    fn of(text: &'static str) -> Self {
        match text.split_once("..") {
            Some((least, most)) => Self::Number(least, most),
            None if text == "boolean" => Self::Boolean,
            None => Self::Word(text),
        }
    }

    /// Whether Postgres takes the value.
    pub fn takes(self, value: &str) -> bool {
        let value = value.to_ascii_lowercase();
        let number = |text: &str| text.parse::<f64>().ok();
        match self {
            // Beginnings of the words are enough, as far as they are no beginning of two.
            Self::Boolean => {
                matches!(&*value, "0" | "1")
                    || (!matches!(&*value, "" | "o")
                        && ["true", "false", "yes", "no", "on", "off"].iter().any(|word| word.starts_with(&value)))
            }
            Self::Number(least, most) => match (number(&value.replace('_', "")), number(least), number(most)) {
                (Some(value), Some(least), Some(most)) => (least..=most).contains(&value),
                _ => false,
            },
            Self::Word(words) => words.split('|').any(|word| word == value),
        }
    }
}

impl Parameter {
    /// Whether it is said of this: `table`, `toast` for the values that are kept beside a table, or a method of indexes.
    pub fn is_of(&self, what: &str) -> bool {
        self.of.split(' ').any(|word| unmarked(word) == what)
    }

    /// Whether every version has it.
    pub fn is_old(&self) -> bool {
        !self.of.contains('@')
    }
}

/// All parameters, sorted by name.
pub fn parameters() -> impl Iterator<Item = Parameter> {
    include_str!("../data/parameters.txt").lines().filter_map(|line| {
        let (name, rest) = line.split_once(' ')?;
        let (value, of) = rest.split_once(' ')?;
        Some(Parameter { name, value: ParameterValue::of(value), of })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let takes = |name: &str, value: &str| {
            parameters().find(|parameter| parameter.name == name).is_some_and(|found| found.value.takes(value))
        };
        assert!(takes("fillfactor", "10") && takes("fillfactor", "100") && !takes("fillfactor", "101"));
        assert!(takes("fastupdate", "off") && takes("fastupdate", "TRUE") && !takes("fastupdate", "o"));
        assert!(takes("buffering", "auto") && !takes("buffering", "true"));
        assert!(takes("autovacuum_vacuum_scale_factor", "0.05") && !takes("autovacuum_vacuum_scale_factor", "often"));
    }
}
