//! Forms of Postgres's grammar that sqlparser does not read, or reads in part.

use crate::EXISTS_PATH;
use crate::dialect::{keyword_after, next_ident};
use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, TypedString, Value,
};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// `variadic array[…]`, `symmetric 1`: a word that belongs to what follows it.
pub(crate) fn prefixed(parser: &mut Parser, level: u8) -> Result<Expr, ParserError> {
    let prefix = next_ident(parser)?;
    Ok(Expr::Prefixed { prefix, value: Box::new(parser.parse_subexpr(level)?) })
}

/// `trim(leading from a)`, `trim(from a)`, `trim(both from a, 'x')`
pub(crate) fn trim_from(parser: &mut Parser) -> Result<Expr, ParserError> {
    parser.advance_token();
    parser.advance_token();
    let trim_where = match keyword_after(parser, 0) {
        Keyword::FROM => None,
        _ => Some(parser.parse_trim_where()?),
    };
    parser.expect_keyword(Keyword::FROM)?;
    let expr = Box::new(parser.parse_expr()?);
    let trim_characters = match parser.consume_token(&Token::Comma) {
        true => Some(parser.parse_comma_separated(Parser::parse_expr)?),
        false => None,
    };
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Trim { expr, trim_where, trim_what: None, trim_characters })
}

/// `substring(a from 1 for 2)`, in any order of the two, and `substring(a, 1, 2)`.
pub(crate) fn substring(parser: &mut Parser) -> Result<Expr, ParserError> {
    parser.advance_token();
    parser.advance_token();
    let expr = Box::new(parser.parse_expr()?);
    let special = parser.consume_token(&Token::Comma);
    let (mut substring_from, mut substring_for) = (None, None);
    if special {
        substring_from = Some(Box::new(parser.parse_expr()?));
        if parser.consume_token(&Token::Comma) {
            substring_for = Some(Box::new(parser.parse_expr()?));
        }
    }
    for _ in 0..if special { 0 } else { 2 } {
        let place = match keyword_after(parser, 0) {
            Keyword::FROM if substring_from.is_none() => &mut substring_from,
            Keyword::FOR if substring_for.is_none() => &mut substring_for,
            _ => break,
        };
        parser.advance_token();
        *place = Some(Box::new(parser.parse_expr()?));
    }
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Substring { expr, substring_from, substring_for, special, shorthand: false })
}

/// Words that stand behind what they belong to, as [`suffix`] reads them.
fn followed(value: Expr, words: String, span: sqlparser::tokenizer::Span) -> Expr {
    Expr::Prefixed { prefix: Ident { value: words, quote_style: Some('"'), span }, value: Box::new(value) }
}

/// Words of the grammar that stand behind an expression, and the expression: ` is document`, `, nfc`.
pub fn suffix(expr: &Expr) -> Option<(&Expr, &str)> {
    match expr {
        Expr::Prefixed { prefix, value } if prefix.value.starts_with([' ', ',']) => Some((value, &prefix.value)),
        _ => None,
    }
}

/// Whether it asks if a value is a document of XML.
pub fn is_document(expr: &Expr) -> bool {
    suffix(expr).is_some_and(|(_, words)| words.ends_with("document"))
}

/// `normalize(a, nfc)`
pub(crate) fn normalize(parser: &mut Parser) -> Result<Expr, ParserError> {
    let name = next_ident(parser)?;
    parser.expect_token(&Token::LParen)?;
    let mut value = parser.parse_expr()?;
    if parser.consume_token(&Token::Comma) {
        if !matches!(keyword_after(parser, 0), Keyword::NFC | Keyword::NFD | Keyword::NFKC | Keyword::NFKD) {
            let found = parser.peek_token();
            return parser.expected("`nfc`, `nfd`, `nfkc` or `nfkd`", found);
        }
        let form = next_ident(parser)?;
        value = followed(value, format!(", {}", form.value.to_ascii_lowercase()), form.span);
    }
    parser.expect_token(&Token::RParen)?;
    Ok(call(name, vec![value]))
}

/// `a is document`, `a is not document`
pub(crate) fn document(parser: &mut Parser, expr: &Expr) -> Option<Result<Expr, ParserError>> {
    let word = |parser: &Parser, n: usize| match &parser.peek_nth_token_ref(n).token {
        Token::Word(w) if w.quote_style.is_none() => w.value.to_ascii_lowercase(),
        _ => String::new(),
    };
    let negated = word(parser, 1) == "not";
    if word(parser, 1 + usize::from(negated)) != "document" {
        return None;
    }
    let span = parser.peek_token_ref().span;
    (0..2 + usize::from(negated)).for_each(|_| parser.advance_token());
    let words = if negated { " is not document" } else { " is document" };
    Some(Ok(followed(expr.clone(), words.into(), span)))
}

/// `a operator(public.=) any (…)`
pub(crate) fn named_operator_any(parser: &mut Parser, left: &Expr) -> Option<Result<Expr, ParserError>> {
    let mut parts = Vec::new();
    let mut at = 2;
    while parser.peek_nth_token_ref(at + 1).token == Token::Period {
        let Token::Word(schema) = &parser.peek_nth_token_ref(at).token else { return None };
        parts.push(schema.value.clone());
        at += 2;
    }
    parts.push(parser.peek_nth_token_ref(at).token.to_string());
    let opens = parser.peek_nth_token_ref(1).token == Token::LParen;
    let closes = parser.peek_nth_token_ref(at + 1).token == Token::RParen;
    let any = matches!(keyword_after(parser, at + 2), Keyword::ANY | Keyword::ALL | Keyword::SOME)
        && parser.peek_nth_token_ref(at + 3).token == Token::LParen;
    if !opens || !closes || !any {
        return None;
    }
    (0..=at).for_each(|_| parser.advance_token());
    Some(operator_any(parser, left, BinaryOperator::PGCustomBinaryOperator(parts)))
}

/// `a like any (select …)`, which sqlparser takes for a pattern in parentheses.
pub(crate) fn like_any(parser: &mut Parser, left: &Expr) -> Option<Result<Expr, ParserError>> {
    let negated = keyword_after(parser, 0) == Keyword::NOT;
    let at = usize::from(negated);
    let operator = match (keyword_after(parser, at), negated) {
        (Keyword::LIKE, false) => BinaryOperator::PGLikeMatch,
        (Keyword::LIKE, true) => BinaryOperator::PGNotLikeMatch,
        (Keyword::ILIKE, false) => BinaryOperator::PGILikeMatch,
        (Keyword::ILIKE, true) => BinaryOperator::PGNotILikeMatch,
        _ => return None,
    };
    let any = matches!(keyword_after(parser, at + 1), Keyword::ANY | Keyword::ALL | Keyword::SOME);
    let query = matches!(keyword_after(parser, at + 3), Keyword::SELECT | Keyword::WITH | Keyword::VALUES);
    if !any || !query || parser.peek_nth_token_ref(at + 2).token != Token::LParen {
        return None;
    }
    (0..at).for_each(|_| parser.advance_token());
    Some(operator_any(parser, left, operator))
}

/// `(values (1))` where a value stands.
pub(crate) fn row_of_values(parser: &mut Parser) -> Result<Expr, ParserError> {
    parser.advance_token();
    let query = parser.parse_query()?;
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Subquery(query))
}

/// `interval(3) '1.2345'`, which sqlparser reads without the number.
pub(crate) fn precise_interval(parser: &mut Parser) -> Result<Expr, ParserError> {
    parser.advance_token();
    parser.advance_token();
    let precision = Some(parser.parse_literal_uint()?);
    parser.expect_token(&Token::RParen)?;
    let value = parser.parse_value()?;
    let data_type = DataType::Interval { fields: None, precision };
    Ok(Expr::Cast { kind: CastKind::Cast, expr: Box::new(Expr::Value(value)), data_type, format: None })
}

/// `a @> any (…)`: Postgres takes every operator here, sqlparser only comparisons.
pub(crate) fn operator_any(parser: &mut Parser, left: &Expr, compare_op: BinaryOperator) -> Result<Expr, ParserError> {
    parser.advance_token();
    let word = keyword_after(parser, 0);
    parser.advance_token();
    let left = Box::new(left.clone());
    parser.expect_token(&Token::LParen)?;
    let right = if matches!(keyword_after(parser, 0), Keyword::SELECT | Keyword::WITH | Keyword::VALUES) {
        Expr::Subquery(parser.parse_query()?)
    } else {
        parser.parse_expr()?
    };
    parser.expect_token(&Token::RParen)?;
    let right = Box::new(right);
    Ok(match word {
        Keyword::ALL => Expr::AllOp { left, compare_op, right },
        word => Expr::AnyOp { left, compare_op, right, is_some: word == Keyword::SOME },
    })
}

/// `inet '10.0.0.1'`, `public.mood 'happy'`.
pub(crate) fn typed(parser: &mut Parser) -> Result<Expr, ParserError> {
    let mut name = vec![next_ident(parser)?];
    while parser.consume_token(&Token::Period) {
        name.push(next_ident(parser)?);
    }
    let value = parser.parse_value()?;
    let data_type = DataType::Custom(ObjectName::from(name), Vec::new());
    Ok(Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false }))
}

/// `exists startup.members (user_id = viewer)`
pub(crate) fn exists_path(parser: &mut Parser) -> Result<Expr, ParserError> {
    let span = parser.next_token().span;
    let mut path = vec![next_ident(parser)?];
    while parser.consume_token(&Token::Period) {
        path.push(next_ident(parser)?);
    }
    let word = |n: usize, parser: &Parser| match &parser.peek_nth_token_ref(n).token {
        Token::Word(w) if w.quote_style.is_none() => w.value.to_lowercase(),
        _ => String::new(),
    };
    let including = word(0, parser) == "including" && word(1, parser) == "deleted";
    if including {
        parser.advance_token();
        parser.advance_token();
    }
    parser.expect_token(&Token::LParen)?;
    let condition = parser.parse_expr()?;
    parser.expect_token(&Token::RParen)?;
    let mut args = vec![Expr::CompoundIdentifier(path), condition];
    args.extend(including.then(|| Expr::value(Value::Boolean(true))));
    Ok(call(Ident { value: EXISTS_PATH.into(), quote_style: None, span }, args))
}

fn call(name: Ident, args: Vec<Expr>) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![name]),
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
