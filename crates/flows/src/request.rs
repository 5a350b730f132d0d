//! What front-end code asks for, as far as the code says it.

use smol_str::SmolStr;
use specc_diag::Span;

/// A text that the code says, and where it says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub text: SmolStr,
    /// The expression whose value it is.
    pub span: Span,
    /// Where its first byte is written, where all of it is written in a row.
    pub at: Option<u32>,
}

impl Piece {
    /// Where a part of it is written.
    pub(crate) fn part(&self, start: usize, end: usize) -> Span {
        match self.at {
            Some(at) => Span { file: self.span.file, start: at + start as u32, end: at + end as u32 },
            None => self.span,
        }
    }
}

/// As whom it is asked, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    pub roles: Vec<SmolStr>,
    /// The schema that the client was made for.
    pub schema: Option<Piece>,
}

/// What is done with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    Select,
    Insert,
    Update,
    Upsert,
    Delete,
}

impl Action {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Action::Select => "read",
            Action::Insert => "insert",
            Action::Update => "update",
            Action::Upsert => "upsert",
            Action::Delete => "delete",
        }
    }
}

/// Of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Table(Piece),
    /// A function, with the names of its arguments; none where the code does not say them.
    Function(Piece, Option<Vec<Piece>>),
}

/// A column that decides which rows there are, or their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    pub column: Piece,
    /// The embedded relation whose column it is.
    pub of: Option<Piece>,
    /// For an order: a column of a relation may be written as `relation(column)`.
    pub orders: bool,
}

/// One request to the API of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub client: Client,
    pub schema: Option<Piece>,
    pub target: Target,
    pub action: Action,
    /// What comes back; none where nothing does.
    pub select: Option<Piece>,
    /// Whether everything comes back that there is, since nothing else is said.
    pub whole: bool,
    pub filters: Vec<Filter>,
    /// Expressions of `or`.
    pub logic: Vec<(Piece, Option<Piece>)>,
    pub writes: Vec<Piece>,
    pub on_conflict: Option<Piece>,
    /// Rows that are there already stay as they are.
    pub ignores: bool,
}

/// What is done with the files of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Files {
    pub client: Client,
    pub bucket: Piece,
    pub method: SmolStr,
    pub span: Span,
    /// `upsert: true`
    pub upsert: bool,
}

/// Changes of rows that are listened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listening {
    pub client: Client,
    pub schema: Option<Piece>,
    pub table: Option<Piece>,
    pub filter: Option<Piece>,
    pub span: Span,
}

/// All that was found in the code.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub requests: Vec<Request>,
    pub files: Vec<Files>,
    pub listening: Vec<Listening>,
    /// What the code does not say, with what is not looked into.
    pub open: Vec<(Span, String)>,
}

impl Request {
    pub(crate) fn name(&self) -> &Piece {
        match &self.target {
            Target::Table(name) | Target::Function(name, _) => name,
        }
    }
}
