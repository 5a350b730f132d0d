//! Types for programs are text of another language: names and labels stay what they are there, too.

use crate::injection::{STRUCTURES, generated};
use specc_catalog::Catalog;
use specc_diag::{Sources, has_errors};
use specc_model::{Options, Target};
use specc_types::typescript;
use std::collections::{BTreeMap, BTreeSet};

/// A part of a file of TypeScript.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// The tokens, by the rules of the language: a text ends in its line and has no escapes but those that are known.
fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\n' => {}
            '/' if chars.peek() == Some(&'/') => {
                while chars.next_if(|c| !matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')).is_some() {}
            }
            '/' if chars.next_if_eq(&'*').is_some() => {
                let mut before = ' ';
                loop {
                    let next = chars.next().ok_or("a comment without an end")?;
                    if before == '*' && next == '/' {
                        break;
                    }
                    before = next;
                }
            }
            '"' | '\'' => {
                let mut value = String::new();
                loop {
                    match chars.next() {
                        Some(end) if end == c => break,
                        Some('\\') => {
                            let escaped = chars.next().ok_or("an escape at the end")?;
                            value.push(match escaped {
                                'n' => '\n',
                                'r' => '\r',
                                't' => '\t',
                                'b' => '\u{8}',
                                'f' => '\u{c}',
                                '\\' | '\'' | '"' => escaped,
                                'u' => {
                                    let digits: String = chars.by_ref().take(4).collect();
                                    let code = u32::from_str_radix(&digits, 16).map_err(|error| error.to_string())?;
                                    char::from_u32(code).ok_or("no character")?
                                }
                                other => return Err(format!("an escape `{other}`")),
                            });
                        }
                        Some(c) if c < ' ' || matches!(c, '\u{2028}' | '\u{2029}' | '\u{7f}') => {
                            return Err(format!("{c:?} in a text"));
                        }
                        Some(c) => value.push(c),
                        None => return Err("a text without an end".to_owned()),
                    }
                }
                out.push(Token::Text(value));
            }
            c if c.is_alphanumeric() || matches!(c, '_' | '$') => {
                let mut word = String::from(c);
                while let Some(next) = chars.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '$')) {
                    word.push(next);
                }
                out.push(Token::Word(word));
            }
            c if "{}[]()<>:;,?|&=".contains(c) => out.push(Token::Sign(c)),
            c => return Err(format!("a sign {c:?}")),
        }
    }
    Ok(out)
}

/// What of a file is not the author's: its words and brackets, each with how often it is there. `texts` gets the rest.
fn frame(text: &str, texts: &mut BTreeSet<String>) -> Result<BTreeMap<Token, usize>, String> {
    let all = tokens(text)?;
    let is = |at: usize, sign: char| all.get(at) == Some(&Token::Sign(sign));
    let mut found = BTreeMap::new();
    let mut open = Vec::new();
    for (at, token) in all.iter().enumerate() {
        match token {
            Token::Text(text) => drop(texts.insert(text.clone())),
            // A key of an object.
            Token::Word(word) if is(at + 1, ':') || is(at + 1, '?') && is(at + 2, ':') => {
                texts.insert(word.clone());
            }
            Token::Sign(c @ ('{' | '[' | '(' | '<')) => open.push(*c),
            Token::Sign(c @ ('}' | ']' | ')' | '>')) => {
                let opened = open.pop().ok_or("a bracket too many")?;
                if !["{}", "[]", "()", "<>"].contains(&format!("{opened}{c}").as_str()) {
                    return Err(format!("`{opened}` ends with `{c}`"));
                }
            }
            _ => {}
        }
        if matches!(token, Token::Word(_)) && !(is(at + 1, ':') || is(at + 1, '?') && is(at + 2, ':'))
            || matches!(token, Token::Sign('{' | '['))
        {
            *found.entry(token.clone()).or_default() += 1;
        }
    }
    if open.is_empty() { Ok(found) } else { Err("a bracket without an end".to_owned()) }
}

/// The catalogs of a spec: its own, and what is around it. None where it is refused.
fn catalogs(text: &str, target: Target, default_schema: &str, helper_schema: &str) -> Option<(Catalog, Catalog)> {
    let mut sources = Sources::new();
    let file = sources.add("case.dbspec", text.to_owned());
    let (tree, mut said) = specc_syntax::parse(file, text);
    let options = Options {
        target,
        default_schema: default_schema.into(),
        helper_schema: helper_schema.into(),
        ..Options::default()
    };
    let (model, more) = specc_model::analyze(vec![tree], &mut sources, options);
    said.extend(more);
    if has_errors(&said) {
        return None;
    }
    let (catalog, said) = specc_lower::lower(&model);
    (!has_errors(&said)).then(|| (catalog, specc_lower::external(&model)))
}

/// What stands around the author's texts, and those texts.
type Frames = (Vec<BTreeMap<Token, usize>>, BTreeSet<String>);

/// The frames of the types of a spec, plain and strict, and the author's texts in them.
fn frames(seed: u64, tame: bool) -> Result<Option<Frames>, String> {
    let (spec, target) = generated(seed, tame);
    let (own, helpers) = (&spec.default_schema.raw, &spec.helper_schema.raw);
    let Some((catalog, around)) = catalogs(&spec.text, target, own, helpers) else { return Ok(None) };
    // As Supabase has it, a type whose name begins with an underscore is the array of another.
    if catalog.iter().any(|(id, _)| id.kind == specc_catalog::Kind::Enum && id.name.starts_with('_')) {
        return Ok(None);
    }
    let mut schemas: Vec<_> = catalog.iter().map(|(id, _)| id.schema.clone()).filter(|s| !s.is_empty()).collect();
    schemas.sort();
    schemas.dedup();
    let (mut found, mut texts) = (Vec::new(), BTreeSet::new());
    for strict in [false, true] {
        let options = specc_types::Options { schemas: schemas.clone(), strict };
        let types = typescript(&catalog, &around, &options).map_err(|missing| format!("no schema {missing}"))?;
        let shown = |error: String| format!("{error}\n{}", types.text);
        found.push(frame(&types.text, &mut texts).map_err(shown)?);
    }
    // Each name of a column is in it as it is.
    for (_, entry) in catalog.iter() {
        let specc_catalog::Object::Table(table) = &entry.object else { continue };
        if let Some(column) = table.columns.iter().find(|column| !texts.contains(column.name.as_str())) {
            return Err(format!("no column {:?}", column.name));
        }
    }
    Ok(Some((found, texts)))
}

#[test]
fn types_of_hostile_names_are_types() {
    let mut looked_at = 0;
    for seed in 0..4 * STRUCTURES {
        let tame = frames(seed % STRUCTURES, true).unwrap_or_else(|error| panic!("structure {seed}: {error}"));
        let hostile = frames(seed, false).unwrap_or_else(|error| panic!("SEED={seed}: {error}"));
        let (Some((tame, _)), Some((hostile, _))) = (tame, hostile) else { continue };
        assert_eq!(hostile, tame, "SEED={seed}");
        looked_at += 1;
    }
    assert!(looked_at > 100, "{looked_at}");
}
