//! Types as other tools write them: as SQL does, mostly.

use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_split::{Lexer, Token, TokenKind};

/// A type, with what of its text has no place in a [`DataType`].
pub struct Written {
    pub ty: DataType,
    /// `(Point, 4326)`
    pub lost: Option<String>,
}

/// The name of a type without the brackets of its lists, and how many there are.
pub fn element(text: &str) -> (&str, u8) {
    let name = text.trim_end_matches("[]");
    (name, ((text.len() - name.len()) / 2).min(6) as u8)
}

/// Reads a type such as `character varying(20)`, `timestamp (6) with time zone`, `shop.kind[]`. None where it is none.
pub fn read(text: &str) -> Option<Written> {
    let tokens: Vec<Token> = Lexer::new(text).collect::<Result<_, _>>().ok()?;
    let mut words = Vec::new();
    let mut schema = SmolStr::default();
    let (mut args, mut lost) = (Vec::new(), None);
    let mut dims = 0;
    let mut at = 0;
    let mut quoted = false;
    while let Some(token) = tokens.get(at) {
        match token.kind {
            TokenKind::Word | TokenKind::Quoted => {
                quoted |= token.kind == TokenKind::Quoted;
                words.push(token.name(text)?);
            }
            TokenKind::Symbol(b'.') if words.len() == 1 => schema = words.pop()?.into(),
            TokenKind::Symbol(b'(') => {
                let end = (at..tokens.len()).find(|&end| tokens[end].kind == TokenKind::Symbol(b')'))?;
                let inside = &text[token.end..tokens[end].start];
                let numbers: Option<Vec<i64>> = inside.split(',').map(|part| part.trim().parse().ok()).collect();
                match numbers {
                    Some(numbers) => args = numbers,
                    None => lost = Some(format!("({inside})")),
                }
                at = end;
            }
            TokenKind::Symbol(b'[') => dims += 1,
            TokenKind::Symbol(b']') => {}
            _ => return None,
        }
        at += 1;
    }
    let mut name = words.join(" ");
    if schema == "pg_catalog" {
        schema = SmolStr::default();
    }
    if schema.is_empty() && !(quoted && words.len() == 1) {
        let zoned = name.strip_suffix(" with time zone").map(|name| format!("{name}tz"));
        let zoned = zoned.or_else(|| name.strip_suffix(" without time zone").map(str::to_owned));
        name = zoned.unwrap_or(name).to_lowercase();
        if let Some(known) = specc_facts::canonical_type(&name) {
            name = if known == "bpchar" { "char" } else { known }.to_owned();
        }
    }
    (!name.is_empty()).then(|| Written { ty: DataType { schema, name: name.into(), args, dims }, lost })
}
