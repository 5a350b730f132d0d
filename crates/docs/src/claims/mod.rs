//! What the pages say of a database, as data.
//!
//! A sentence that can be tried on a database is a [`Claim`] first, and [`Claim::words`] is the only place that words it. Tests
//! take the same claims and try each, as the role that it speaks of (`tests/tests/sentences`).

mod access;
mod rows;

pub use access::{action, of_function, of_relation};
pub use rows::{deletes, is_soft, of_entity, of_view, workflow_words};

use crate::book::{Book, view_name};
use crate::text;
use smol_str::SmolStr;
use specc_catalog::{DataType, TableName};
use specc_types::Verb;

/// A sentence of the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// As whom it is to be tried.
    pub role: SmolStr,
    /// The table or view; the schema and name of a function.
    pub on: TableName,
    /// What is said of it.
    pub says: Says,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// The role has the right, with these columns.
    May {
        /// What it does.
        verb: Verb,
        /// With what; for a delete, nothing.
        columns: Vec<SmolStr>,
        /// Whether the sentence lists them; else they are all, or all but those that another sentence lists.
        listed: bool,
        /// With which rows.
        rows: Rows,
    },
    /// It is refused with `42501` before any row is looked at; without columns, whatever the columns are.
    MayNot {
        /// What it does.
        verb: Verb,
        /// With what.
        columns: Vec<SmolStr>,
    },
    /// `truncate` is refused with `42501`.
    NoTruncate,
    /// Whether the role may call the function with these types.
    Calls {
        /// The types of its arguments.
        signature: SmolStr,
        /// Whether it may.
        may: bool,
    },
    /// A row without a value for the column is refused with `23502`, when nothing else refuses it before.
    Required {
        /// Which.
        column: SmolStr,
    },
    /// A change of the column is refused: with `23514`, unless another trigger may refuse it before.
    Immutable {
        /// Which.
        column: SmolStr,
        /// Whether it is `23514`.
        is_first: bool,
    },
    /// A value that triggers count is refused with `23514` when it is set by hand.
    Counted {
        /// Which.
        column: SmolStr,
    },
    /// A new row in another state than these is refused with `23514`.
    Starts {
        /// The column of the state.
        column: SmolStr,
        /// The first states.
        first: Vec<SmolStr>,
        /// The others.
        others: Vec<SmolStr>,
    },
    /// No step leads on from the state: a change is refused with `23514`.
    Ends {
        /// The column of the state.
        column: SmolStr,
        /// The last state.
        state: SmolStr,
        /// All other states.
        others: Vec<SmolStr>,
    },
    /// What becomes of a row here when the row of `target` that it refers to is deleted for good.
    Goes {
        /// The foreign key.
        constraint: SmolStr,
        /// Its columns.
        columns: Vec<SmolStr>,
        /// What they refer to.
        target: TableName,
        /// In the order of the columns.
        target_columns: Vec<SmolStr>,
        /// What happens.
        then: Then,
    },
    /// A delete marks the row, says that it touched no row, and leaves all rows that refer to it as they are.
    DeleteHides,
    /// The role sees no row that is marked as deleted.
    HidesDeleted,
    /// A column of a view.
    Shows {
        /// Which.
        column: SmolStr,
        /// Its type, where it is known.
        ty: Option<DataType>,
        /// Whether it may be null.
        nullable: bool,
    },
    /// An index that serves what its name's row in the page says.
    Indexed {
        /// Its name.
        name: SmolStr,
        /// Its columns, where it has no expressions.
        columns: Vec<SmolStr>,
    },
}

/// The rows that a right reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// All of them.
    Every,
    /// Those that a rule lets through.
    ByRule,
    /// Those that the query of a view gives to who asks.
    OfView,
    /// None: there is a grant, and no rule.
    None,
}

/// What a foreign key does when the row that it refers to goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// `23503` when the statement, or the transaction where the key is deferred, ends and rows still refer to it.
    RefusedAtEnd {
        /// At the end of the transaction.
        deferred: bool,
    },
    /// `23503`, from Postgres 18 on `23001`, at once.
    RefusedAtOnce,
    /// The referring row goes too.
    Cascades,
    /// These columns of it become null.
    BecomesNull(Vec<SmolStr>),
    /// These columns of it get their defaults.
    BecomesDefault(Vec<SmolStr>),
}

impl Then {
    /// In words: what becomes of the delete or of the referring row.
    pub fn words(&self) -> String {
        let fixed = match self {
            Then::RefusedAtEnd { deferred: false } => {
                "refused with `23503` if a row still refers to it when the statement ends"
            }
            Then::RefusedAtEnd { deferred: true } => {
                "refused with `23503` if a row still refers to it when the transaction ends"
            }
            Then::RefusedAtOnce => {
                "refused at once with `23503` (from Postgres 18 on `23001`), also if the same statement would take the \
                 referring rows away"
            }
            Then::Cascades => "the referring rows go too, for good",
            Then::BecomesNull(columns) => return format!("{} becomes null", listed(columns, "and")),
            Then::BecomesDefault(columns) => return format!("{} gets its default", listed(columns, "and")),
        };
        fixed.to_owned()
    }
}

fn listed(columns: &[SmolStr], word: &str) -> String {
    let all: Vec<String> = columns.iter().map(|column| text::code(column)).collect();
    text::join(&all, word)
}

/// `reads`, for whom the sentence is about.
pub fn does(verb: Verb) -> &'static str {
    match verb {
        Verb::Read => "reads",
        Verb::Insert => "adds",
        Verb::Update => "changes",
        Verb::Delete => "deletes",
    }
}

impl Claim {
    /// The sentence, without the name of the table and without a final period.
    pub fn words(&self) -> String {
        match &self.says {
            Says::May { verb, columns, listed: lists, rows } => {
                let rows = match (rows, verb) {
                    (Rows::Every, Verb::Insert) => "any row",
                    (Rows::Every, _) => "every row",
                    (Rows::ByRule, _) => "rows that a rule lets through",
                    (Rows::OfView, _) => "the rows that the query gives",
                    (Rows::None, _) => "no row: it has the right, but no rule lets a row through",
                };
                let only = match (*lists, verb) {
                    (false, _) => String::new(),
                    (_, Verb::Read) => format!(", of them {}", listed(columns, "and")),
                    _ => format!(", in them {}", listed(columns, "and")),
                };
                format!("**{}** {rows}{only}", does(*verb))
            }
            Says::MayNot { verb, columns } if columns.is_empty() => {
                format!("never {} a row: `42501`", does(*verb))
            }
            Says::MayNot { verb, columns } => {
                let verb = if *verb == Verb::Insert { "sets" } else { does(*verb) };
                let when = if verb == "sets" { " in a new row" } else { "" };
                format!("never {verb} {}{when}: `42501`", listed(columns, "or"))
            }
            Says::NoTruncate => "cannot `truncate` the table: `42501`".to_owned(),
            Says::Calls { signature, may } => {
                let what = text::code(&format!("{}({signature})", self.on.name));
                if *may { format!("calls {what}") } else { format!("may not call {what}: `42501`") }
            }
            Says::Required { column } => {
                format!("A row without {} is refused with `23502`", text::code(column))
            }
            Says::Immutable { column, is_first } => {
                let code = if *is_first { ": `23514`" } else { ": a change is refused" };
                format!("{} does not change once the row is there{code}", text::code(column))
            }
            Says::Counted { column } => {
                format!("{} is kept by triggers: setting it by hand is refused with `23514`", text::code(column))
            }
            Says::Starts { first, .. } => {
                format!("A new row starts as {}: any other start is refused with `23514`", listed(first, "or"))
            }
            Says::Ends { column, state, .. } => {
                format!("{} is final: {} does not change any more (`23514`)", text::code(state), text::code(column))
            }
            Says::Goes { columns, target, then, .. } => format!(
                "When the row of {} that {} refers to is deleted: {}",
                text::code(&target.name),
                listed(columns, "and"),
                then.words()
            ),
            Says::DeleteHides => {
                "A delete does not take the row away. It sets `deleted_at` and `deleted_by`, and the client \
                 is told that 0 rows were deleted. Rows that refer to it stay as they are and go on referring to it"
                    .to_owned()
            }
            Says::HidesDeleted => format!("{} sees no row that is marked as deleted", text::code(&self.role)),
            Says::Shows { column, ty, nullable } => {
                let ty = ty.as_ref().map(|ty| format!(" {}", text::code(&ty.to_string()))).unwrap_or_default();
                let null = if *nullable { "may be null" } else { "never null" };
                format!("{}{ty}, {null}", text::code(column))
            }
            Says::Indexed { name, columns } => format!("{} over {}", text::code(name), listed(columns, "and")),
        }
    }
}

/// Every claim of the pages.
pub(crate) fn all(book: &Book<'_>) -> Vec<Claim> {
    let mut out = Vec::new();
    for role in book.roles_of_pages() {
        for &id in &book.own {
            out.extend(of_relation(book, role, &book.table(id)));
        }
        for view in book.own_views() {
            out.extend(of_relation(book, role, &view_name(view)));
        }
        for function in book.own_functions() {
            out.extend(of_function(book, role, function));
        }
    }
    for &id in &book.own {
        out.extend(of_entity(book, book.model.entity(id)));
    }
    for view in book.own_views() {
        out.extend(of_view(book, view));
    }
    out
}
