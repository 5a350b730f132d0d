//! Names by Postgres's own convention: `events_pkey`, `events_organizer_id_fkey`, cut at 63 bytes as Postgres cuts them.

use crate::{Kind, ObjectId, Table, TableName};
use smol_str::SmolStr;

pub use specc_facts::LONGEST_NAME;

/// `{first}_{second}_{label}`, the longer of the first two shortened until all of it fits.
pub fn conventional_name(first: &str, second: Option<&str>, label: &str) -> SmolStr {
    let overhead = label.len() + 1 + usize::from(second.is_some());
    let room = LONGEST_NAME.saturating_sub(overhead);
    let (mut one, mut two) = (first.len(), second.map_or(0, str::len));
    while one + two > room {
        if one > two { one -= 1 } else { two = two.saturating_sub(1) }
    }
    let mut out = String::with_capacity(LONGEST_NAME);
    out.push_str(clip(first, one));
    if let Some(second) = second {
        out.push('_');
        out.push_str(clip(second, two));
    }
    out.push('_');
    out.push_str(label);
    out.into()
}

/// The first `bytes` bytes, less where that would split a character.
pub fn clip(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The sequence that Postgres makes for an identity or serial column. That of an identity column is no object of a
/// catalog: it comes and goes with its table.
pub fn sequence_of(table: &TableName, column: &str) -> ObjectId {
    ObjectId::new(Kind::Sequence, table.schema.clone(), conventional_name(&table.name, Some(column), "seq"))
}

impl Table {
    /// The sequences of its identity columns.
    pub fn identity_sequences(&self) -> impl Iterator<Item = ObjectId> + '_ {
        let identities = self.columns.iter().filter(|column| column.identity.is_some());
        identities.map(|column| sequence_of(&self.table, &column.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_postgres() {
        assert_eq!(conventional_name("events", Some("organizer_id"), "fkey"), "events_organizer_id_fkey");
        assert_eq!(conventional_name("events", None, "pkey"), "events_pkey");
        assert_eq!(sequence_of(&TableName::new("app", "t"), "id").name, "t_id_seq");
    }

    #[test]
    fn long_names_are_cut_as_postgres_cuts_them() {
        let (table, column) = ("t".repeat(60), "column_of_words");
        assert_eq!(conventional_name(&table, Some(column), "seq"), format!("{}_{column}_seq", "t".repeat(43)));
        let cut = conventional_name(&"ü".repeat(20), Some(&"é".repeat(30)), "seq");
        assert_eq!(cut, format!("{}_{}_seq", "ü".repeat(14), "é".repeat(14)));
        assert_eq!(conventional_name(&"é".repeat(40), None, "pkey").len(), 2 * 29 + 5);
    }
}
