//! A file of `pg_dump`: SQL with commands of psql and rows between its statements.

use crate::lexer::{Lexer, Token, TokenKind};

/// What the server can read of a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dump {
    /// The statements that make objects.
    pub text: String,
    /// How many tables had rows in it.
    pub copies: usize,
    /// The statements that say whose something is, and the role.
    pub owners: Vec<(String, String)>,
}

/// Takes out what the server does not read (`\restrict`), the rows of tables, and who owns what: the roles may not be there,
/// and who reads it has to be a member of them.
pub fn dump(text: &str) -> Dump {
    let mut dump = Dump::default();
    let mut at = 0;
    while at < text.len() {
        at += dump.statement(&text[at..]);
    }
    dump
}

impl Dump {
    /// Takes over the statement at the start, or leaves it out; gives its length with what is before it.
    fn statement(&mut self, rest: &str) -> usize {
        let mut tokens: Vec<Token> = Vec::new();
        for token in Lexer::new(rest).map_while(Result::ok) {
            let first = tokens.first().map_or(token.start, |first| first.start);
            match token.kind {
                TokenKind::Symbol(b'\\') if tokens.is_empty() => {
                    self.text.push_str(&rest[..first]);
                    return rest[first..].find('\n').map_or(rest.len(), |end| first + end);
                }
                TokenKind::Symbol(b';') => {
                    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(rest, word));
                    let pair = |at: usize, one: &str, two: &str| is(at, one) && is(at + 1, two);
                    if is(0, "copy") && (1..tokens.len()).any(|at| pair(at, "from", "stdin")) {
                        self.copies += 1;
                        self.text.push_str(&rest[..first]);
                        return rows(rest, token.end);
                    }
                    if let Some(role) = gives_to(rest, &tokens) {
                        let start = tokens.first().map_or(0, |token| token.start);
                        self.owners.push((rest[start..token.end].to_owned(), role));
                        self.text.push_str(&rest[..first]);
                    } else {
                        self.text.push_str(&rest[..token.end]);
                    }
                    return token.end;
                }
                _ => tokens.push(token),
            }
        }
        self.text.push_str(rest);
        rest.len()
    }
}

/// The role of `alter … owner to role`.
pub fn gives_to(text: &str, tokens: &[Token]) -> Option<String> {
    let [first, .., owner, to, role] = tokens else { return None };
    let is = |token: &Token, word| token.is(text, word);
    (is(first, "alter") && is(owner, "owner") && is(to, "to")).then(|| role.name(text)).flatten()
}

/// Where the rows end that begin on the line after `at`.
fn rows(text: &str, at: usize) -> usize {
    let mut end = text[at..].find('\n').map_or(text.len(), |line| at + line + 1);
    for line in text[end..].split_inclusive('\n') {
        end += line.len();
        if line.trim_end() == "\\." {
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_psql_reads_is_taken_out() {
        let text = "\\restrict x'y\nset a = '\\b;';\ncreate table t (a text);\n-- owner\nalter table only t owner to me;\n\
                    COPY t (a) FROM stdin;\nit's\n;\\\\.\n\\.\ncreate view v as select 1;\n\\unrestrict x\n";
        let dump = dump(text);
        assert_eq!(dump.copies, 1);
        assert_eq!(dump.owners, [("alter table only t owner to me;".into(), "me".into())]);
        let statements = crate::split(&dump.text).unwrap();
        let texts: Vec<_> = statements.iter().map(|piece| piece.text).collect();
        assert_eq!(texts, ["set a = '\\b;'", "create table t (a text)", "create view v as select 1"]);
    }

    #[test]
    fn what_has_no_end_stays_as_it_is() {
        for text in ["", "\\", "copy t from stdin;", "select 'a", "copy t from stdin;\n1\n", "alter owner to;"] {
            let all = dump(text);
            assert!(all.text.len() <= text.len());
        }
        assert_eq!(dump("select 'a; b").text, "select 'a; b");
        assert_eq!(dump("alter function f() owner to \"a b\"; select 1").text, " select 1");
    }
}
