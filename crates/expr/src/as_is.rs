//! `sql $$ … $$` where an expression stands: SQL that goes to Postgres just as it is.

use smol_str::SmolStr;
use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName, Value,
    ValueWithSpan,
};
use sqlparser::tokenizer::{self, Token};

/// The function that `sql $$ … $$` parses to; its argument is the text.
const AS_IS: &str = "sql $$";

/// The SQL in `sql $$ … $$` or `sql $tag$ … $tag$`, where that is all of `text`, and the byte at which it starts.
pub fn as_is_text(text: &str) -> Option<(usize, &str)> {
    let rest = text.trim().strip_prefix("sql")?.trim_start();
    let tag = &rest[..rest.strip_prefix('$')?.find('$')? + 2];
    let inner = rest.strip_prefix(tag)?.strip_suffix(tag)?;
    let is_tag = tag.trim_matches('$').chars().all(|c| c == '_' || c.is_alphanumeric());
    let found = is_tag && !inner.contains(tag) && !inner.trim().is_empty();
    let start = text.trim_end().len() - tag.len() - inner.trim_start().len();
    found.then(|| (start, inner.trim()))
}

/// The tree for it.
pub(crate) fn tree(sql: &str) -> Expr {
    let value = Value::SingleQuotedString(sql.to_owned());
    let text = Expr::Value(ValueWithSpan { value, span: tokenizer::Span::empty() });
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(AS_IS)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(text))],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// The text of `sql $$ … $$`; `None` for every other call.
pub fn as_is(call: &Function) -> Option<&str> {
    if !matches!(&call.name.0[..], [part] if part.as_ident().is_some_and(|i| i.value == AS_IS)) {
        return None;
    }
    let FunctionArguments::List(list) = &call.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(text)))] = &list.args[..] else { return None };
    match &text.value {
        Value::SingleQuotedString(text) => Some(text),
        _ => None,
    }
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

/// Whether the text has a form that Postgres reads and sqlparser does not: that it cannot be read says nothing then.
pub fn is_beyond(sql: &str) -> bool {
    const CALLS: [&str; 2] = ["json_table", "xmltable"];
    let tokens = crate::parse::tokens(sql).unwrap_or_default();
    let tokens: Vec<Token> =
        tokens.into_iter().map(|t| t.token).filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    let word = |at: usize| match tokens.get(at) {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_lowercase(),
        _ => String::new(),
    };
    let is = |at: usize, token: &Token| tokens.get(at) == Some(token);
    let begins = |at: usize| at.checked_sub(1).is_none_or(|before| is(before, &Token::SemiColon));
    if (0..tokens.len()).any(|at| begins(at) && is_statement_beyond(&word(at))) {
        return true;
    }
    (0..tokens.len()).any(|at| match word(at).as_str() {
        "search" => matches!(word(at + 1).as_str(), "depth" | "breadth") && word(at + 2) == "first",
        "cycle" => at > 0 && is(at - 1, &Token::RParen),
        "rows" => word(at + 1) == "from" && is(at + 2, &Token::LParen),
        "insert" => word(at + 1) == "default",
        "returning" => word(at + 1) == "with" && is(at + 2, &Token::LParen),
        "set" => is(at + 2, &Token::LBracket) || word(at + 1) == "constraints",
        name => CALLS.contains(&name) && is(at + 1, &Token::LParen),
    })
}

/// Whether a statement that sqlparser does not read begins with this word.
fn is_statement_beyond(word: &str) -> bool {
    matches!(word, "do" | "refresh" | "reindex")
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
    use specc_diag::Span;

    #[test]
    fn is_all_of_the_text() {
        assert_eq!(as_is_text("sql $$ a > b $$"), Some((7, "a > b")));
        assert_eq!(as_is_text(" sql $q$\n $$x$$ $q$ "), Some((10, "$$x$$")));
        assert_eq!(as_is_text("sql $$ a $$ || $$ b $$"), None);
        assert_eq!(as_is_text("sql"), None);
        assert_eq!(as_is_text("$$ a $$"), None);
        assert_eq!(as_is_text("sql $$  $$"), None);
    }

    #[test]
    fn keeps_its_text() {
        let Expr::Function(call) = &tree("A  >  now()") else { panic!("a call") };
        assert_eq!(as_is(call), Some("A  >  now()"));
        let Expr::Function(call) = &crate::parse_expr("lower('a')", Span::default()).expect("SQL") else { panic!() };
        assert_eq!(as_is(call), None);
    }

    #[test]
    fn compares_words() {
        assert!(same_sql("(a = ANY (ARRAY['x'::text]))", "(a = any(array['x'::text]))"));
        assert!(!same_sql("'A'", "'a'"));
        assert!(!same_sql("\"A\"", "a"));
        assert!(!same_sql("a > b", "a < b"));
        // What the parser is not shown counts, too.
        assert!(!same_sql("exists (select from only t)", "exists (select from t)"));
        assert!(!same_sql(
            "sum(a) over (rows unbounded preceding exclude ties)",
            "sum(a) over (rows unbounded preceding)"
        ));
        assert_eq!(words("Lower(\"B c\")"), ["lower", "B c"]);
    }
}
