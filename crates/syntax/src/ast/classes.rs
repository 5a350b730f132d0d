//! What rows say of people, and for how long they stay.

use super::{At, Name, QName};

/// What a column holds, where that asks for care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DataClass {
    /// `pii`: something of a person.
    Pii,
    /// `secret`: whoever has it may do something.
    Secret,
}

impl DataClass {
    /// The word in the language.
    pub fn word(self) -> &'static str {
        match self {
            DataClass::Pii => "pii",
            DataClass::Secret => "secret",
        }
    }
}

/// `retain 2 years [6 months] [from created_at]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetainDecl {
    /// Numbers and their units, as written.
    pub spans: Vec<(u32, Name)>,
    /// The column that counts.
    pub from: Option<Name>,
    pub at: At,
}

/// `person profiles { invitations by email = contacts (email) }`: whose data `erase_person` and `export_person` are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonDecl {
    pub entity: QName,
    pub rows: Vec<PersonRows>,
}

/// `notes by author_id, reader_id`, `invitations by email = contacts (email)`: which rows of an entity are a person's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRows {
    pub entity: QName,
    pub columns: Vec<Name>,
    /// What the columns are equal to, where that is not the person's key.
    pub of: Option<(QName, Vec<Name>)>,
    pub at: At,
}
