//! A file of SQL into its statements, without a parser: where each ends, its tokens, and what it is to who runs it.

mod dump;
mod kind;
mod lexer;
mod split;

pub use dump::{Dump, dump, gives_to};
pub use kind::{Kind, classify};
pub use lexer::{Lexer, Open, Token, TokenKind};
pub use split::{Piece, SplitError, split};

/// In the first comments of a file: its statements run one by one, in no transaction.
pub const NO_TRANSACTION: &str = "no-transaction";

/// What the comments before the first statement ask for: `-- specc: …`.
pub fn directives(text: &str) -> Vec<String> {
    text.trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .take_while(|line| line.is_empty() || line.starts_with("--"))
        .filter_map(|line| line.trim_start_matches('-').trim_start().strip_prefix("specc:"))
        .map(|rest| rest.trim().to_owned())
        .collect()
}
