//! What everything is written with: names, places, expressions, types.

use smol_str::SmolStr;
use specc_diag::FileId;
use specc_diag::Span;

/// A span that is equal to every other span.
#[derive(Clone, Copy, Debug, Default)]
pub struct At(pub Span);

impl PartialEq for At {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for At {}

/// A name: `events`, `"Weird name"` (text without the quotes, `""` undone), or in a mixin `$param` (text with the `$`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name itself.
    pub text: SmolStr,
    /// Where.
    pub at: At,
}

/// `events` or `billing.events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QName {
    /// The schema, if written.
    pub schema: Option<Name>,
    /// The name in it.
    pub name: Name,
}

impl QName {
    /// The whole of it.
    pub fn span(&self) -> Span {
        match &self.schema {
            Some(schema) => schema.at.0.to(self.name.at.0),
            None => self.name.at.0,
        }
    }
}

/// A SQL expression as written, trimmed, without comments after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawExpr {
    /// The text.
    pub text: SmolStr,
    /// Where the text starts and ends.
    pub at: At,
}

/// SQL between `$$` and `$$` (or `$tag$`), without the delimiters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlBody {
    /// The text between the delimiters, as written.
    pub text: SmolStr,
    /// The tag between the dollars, mostly empty.
    pub tag: SmolStr,
    /// Where the text between the delimiters starts and ends.
    pub at: At,
}

/// A string literal, quotes removed and `''` undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrLit {
    /// The value.
    pub value: SmolStr,
    /// Where, with the quotes.
    pub at: At,
}

/// A `key value` setting whose value is a word, number or string: `fillfactor = 70`, `increment 5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The name, lowercase words joined by a space.
    pub name: Name,
    /// The value as text (strings without quotes).
    pub value: SmolStr,
    /// Whether the value was written as a string.
    pub quoted: bool,
    /// The whole setting.
    pub at: At,
}

/// `text`, `varchar(120)`, `numeric(12, 2)?`, `text[]`, `vector(1536)`, `billing.money?`, `timestamp with time zone`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeRef {
    /// The name; words of a built-in type of several words are joined by one space, lowercase.
    pub name: QName,
    /// Numbers in parentheses.
    pub args: Vec<i64>,
    /// How many `[]` follow.
    pub dims: u8,
    /// Ends in `?`.
    pub nullable: bool,
    /// The whole type.
    pub at: At,
}

/// A file id that is equal to every other.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileIdEq(pub FileId);

impl PartialEq for FileIdEq {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for FileIdEq {}

/// A comment with its delimiters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// `// why` or `/* why */`, without the line end.
    pub text: SmolStr,
    /// Where.
    pub at: At,
}

/// `///` lines before an item or member, joined by line ends, each without `///` and one space.
pub type Doc = Option<SmolStr>;
