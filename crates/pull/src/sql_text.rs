//! Texts of SQL: what may be left away without changing what Postgres keeps of it.

use crate::text::quoted;
use specc_catalog::{DataType, SqlExpr};
use specc_expr::lex::{Lexed, closing, lex};
use specc_expr::sqlparser::tokenizer::Token;
use std::borrow::Cow;

/// Names that mean something of ours where they stand first and without quotes.
const OURS: [&str; 3] = ["claims", "this", "viewer"];

/// Without brackets around the whole.
pub(crate) fn bare(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(tokens) = lex(text)
        && let [Lexed { token: Token::LParen, .. }, .., last] = tokens.as_slice()
        && closing(&tokens, 0) == Some(tokens.len() - 1)
    {
        text = text[1..last.start].trim();
    }
    text
}

/// With quotes around the columns that would be taken for the viewer, the claims or the row.
pub(crate) fn told_apart(text: &str) -> Cow<'_, str> {
    // Few texts hold one of the names at all.
    if !OURS.iter().any(|name| text.contains(name)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let (mut written, mut qualified) = (0, false);
    for Lexed { start, end, token } in lex(text).unwrap_or_default() {
        let bare = matches!(&token, Token::Word(word) if word.quote_style.is_none());
        if bare && !qualified && OURS.contains(&&text[start..end]) {
            out.push_str(&text[written..start]);
            out.push_str(&quoted(&text[start..end]));
            written = end;
        }
        qualified = token == Token::Period;
    }
    out.push_str(&text[written..]);
    Cow::Owned(out)
}

/// A default without the cast to the column's own type, which Postgres puts there by itself.
pub(crate) fn default<'a>(text: &'a str, ty: &DataType) -> &'a str {
    let text = text.trim();
    let Some(literal) = literal(text) else { return text };
    let Some(cast) = text[literal.len()..].strip_prefix("::") else { return text };
    let number = literal.trim_matches('\'');
    if spelled(ty).iter().any(|s| s == cast) {
        let whole = ty.name == "int" && ty.schema.is_empty() && ty.dims == 0;
        if whole && number.strip_prefix('-').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
            return number;
        }
        return literal;
    }
    text
}

/// The string that `text` starts with.
fn literal(text: &str) -> Option<&str> {
    let tokens = lex(text)?;
    let first = tokens.first()?;
    matches!(first.token, Token::SingleQuotedString(_)).then(|| &text[..first.end])
}

/// How Postgres spells the type in a cast.
fn spelled(ty: &DataType) -> Vec<String> {
    let arrays = if ty.dims > 0 { "[]" } else { "" };
    if !ty.schema.is_empty() {
        return vec![format!("{}{arrays}", specc_sql::quote::qualified(&ty.schema, &ty.name))];
    }
    let name = match ty.name.as_str() {
        "char" => "bpchar",
        name => specc_facts::server_spelling(name),
    };
    let mut all = vec![format!("{name}{arrays}")];
    if !ty.args.is_empty() && ty.dims == 0 {
        let args: Vec<_> = ty.args.iter().map(i64::to_string).collect();
        let (head, tail) = name.split_once(' ').filter(|(h, _)| h.starts_with("time")).unwrap_or((name, ""));
        all.push(format!("{head}({}) {tail}", args.join(",")).trim_end().to_owned());
        if ty.name == "char" {
            all.push("bpchar".into());
        }
    }
    all
}

/// Whether two expressions are the same SQL.
pub(crate) fn same(a: &SqlExpr, b: &SqlExpr) -> bool {
    same_text(&a.text, &b.text)
}

/// The same where there may be none.
pub(crate) fn same_option(a: Option<&SqlExpr>, b: Option<&SqlExpr>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// The same for texts. A list and the array that Postgres makes of it are the same; which list makes which array is
/// looked after where lists are written.
pub(crate) fn same_text(a: &str, b: &str) -> bool {
    let list = |text| crate::lists::written(bare(text), &|_, _, _| true);
    a == b || specc_expr::same_sql(&list(a), &list(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_around_the_whole_are_left_away() {
        assert_eq!(bare("((a > 0) and (b > 0))"), "(a > 0) and (b > 0)");
        assert_eq!(bare("(a > 0) and (b > 0)"), "(a > 0) and (b > 0)");
        assert_eq!(bare("(a = ')')"), "a = ')'");
        assert_eq!(bare("(a = E'\\')')"), "a = E'\\')'");
        assert_eq!(bare("(f($$)$$))"), "f($$)$$)");
    }

    #[test]
    fn columns_called_like_our_words_are_quoted() {
        assert_eq!(told_apart("(viewer = auth.uid())"), "(\"viewer\" = auth.uid())");
        assert_eq!(told_apart("t.viewer = 'viewer' and viewer_id > 0"), "t.viewer = 'viewer' and viewer_id > 0");
        assert_eq!(told_apart("\"viewer\" = this"), "\"viewer\" = \"this\"");
    }

    #[test]
    fn the_cast_to_the_own_type_is_left_away() {
        let text = DataType::builtin("text");
        assert_eq!(default("'a''b'::text", &text), "'a''b'");
        assert_eq!(default("'a'::text || 'b'", &text), "'a'::text || 'b'");
        assert_eq!(default("'a'::character varying", &text), "'a'::character varying");
        assert_eq!(default("'-1'::integer", &DataType::builtin("int")), "-1");
        assert_eq!(default("'-1'::integer", &DataType::builtin("bigint")), "'-1'::integer");
        let array = DataType { dims: 1, ..DataType::builtin("text") };
        assert_eq!(default("'{}'::text[]", &array), "'{}'");
        let mood = DataType { schema: "public".into(), ..DataType::builtin("mood") };
        assert_eq!(default("'sad'::public.mood", &mood), "'sad'");
    }
}
