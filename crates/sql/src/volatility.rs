//! How often the text of an expression may give another value.

use specc_facts::Volatility;
use specc_split::{Lexer, Token, TokenKind};

/// The worst volatility of the functions that `text` calls. `declared` knows those of the project and of its extensions, by
/// schema (where one is written) and name; what nobody knows counts as volatile. A name without a schema is the system's
/// where it has one, unless the project has one that is worse.
pub fn volatility(text: &str, declared: impl Fn(Option<&str>, &str) -> Option<Volatility>) -> Volatility {
    let tokens: Vec<Token> = Lexer::new(text).map_while(Result::ok).collect();
    let mut worst = Volatility::Immutable;
    for (at, pair) in tokens.windows(2).enumerate() {
        if pair[1].kind != TokenKind::Symbol(b'(') {
            continue;
        }
        let Some(name) = pair[0].name(text) else { continue };
        let before = |n: usize| at.checked_sub(n).map(|at| &tokens[at]);
        let symbol = |n, wanted| before(n).is_some_and(|token| token.kind == TokenKind::Symbol(wanted));
        let schema = before(2).filter(|_| symbol(1, b'.')).and_then(|token| token.name(text));
        let first = if schema.is_some() { 3 } else { 1 };
        // A type with a modifier behind a cast is no call.
        let cast = symbol(first, b':') || before(first).is_some_and(|token| token.is(text, "as"));
        let word = schema.is_none() && pair[0].kind == TokenKind::Word && !is_function(&name);
        if cast || word && specc_facts::is_keyword(&name) {
            continue;
        }
        let known = specc_facts::volatility(schema.as_deref(), &name);
        let found = known.max(declared(schema.as_deref(), &name));
        worst = worst.max(found.unwrap_or(Volatility::Volatile));
    }
    worst
}

/// Whether a keyword is a function, too.
fn is_function(name: &str) -> bool {
    specc_facts::grammar(name).is_some() || !specc_facts::functions(name).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_go_by_schema_and_name() {
        use Volatility::{Immutable, Stable, Volatile};
        let own = |schema: Option<&str>, name: &str| match (schema, name) {
            (Some("shop"), "now") => Some(Volatile),
            (Some("shop"), "today") => Some(Stable),
            (None, "uid") => Some(Volatile),
            _ => None,
        };
        for (text, expected) in [
            ("now()", Stable),
            ("pg_catalog.now()", Stable),
            ("shop.now()", Volatile),
            ("\"shop\".now ()", Volatile),
            ("shop.today() + interval '1 day'", Stable),
            ("uid()", Volatile),
            ("auth.uid()", Stable),
            ("other.thing()", Volatile),
            ("0::numeric(10, 2)", Immutable),
            ("cast(0 as pg_catalog.varchar(3))", Immutable),
            ("'now()'", Immutable),
            ("current_timestamp", Immutable),
            ("(1 in (1, 2)) and (true)", Immutable),
            ("lower(md5('x'))", Immutable),
            ("gen_random_uuid()", Volatile),
            ("$$now()$$ || coalesce(null, upper('a'))", Immutable),
        ] {
            assert_eq!(volatility(text, own), expected, "{text}");
        }
    }
}
