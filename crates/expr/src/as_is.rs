//! `sql $$ … $$` where an expression stands: SQL that goes to Postgres just as it is.

use smol_str::SmolStr;
use specc_diag::Span;
use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName, Value,
    ValueWithSpan,
};
use sqlparser::tokenizer::{self, Token};

/// The function that `sql $$ … $$` parses to, with two arguments: the text, and its tree (null where it has none).
const AS_IS: &str = "sql $$";

/// The SQL in `sql $$ … $$` or `sql $tag$ … $tag$`, where that is all of `text`.
pub(crate) fn split(text: &str) -> Option<&str> {
    let rest = text.trim().strip_prefix("sql")?.trim_start();
    let tag = &rest[..rest.strip_prefix('$')?.find('$')? + 2];
    let inner = rest.strip_prefix(tag)?.strip_suffix(tag)?;
    let is_tag = tag.trim_matches('$').chars().all(|c| c == '_' || c.is_alphanumeric());
    (is_tag && !inner.contains(tag) && !inner.trim().is_empty()).then_some(inner.trim())
}

/// The tree for it.
pub(crate) fn tree(sql: &str, at: Span) -> Expr {
    let value = |value| Expr::Value(ValueWithSpan { value, span: tokenizer::Span::empty() });
    let inner = crate::parse_expr(sql, at).unwrap_or_else(|_| value(Value::Null));
    let args = [value(Value::SingleQuotedString(sql.to_owned())), inner];
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(AS_IS)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.into_iter().map(|e| FunctionArg::Unnamed(FunctionArgExpr::Expr(e))).collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// The text of `sql $$ … $$`, and its tree where it could be read; `None` for every other call.
pub fn as_is(call: &Function) -> Option<(&str, Option<&Expr>)> {
    if !matches!(&call.name.0[..], [part] if part.as_ident().is_some_and(|i| i.value == AS_IS)) {
        return None;
    }
    let FunctionArguments::List(list) = &call.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(text)), FunctionArg::Unnamed(FunctionArgExpr::Expr(tree))] =
        &list.args[..]
    else {
        return None;
    };
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = text else { return None };
    let unread = matches!(tree, Expr::Value(v) if v.value == Value::Null) && !text.eq_ignore_ascii_case("null");
    Some((text, (!unread).then_some(tree)))
}

/// The words of a text of SQL that can be names, as Postgres stores them; none where it cannot be cut into tokens.
pub fn words(sql: &str) -> Vec<SmolStr> {
    let tokens = crate::parse::tokens(sql).unwrap_or_default();
    let word = |token: Token| match token {
        Token::Word(word) => Some(crate::references::fold(&word.value, word.quote_style.is_some())),
        _ => None,
    };
    tokens.into_iter().filter_map(|t| word(t.token)).collect()
}

/// Whether two texts are the same SQL: the same tokens, whatever stands between them, words that are not quoted in
/// either case.
pub fn same_sql(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let cut = |text: &str| -> Option<Vec<Token>> {
        let tokens = crate::parse::tokens(text)?.into_iter().map(|t| t.token);
        let kept = tokens.filter(|t| !matches!(t, Token::Whitespace(_)));
        Some(kept.map(settled).collect())
    };
    matches!((cut(a), cut(b)), (Some(a), Some(b)) if a == b)
}

fn settled(token: Token) -> Token {
    match token {
        Token::Word(word) => {
            let value = if word.quote_style.is_some() { word.value } else { word.value.to_ascii_lowercase() };
            // A quoted word is never a keyword; apart from that, quotes only keep the case.
            let quoted = word.quote_style.is_some();
            Token::make_word(&value, (quoted && value.bytes().any(|b| b.is_ascii_uppercase())).then_some('"'))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use specc_diag::FileId;

    #[test]
    fn is_all_of_the_text() {
        assert_eq!(split("sql $$ a > b $$"), Some("a > b"));
        assert_eq!(split("sql $q$ $$x$$ $q$"), Some("$$x$$"));
        assert_eq!(split("sql $$ a $$ || $$ b $$"), None);
        assert_eq!(split("sql"), None);
        assert_eq!(split("$$ a $$"), None);
        assert_eq!(split("sql $$  $$"), None);
    }

    #[test]
    fn keeps_its_text_and_its_tree() {
        let tree = tree("A  >  now()", Span::new(FileId(0), 0, 0));
        let Expr::Function(call) = &tree else { panic!("a call") };
        let (text, inner) = as_is(call).expect("its own");
        assert_eq!(text, "A  >  now()");
        assert!(matches!(inner, Some(Expr::BinaryOp { .. })));
    }

    #[test]
    fn what_cannot_be_read_has_no_tree() {
        let tree = tree("a operator(", Span::new(FileId(0), 0, 0));
        let Expr::Function(call) = &tree else { panic!("a call") };
        assert_eq!(as_is(call).map(|(_, tree)| tree.is_none()), Some(true));
    }

    #[test]
    fn compares_words() {
        assert!(same_sql("(a = ANY (ARRAY['x'::text]))", "(a = any(array['x'::text]))"));
        assert!(!same_sql("'A'", "'a'"));
        assert!(!same_sql("\"A\"", "a"));
        assert!(!same_sql("a > b", "a < b"));
        assert_eq!(words("Lower(\"B c\")"), ["lower", "B c"]);
    }
}
