//! How much there will be: rows of entities, and what their columns hold.

use super::{At, Name, QName, RawExpr};
use smol_str::SmolStr;

/// `size [in dev] events 1_000_000 { … }, registrations 40 per event zipf`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeDecl {
    /// The environment; none: all of them.
    pub env: Option<Name>,
    pub rows: Vec<SizeRows>,
}

/// `events 1_000_000 { columns }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeRows {
    pub entity: QName,
    pub count: SizeCount,
    pub columns: Vec<SizeColumn>,
    pub at: At,
}

/// How many rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SizeCount {
    /// `1_000_000`
    Rows { rows: u64, at: At },
    /// `40 per event [zipf [1.2]]`: for each row that a reference leads to, by its path.
    Per { each: Amount, path: Name, skew: Option<Skew> },
}

/// A number as written, without `_`: `40`, `2.5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    pub text: SmolStr,
    pub at: At,
}

/// `zipf [1.2]` or `uniform`: how often the most frequent come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skew {
    pub zipf: bool,
    pub exponent: Option<Amount>,
    pub at: At,
}

/// `status: published 60 %, draft 30 %`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeColumn {
    pub name: Name,
    pub traits: Vec<SizeTrait>,
    pub at: At,
}

/// Something that is said of the values of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SizeTrait {
    /// `distinct 5000`
    Distinct { count: u64, at: At },
    /// `nulls 20 %`
    Nulls(Amount),
    /// `width 400`: bytes, on average.
    Width { bytes: u64, at: At },
    /// `correlation 0.9`: with the order in which rows come.
    Correlation(Amount),
    /// `between (0, 500)`: both values, with the comma.
    Between(RawExpr),
    /// `zipf`
    Skew(Skew),
    /// `published 60 %`, `'new york' 5 %`, `0 90 %`
    Share { value: Name, percent: Amount },
}
