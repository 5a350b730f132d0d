//! Types as SQL writes them, read from its tokens.

use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_split::{Token, TokenKind};

/// A type, with what of its text has no place in a [`DataType`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenType {
    /// The type, as the catalog names it.
    pub ty: DataType,
    /// `(Point, 4326)`
    pub lost: Option<String>,
}

/// Postgres ends at six dimensions.
const MOST_DIMS: u8 = 6;

/// Reads the type that the tokens of `text` begin with, such as `character varying(20)`, `timestamp (6) with time zone`,
/// `shop.kind[]`, and how many of them it is. None where they begin with none.
pub fn read_type(text: &str, tokens: &[Token]) -> Option<(WrittenType, usize)> {
    let mut reader = Reader { text, tokens, at: 0 };
    let written = reader.read()?;
    Some((written, reader.at))
}

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn read(&mut self) -> Option<WrittenType> {
        let first = self.tokens.first()?;
        let mut quoted = first.kind == TokenKind::Quoted;
        let (mut schema, mut name) = (String::new(), self.name()?);
        if self.symbol(b'.') {
            quoted = self.tokens.get(self.at)?.kind == TokenKind::Quoted;
            schema = std::mem::replace(&mut name, self.name()?);
        }
        if schema == "pg_catalog" {
            schema.clear();
        }
        // Key words in more than one part are no name of a schema's.
        let words = schema.is_empty() && !quoted;
        if words {
            name = self.words(name);
        }
        let (mut args, mut lost) = self.brackets()?;
        if words && matches!(name.as_str(), "timestamp" | "time") {
            if self.takes(&["with", "time", "zone"]) {
                name.push_str("tz");
            } else {
                self.takes(&["without", "time", "zone"]);
            }
        }
        if words && name == "interval" {
            while let Some(token) = self.tokens.get(self.at)
                && (token.is(self.text, "to")
                    || specc_facts::INTERVAL_FIELDS.iter().any(|field| token.is(self.text, field)))
            {
                name.push(' ');
                name.push_str(&self.name()?);
            }
            // `interval second (3)`
            if args.is_empty() && lost.is_none() {
                (args, lost) = self.brackets()?;
            }
        }
        if words && name == "float" && !args.is_empty() {
            name = if args.iter().all(|&digits| digits <= 24) { "real" } else { "double precision" }.into();
            args.clear();
        }
        // `array [4]` has one.
        let array = self.takes(&["array"]);
        let mut dims = 0_u8;
        while self.symbol(b'[') {
            dims = (dims + 1).min(MOST_DIMS);
            while !self.symbol(b']') {
                self.tokens.get(self.at)?;
                self.at += 1;
            }
        }
        dims = dims.max(u8::from(array));
        // `pg_catalog.int8` is the same as `int8`.
        if schema.is_empty()
            && !quoted
            && let Some(known) = specc_facts::canonical_type(&name)
        {
            // A `char` without a length has no name of its own.
            name = if known == "bpchar" { "char" } else { known }.to_owned();
        } else if quoted && schema.is_empty() && name == "char" {
            name = "\"char\"".to_owned();
        }
        (!name.is_empty()).then(|| WrittenType {
            ty: DataType { schema: schema.into(), name: SmolStr::from(name), args, dims },
            lost,
        })
    }

    /// The parts of a name of several words.
    fn words(&mut self, first: String) -> String {
        match first.as_str() {
            "double" if self.takes(&["precision"]) => "double precision".into(),
            "national" => {
                self.at += 1;
                if self.takes(&["varying"]) { "varchar" } else { "char" }.into()
            }
            "character" | "char" | "nchar" | "bit" if self.takes(&["varying"]) => {
                if first == "bit" { "varbit" } else { "varchar" }.into()
            }
            "nchar" => "char".into(),
            _ => first,
        }
    }

    fn name(&mut self) -> Option<String> {
        let name = self.tokens.get(self.at)?.name(self.text)?;
        self.at += 1;
        Some(name)
    }

    fn symbol(&mut self, symbol: u8) -> bool {
        let here = self.tokens.get(self.at).is_some_and(|token| token.kind == TokenKind::Symbol(symbol));
        self.at += usize::from(here);
        here
    }

    fn takes(&mut self, words: &[&str]) -> bool {
        let here = words
            .iter()
            .enumerate()
            .all(|(n, word)| self.tokens.get(self.at + n).is_some_and(|token| token.is(self.text, word)));
        self.at += if here { words.len() } else { 0 };
        here
    }

    /// What stands in brackets: numbers, or something else.
    fn brackets(&mut self) -> Option<(Vec<i64>, Option<String>)> {
        let open = self.at;
        if !self.symbol(b'(') {
            return Some((Vec::new(), None));
        }
        while !self.symbol(b')') {
            self.tokens.get(self.at)?;
            self.at += 1;
        }
        let inside = self.text.get(self.tokens.get(open)?.end..self.tokens.get(self.at - 1)?.start)?;
        let numbers: Option<Vec<i64>> = inside.split(',').map(|part| part.trim().parse().ok()).collect();
        Some(match numbers {
            Some(numbers) => (numbers, None),
            None => (Vec::new(), Some(format!("({inside})"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use specc_split::Lexer;

    fn read(text: &str) -> (String, String, Vec<i64>, u8, Option<String>, usize) {
        let tokens: Vec<Token> = Lexer::new(text).map_while(Result::ok).collect();
        let (written, count) = read_type(text, &tokens).expect("a type");
        let DataType { schema, name, args, dims } = written.ty;
        (schema.to_string(), name.to_string(), args, dims, written.lost, tokens.len() - count)
    }

    #[test]
    fn types_are_read_to_their_end() {
        let plain = |name: &str, args: &[i64], dims: u8, left: usize| {
            (String::new(), name.to_owned(), args.to_vec(), dims, None, left)
        };
        for (text, wanted) in [
            ("int4 not null", plain("int", &[], 0, 2)),
            ("character varying (20)[]", plain("varchar", &[20], 1, 0)),
            ("national character(3)", plain("char", &[3], 0, 0)),
            ("national character varying(3)", plain("varchar", &[3], 0, 0)),
            ("bit varying(5)", plain("varbit", &[5], 0, 0)),
            ("double precision default 1", plain("double precision", &[], 0, 2)),
            ("timestamp (3) with time zone", plain("timestamptz", &[3], 0, 0)),
            ("time without time zone check", plain("time", &[], 0, 1)),
            ("interval day to second (3) not", plain("interval day to second", &[3], 0, 1)),
            ("interval(2)", plain("interval", &[2], 0, 0)),
            ("float(24)", plain("real", &[], 0, 0)),
            ("float(25)", plain("double precision", &[], 0, 0)),
            ("pg_catalog.int8", plain("bigint", &[], 0, 0)),
            ("int[3][]", plain("int", &[], 2, 0)),
            ("text array[4] x", plain("text", &[], 1, 1)),
            ("\"char\"", plain("\"char\"", &[], 0, 0)),
            ("numeric(10, -2)", plain("numeric", &[10, -2], 0, 0)),
        ] {
            assert_eq!(read(text), wanted, "{text}");
        }
        assert_eq!(
            read("public.geometry(Point, 4326) not null"),
            ("public".into(), "geometry".into(), vec![], 0, Some("(Point, 4326)".into()), 2)
        );
        assert_eq!(read("\"Shop\".\"Kind\"[]"), ("Shop".into(), "Kind".into(), vec![], 1, None, 0));
    }

    #[test]
    fn what_is_no_type_is_none() {
        for text in ["", "'text'", "(4)", "shop.", "int(", "int[", "int[3"] {
            let tokens: Vec<Token> = Lexer::new(text).map_while(Result::ok).collect();
            assert_eq!(read_type(text, &tokens), None, "{text}");
        }
    }
}
