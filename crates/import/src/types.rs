//! Types as other tools write them: as SQL does, mostly.

use specc_split::{Lexer, Token};
use specc_sql::{WrittenType, read_type};

/// The name of a type without the brackets of its lists, and how many there are.
pub fn element(text: &str) -> (&str, u8) {
    let name = text.trim_end_matches("[]");
    (name, ((text.len() - name.len()) / 2).min(6) as u8)
}

/// Reads a type. None where it is none, or more than one.
pub fn read(text: &str) -> Option<WrittenType> {
    let tokens: Vec<Token> = Lexer::new(text).collect::<Result<_, _>>().ok()?;
    let (written, count) = read_type(text, &tokens)?;
    (count == tokens.len()).then_some(written)
}
