//! What blocks of SQL open or close: policies, grants, row level security, owners.

use super::project::Project;
use crate::types::{Object, Opens, Qualified};
use specc_split::{Lexer, Token, TokenKind};

/// A statement, read word by word.
struct Statement<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

/// Words of statements that open or close something, where it is not read to what.
const GIVING: [&str; 6] = ["grant", "revoke", "policy", "definer", "owner", "security"];

/// What the statements of a block do.
pub(super) fn of(project: &Project<'_>, text: &str) -> Opens {
    let mut opens = Opens::default();
    // One that cannot be split is reported.
    for piece in specc_split::split(text).unwrap_or_default() {
        let tokens = Lexer::new(piece.text).map_while(Result::ok).collect();
        Statement { text: piece.text, tokens }.look(project, &mut opens);
    }
    opens.entities.sort();
    opens.entities.dedup();
    opens
}

impl Statement<'_> {
    fn is(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(self.text, word))
    }

    fn has(&self, words: &[&str]) -> bool {
        (0..self.tokens.len()).any(|at| words.iter().enumerate().all(|(n, word)| self.is(at + n, word)))
    }

    fn find(&self, word: &str) -> Option<usize> {
        (0..self.tokens.len()).find(|at| self.is(*at, word))
    }

    /// The table that is named there, and what follows.
    fn named(&self, project: &Project<'_>, mut at: usize, opens: &mut Opens) -> usize {
        for word in ["if", "exists", "only"] {
            at += usize::from(self.is(at, word));
        }
        let mut names = Vec::new();
        while let Some(name) = self.tokens.get(at).and_then(|token| token.name(self.text)) {
            names.push(name);
            at += 1;
            if self.tokens.get(at).is_none_or(|token| token.kind != TokenKind::Symbol(b'.')) {
                break;
            }
            at += 1;
        }
        let name = match names.as_slice() {
            [name] => Qualified { schema: project.options.default_schema.clone(), name: name.into() },
            [.., schema, name] => Qualified { schema: schema.into(), name: name.into() },
            [] => return at,
        };
        if let Some(Object::Entity(id)) = project.relations.get(&name) {
            opens.entities.push(*id);
        }
        at
    }

    fn look(&self, project: &Project<'_>, opens: &mut Opens) {
        let made = self.is(0, "create") || self.is(0, "alter");
        if (made || self.is(0, "drop")) && self.is(1, "policy") {
            if let Some(on) = self.find("on") {
                self.named(project, on + 1, opens);
            }
        } else if self.is(0, "alter") && self.is(1, "table") {
            if self.has(&["row", "level", "security"]) || self.has(&["owner", "to"]) {
                self.named(project, 2, opens);
            }
        } else if self.is(0, "grant") || self.is(0, "revoke") {
            self.granted(project, opens);
        } else if made {
            let routine = self.has(&["security", "definer"]);
            let view = self.find("view").filter(|at| *at <= 4).is_some() && self.find("security_invoker").is_none();
            opens.ways |= routine || view;
        } else if self.is(0, "do") {
            // What it puts together when it runs may be of any table.
            opens.any |= self
                .tokens
                .iter()
                .any(|token| token.kind == TokenKind::Text && gives(&self.text[token.start..token.end]));
        } else {
            opens.any |= self.is(0, "reassign");
        }
    }

    fn granted(&self, project: &Project<'_>, opens: &mut Opens) {
        let Some(on) = self.find("on") else { return };
        let mut at = on + 1;
        if self.is(at, "all") {
            opens.any |= self.is(at + 1, "tables");
            return;
        }
        at += usize::from(self.is(at, "table"));
        // What is no table has its kind before its name: `on schema public to …`.
        let next = at + 1;
        let ends = self.is(next, "to") || self.is(next, "from");
        if !ends && self.tokens.get(next).is_some_and(|token| token.name(self.text).is_some()) {
            return;
        }
        loop {
            at = self.named(project, at, opens);
            if self.tokens.get(at).is_none_or(|token| token.kind != TokenKind::Symbol(b',')) {
                return;
            }
            at += 1;
        }
    }
}

/// Whether a string has such a word in it, or in a string in it.
fn gives(string: &str) -> bool {
    let tag = string.find(|c: char| c != '$' && !c.is_alphanumeric() && c != '_').unwrap_or(0);
    let inner = match string.strip_prefix('$').and_then(|rest| rest.find('$')) {
        Some(end) if string.len() >= 2 * (end + 2) => &string[end + 2..string.len() - end - 2],
        _ => {
            string.get(tag..).and_then(|rest| rest.split_once('\'')).map_or("", |(_, rest)| rest.trim_end_matches('\''))
        }
    };
    Lexer::new(inner).map_while(Result::ok).any(|token| {
        let of = &inner[token.start..token.end];
        GIVING.iter().any(|word| token.is(inner, word))
            || token.kind == TokenKind::Text && of.len() < string.len() && gives(of)
    })
}
