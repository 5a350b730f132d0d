//! A file of `pg_dump`: SQL with commands of psql and rows between its statements.

use crate::lexer::{Lexer, Token, TokenKind};
use std::collections::BTreeSet;

/// What the server can read of a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dump {
    /// The statements that make objects.
    pub text: String,
    /// How many tables had rows in it.
    pub copies: usize,
    /// The statements that say whose something is, and the role.
    pub owners: Vec<(String, String)>,
    /// The version of the server that it is of, where it says so.
    pub major: Option<u32>,
    /// The schemas that it makes.
    pub schemas: Vec<String>,
    /// The roles that it makes.
    pub roles: Vec<String>,
    /// What its statements name, outside of strings and bodies: the schema, where there is one, and the name.
    pub names: BTreeSet<(Option<String>, String)>,
}

/// Takes out what the server does not read (`\restrict`), the rows of tables, and who owns what: the roles may not be there,
/// and who reads it has to be a member of them.
pub fn dump(text: &str) -> Dump {
    const SAYS: &str = "-- Dumped from database version ";
    let version = text.lines().take(100).find_map(|line| line.strip_prefix(SAYS));
    let major = version.and_then(|version| version.split(['.', ' ', 'b', 'r', 'd']).next()?.parse().ok());
    let mut dump = Dump { major, ..Dump::default() };
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
                        self.owners.push((rest[first..token.end].to_owned(), role));
                        self.text.push_str(&rest[..first]);
                    } else if pair(0, "create", "schema") && self.schema(rest, &tokens) {
                        self.text.push_str(&rest[..first]);
                    } else {
                        if pair(0, "create", "role") || pair(0, "create", "user") && !is(2, "mapping") {
                            self.roles.extend(tokens.get(2).and_then(|token| token.name(rest)));
                        }
                        self.name(rest, &tokens);
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

    /// A schema that it makes; whether every database has that.
    fn schema(&mut self, text: &str, tokens: &[Token]) -> bool {
        let name =
            tokens.iter().skip(2).filter(|token| !["if", "not", "exists"].iter().any(|word| token.is(text, word)));
        let name: Vec<String> = name.filter_map(|token| token.name(text)).collect();
        self.schemas.extend(name.first().cloned());
        name == ["public"]
    }

    fn name(&mut self, text: &str, tokens: &[Token]) {
        let dot = |at: usize| tokens.get(at).is_some_and(|token| token.kind == TokenKind::Symbol(b'.'));
        for (at, token) in tokens.iter().enumerate().filter(|(at, _)| !dot(at + 1)) {
            let schema = at.checked_sub(2).filter(|_| dot(at - 1)).and_then(|before| tokens[before].name(text));
            self.names.extend(token.name(text).map(|name| (schema, name)));
        }
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
    fn it_says_what_it_is_of() {
        let dump = dump(
            "-- Dumped from database version 15.4 (Debian 15.4-1)\n\ncreate schema public;\nCREATE SCHEMA IF NOT EXISTS \"a b\";\n\
                         create policy p on t to \"Who\" using (auth.uid() = owner); select 'auth.users'; create role \"R r\" login;",
        );
        assert_eq!((dump.major, &dump.schemas[..]), (Some(15), &["public".to_owned(), "a b".to_owned()][..]));
        assert_eq!(dump.roles, ["R r"]);
        assert!(dump.text.contains("a b") && !dump.text.contains("public"));
        assert!(
            dump.names.contains(&(Some("auth".into()), "uid".into())) && dump.names.contains(&(None, "Who".into()))
        );
        assert!(!dump.names.iter().any(|(_, name)| name == "users"));
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
