//! What a helper is called and what is said of it: both are made of its body alone, so that neither changes when another
//! rule asks for the same, or when the spec grows.

use smol_str::SmolStr;
use specc_split::{Lexer, Token, TokenKind};

/// The longest name, with space for a hash.
const LONGEST: usize = 63;

/// A name of the words of a body: its table, its columns and its values. What a name cannot hold (operators, brackets,
/// other characters) goes into a hash at its end, without the names, which the words have already.
pub(super) fn name(body: &str, default_schema: &str) -> SmolStr {
    let tokens: Vec<Token> = Lexer::new(body).map_while(Result::ok).collect();
    let (mut keys, mut words): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let (mut rest, mut plain, mut in_keys) = (String::new(), true, true);
    for (at, token) in tokens.iter().enumerate() {
        let text = &body[token.start..token.end];
        let next = tokens.get(at + 1).map(|t| t.kind);
        let is_alias = at > 0 && tokens[at - 1].is(body, "as");
        match token.kind {
            TokenKind::Word | TokenKind::Quoted if next == Some(TokenKind::Symbol(b'.')) => {
                let is_schema = at > 0 && ["from", "join"].iter().any(|word| tokens[at - 1].is(body, word));
                if is_schema && text != default_schema {
                    words.push(text.trim_matches('"').to_lowercase());
                }
            }
            _ if is_alias => {}
            TokenKind::Word if text.eq_ignore_ascii_case("from") => in_keys = false,
            TokenKind::Word if SILENT.contains(&text) => {}
            // A set of keys has none of them twice, however it is made.
            TokenKind::Word if text == "all" && tokens[at.saturating_sub(1)].is(body, "union") => {}
            TokenKind::Word if text.starts_with('$') || body[..token.start].ends_with('$') => {}
            TokenKind::Word => {
                if LOUD.contains(&text) {
                    rest.push_str(text);
                    plain &= text != "or";
                }
                if in_keys { &mut keys } else { &mut words }.push(text.to_lowercase());
            }
            TokenKind::Quoted | TokenKind::Text => {
                let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
                let parts: Vec<String> = parts.map(str::to_lowercase).collect();
                let same = parts.join("_") == text[1..text.len() - 1];
                plain &= same;
                if !same {
                    rest.push_str(text);
                }
                if in_keys { &mut keys } else { &mut words }.extend(parts);
            }
            TokenKind::Symbol(symbol) => {
                plain &= matches!(symbol, b'.' | b'=' | b'(' | b')' | b',' | b'$');
                rest.push(char::from(symbol));
            }
        }
    }
    // `tenant_id` of `members` reads best as `members_tenant_id`
    let after = words.len().min(1);
    words.splice(after..after, keys);
    let whole = words.join("_");
    let whole = whole.replace("_viewer_id", "_viewer");
    match (plain, whole.len() > LONGEST) {
        (true, false) => whole.into(),
        (_, true) => hashed(&whole, body),
        (false, false) => hashed(&whole, &rest),
    }
}

/// Words that say nothing that the others do not.
const SILENT: [&str; 10] = ["select", "where", "as", "and", "exists", "join", "on", "any", "array", "is"];
/// Words of SQL that change what a condition means.
const LOUD: [&str; 4] = ["or", "not", "null", "in"];

/// The name with a short hash of `content` at its end.
pub(super) fn hashed(name: &str, content: &str) -> SmolStr {
    let hash = content.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    let mut end = name.len().min(LONGEST - 7);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{:06x}", name[..end].trim_end_matches('_'), hash >> 8 ^ (hash & 0xff)).into()
}

/// What the helper answers: its query, without what names only repeat.
pub(super) fn comment(body: &str) -> String {
    let tokens: Vec<Token> = Lexer::new(body).map_while(Result::ok).collect();
    let text = |at: usize| tokens.get(at).map_or("", |token| &body[token.start..token.end]);
    let mut out = String::from("Past row level security:");
    let (mut last, mut at, mut gap) = (0, 1, true);
    while let Some(token) = tokens.get(at) {
        gap |= token.start > last;
        last = token.end;
        let is_name = matches!(token.kind, TokenKind::Word | TokenKind::Quoted);
        if is_name && text(at + 1) == "." {
            at += 2;
            last = tokens[at - 1].end;
            continue;
        }
        if token.is(body, "as") && text(at - 1) == text(at + 1) {
            last = tokens.get(at + 1).map_or(last, |alias| alias.end);
            at += 2;
            continue;
        }
        if std::mem::take(&mut gap) && !out.ends_with('(') && text(at) != ")" {
            out.push(' ');
        }
        out.push_str(text(at));
        at += 1;
    }
    out.push('.');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: &str = "select members.team_id
  from public.members as members
  where members.user_id = (select private.viewer_id())";

    #[test]
    fn a_name_says_what_the_body_asks() {
        assert_eq!(name(MEMBERS, "public"), "members_team_id_user_id_viewer");
        assert_eq!(
            comment(MEMBERS),
            "Past row level security: team_id from members where user_id = (select viewer_id())."
        );
        let owners = format!("{MEMBERS} and members.role in ('owner', 'admin')");
        assert_eq!(name(&owners, "public"), "members_team_id_user_id_viewer_role_in_owner_admin");
        let flag = "select exists (\n    select from public.docs as doc\n    where doc.id = $1 and doc.is_public\n  )";
        assert_eq!(name(flag, "public"), "docs_id_is_public");
    }

    #[test]
    fn what_a_name_cannot_hold_keeps_bodies_apart() {
        let bodies = ["a > 1", "a < 1", "not a = 1", "a = 'x-y'", "a = 'x_y'", "a = 1 or b = 2", "(a = 1 or b) = 2"];
        let names: std::collections::BTreeSet<_> =
            bodies.iter().map(|condition| name(&format!("select id from t where {condition}"), "public")).collect();
        assert_eq!(names.len(), bodies.len(), "{names:?}");
        let long = format!("{MEMBERS} and members.{} = 1", "a".repeat(60));
        assert!(
            name(&long, "public").len() <= 63 && name(&long, "public") != name(&long.replace("= 1", "= 2"), "public")
        );
    }

    #[test]
    fn other_names_give_the_same_name_with_them_exchanged() {
        let body = "select t.id from public.t as t where t.a > 1 or t.b";
        assert_eq!(name(&body.replace("t.a", "t.c"), "public"), name(body, "public").replace("_a_", "_c_"));
    }
}
