//! Postgres as the spec speaks it: sqlparser's dialect with `exists path (…)`, with Postgres's own precedence where
//! sqlparser's differs, and with short ways for what expressions are mostly made of.

use crate::forms;
use sqlparser::ast::{BinaryOperator, CastKind, Expr, Ident, ObjectName, UnaryOperator};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};
use std::any::TypeId;

/// The dialect that all SQL of a spec is read with.
#[derive(Debug, Default, Clone, Copy)]
pub struct SpecDialect;

const BASE: PostgreSqlDialect = PostgreSqlDialect {};

// Levels between sqlparser's own: a sign binds looser than `::` and `[…]` and tighter than everything else.
const SIGN: u8 = 120;
const OPERATOR: u8 = 70;
const NONE: u8 = 0;

macro_rules! as_postgres {
    ($($name:ident)*) => {
        $(fn $name(&self) -> bool { BASE.$name() })*
    };
}

impl Dialect for SpecDialect {
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    as_postgres! {
        supports_unicode_string_literal supports_filter_during_aggregation supports_group_by_expr
        supports_alter_user_as_alter_role allow_extract_custom allow_extract_single_quotes
        supports_create_index_with_clause supports_explain_with_utility_options supports_listen_notify
        supports_exclude_constraint supports_bitwise_shift_operators
        supports_comment_on supports_load_extension supports_named_fn_args_with_colon_operator
        supports_named_fn_args_with_expr_name supports_empty_projections supports_nested_comments
        supports_string_escape_constant supports_numeric_literal_underscores supports_array_typedef_with_brackets
        supports_geometric_types supports_order_by_using_operator supports_set_names supports_alter_column_type_using
        supports_left_associative_joins_without_parens supports_notnull_operator supports_interval_options
        supports_insert_table_alias supports_create_table_like_parenthesized supports_select_wildcard_with_alias
        supports_comma_separated_trim supports_xml_expressions supports_aliased_function_args
        supports_comment_optimizer_hint
    }

    fn supports_string_literal_concatenation_with_newline(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_assignment_operator(&self) -> bool {
        true
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        BASE.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        BASE.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        BASE.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        BASE.is_identifier_part(ch)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        BASE.is_custom_operator_part(ch)
    }

    fn is_reserved_for_identifier(&self, kw: Keyword) -> bool {
        BASE.is_reserved_for_identifier(kw)
    }

    fn is_table_alias(&self, kw: &Keyword, parser: &mut Parser) -> bool {
        BASE.is_table_alias(kw, parser) && may_name(kw)
    }

    fn is_table_factor_alias(&self, explicit: bool, kw: &Keyword, parser: &mut Parser) -> bool {
        may_name(kw) && (explicit || BASE.is_table_alias(kw, parser))
    }

    /// Words that Postgres takes for a label only after `as`: `insert … select now() on conflict …`.
    fn is_column_alias(&self, kw: &Keyword, parser: &mut Parser) -> bool {
        let word = format!("{kw:?}").to_ascii_lowercase();
        match *kw {
            Keyword::NoKeyword => true,
            _ if specc_facts::is_keyword(&word) => specc_facts::is_bare_label(&word),
            _ => BASE.is_column_alias(kw, parser),
        }
    }

    fn prec_value(&self, prec: Precedence) -> u8 {
        BASE.prec_value(prec)
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        let level = match &parser.peek_token_ref().token {
            Token::EOF | Token::Comma | Token::RParen | Token::RBracket | Token::SemiColon => NONE,
            // Other systems' operators: the parser stops before them, and the author is told.
            Token::DoubleEq | Token::Assignment | Token::ExclamationMark | Token::Colon | Token::RArrow => NONE,
            Token::Tilde
            | Token::TildeAsterisk
            | Token::ExclamationMarkTilde
            | Token::ExclamationMarkTildeAsterisk
            | Token::DoubleTilde
            | Token::DoubleTildeAsterisk
            | Token::ExclamationMarkDoubleTilde
            | Token::ExclamationMarkDoubleTildeAsterisk
            | Token::Spaceship => OPERATOR,
            Token::Word(Word { quote_style: Some(_), .. }) => NONE,
            Token::Word(word) => match word.keyword {
                Keyword::NoKeyword if word.value.eq_ignore_ascii_case("isnull") => self.prec_value(Precedence::Is),
                Keyword::NoKeyword => NONE,
                Keyword::OPERATOR => OPERATOR,
                Keyword::XOR
                | Keyword::DIV
                | Keyword::RLIKE
                | Keyword::REGEXP
                | Keyword::MATCH
                | Keyword::GLOB
                | Keyword::MEMBER => NONE,
                Keyword::NOT => match keyword_after(parser, 1) {
                    Keyword::IN | Keyword::BETWEEN | Keyword::LIKE | Keyword::ILIKE | Keyword::SIMILAR => {
                        self.prec_value(Precedence::Like)
                    }
                    _ => NONE,
                },
                _ => return BASE.get_next_precedence(parser),
            },
            _ => return BASE.get_next_precedence(parser),
        };
        Some(Ok(level))
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        match &parser.peek_token_ref().token {
            Token::Number(..) | Token::SingleQuotedString(_) => Some(parser.parse_value().map(Expr::Value)),
            Token::Minus => Some(unary(parser, UnaryOperator::Minus, SIGN)),
            Token::Plus => Some(unary(parser, UnaryOperator::Plus, SIGN)),
            Token::AtSign => Some(unary(parser, UnaryOperator::PGAbs, OPERATOR)),
            Token::Tilde => Some(unary(parser, UnaryOperator::BitwiseNot, OPERATOR)),
            Token::PGSquareRoot => Some(unary(parser, UnaryOperator::PGSquareRoot, OPERATOR)),
            Token::PGCubeRoot => Some(unary(parser, UnaryOperator::PGCubeRoot, OPERATOR)),
            // `(values (1)) = 1`
            Token::LParen if keyword_after(parser, 1) == Keyword::VALUES => Some(forms::row_of_values(parser)),
            // Left to sqlparser they would be the arrays, maps and placeholders of other systems.
            Token::LBracket if !within_array(parser) => Some(unexpected(parser)),
            Token::LBrace | Token::Colon | Token::ExclamationMark => Some(unexpected(parser)),
            Token::Word(_) => self.word(parser),
            _ => None,
        }
    }

    fn parse_infix(&self, parser: &mut Parser, expr: &Expr, _: u8) -> Option<Result<Expr, ParserError>> {
        match &parser.peek_token_ref().token {
            Token::Word(w) if w.keyword == Keyword::NoKeyword && w.value.eq_ignore_ascii_case("isnull") => {
                parser.advance_token();
                Some(Ok(Expr::IsNull(Box::new(expr.clone()))))
            }
            Token::Word(w) if w.keyword == Keyword::COLLATE && w.quote_style.is_none() => {
                parser.advance_token();
                let name = parser.parse_object_name(false);
                Some(name.map(|collation| Expr::Collate { expr: Box::new(expr.clone()), collation }))
            }
            Token::Word(w) if w.quote_style.is_none() => match w.keyword {
                Keyword::IS => forms::document(parser, expr),
                Keyword::OPERATOR => forms::named_operator_any(parser, expr),
                Keyword::NOT | Keyword::LIKE | Keyword::ILIKE => forms::like_any(parser, expr),
                _ => None,
            },
            Token::Word(_) => None,
            operator => {
                let operator = match operator {
                    Token::Eq => BinaryOperator::Eq,
                    Token::Neq => BinaryOperator::NotEq,
                    Token::Lt => BinaryOperator::Lt,
                    Token::LtEq => BinaryOperator::LtEq,
                    Token::Gt => BinaryOperator::Gt,
                    Token::GtEq => BinaryOperator::GtEq,
                    Token::CaretAt => BinaryOperator::PGStartsWith,
                    Token::AtArrow => BinaryOperator::AtArrow,
                    Token::ArrowAt => BinaryOperator::ArrowAt,
                    Token::Overlap => BinaryOperator::PGOverlap,
                    Token::AtAt => BinaryOperator::AtAt,
                    Token::AtQuestion => BinaryOperator::AtQuestion,
                    Token::Question => BinaryOperator::Question,
                    Token::Mod => BinaryOperator::Modulo,
                    Token::CustomBinaryOperator(name) => BinaryOperator::Custom(name.clone()),
                    _ => return None,
                };
                let any = matches!(keyword_after(parser, 1), Keyword::ANY | Keyword::ALL | Keyword::SOME)
                    && parser.peek_nth_token_ref(2).token == Token::LParen;
                any.then(|| forms::operator_any(parser, expr, operator))
            }
        }
    }
}

impl SpecDialect {
    /// An operand that starts with a word.
    fn word(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let next = &parser.peek_nth_token_ref(1).token;
        let (opens, string) = (*next == Token::LParen, matches!(next, Token::SingleQuotedString(_)));
        let word = parser.peek_token_ref();
        let Token::Word(w) = &word.token else {
            return None;
        };
        let quoted = w.quote_style.is_some();
        // A word of the grammar before a dot can only be a name: `user.name`, `order.total`, `null.id`.
        let dotted = *next == Token::Period && matches!(parser.peek_nth_token_ref(2).token, Token::Word(_));
        match w.keyword {
            keyword if !quoted && dotted && keyword != Keyword::NoKeyword && !plain(keyword) => {
                let ident = ident(w, word.span);
                parser.advance_token();
                Some(Ok(Expr::Identifier(ident)))
            }
            // A function of this name in a schema is called like any other: `app.substr(text, 1, 2)`.
            _ if dotted
                && keyword_after(parser, 2) != Keyword::NoKeyword
                && parser.peek_nth_token_ref(3).token == Token::LParen =>
            {
                let schema = ident(w, word.span);
                let Token::Word(name) = parser.peek_nth_token_ref(2).token.clone() else { return None };
                let name = ident(&name, parser.peek_nth_token_ref(2).span);
                (0..3).for_each(|_| parser.advance_token());
                Some(parser.parse_function(ObjectName::from(vec![schema, name])))
            }
            Keyword::EXISTS if !quoted && !opens => Some(forms::exists_path(parser)),
            Keyword::NOT
                if !quoted
                    && keyword_after(parser, 1) == Keyword::EXISTS
                    && parser.peek_nth_token_ref(2).token != Token::LParen =>
            {
                parser.advance_token();
                let operand = parser.parse_subexpr(self.prec_value(Precedence::UnaryNot));
                Some(operand.map(|e| Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(e) }))
            }
            // sqlparser tries these as names where they fail, and then blames the wrong place.
            Keyword::TRUE | Keyword::FALSE | Keyword::NULL if !quoted => Some(parser.parse_value().map(Expr::Value)),
            Keyword::CASE if !quoted => {
                parser.advance_token();
                Some(parser.parse_case_expr())
            }
            Keyword::CAST if !quoted && opens => {
                parser.advance_token();
                Some(parser.parse_cast_expr(CastKind::Cast))
            }
            Keyword::EXTRACT if !quoted && opens => {
                parser.advance_token();
                Some(parser.parse_extract_expr())
            }
            Keyword::TRIM
                if !quoted
                    && opens
                    && (keyword_after(parser, 2) == Keyword::FROM
                        || matches!(
                            keyword_after(parser, 2),
                            Keyword::LEADING | Keyword::TRAILING | Keyword::BOTH
                        ) && keyword_after(parser, 3) == Keyword::FROM) =>
            {
                Some(forms::trim_from(parser))
            }
            Keyword::SUBSTRING if !quoted && opens => Some(forms::substring(parser)),
            Keyword::NORMALIZE if !quoted && opens => Some(forms::normalize(parser)),
            Keyword::INTERVAL
                if !quoted
                    && opens
                    && parser.peek_nth_token_ref(3).token == Token::RParen
                    && matches!(parser.peek_nth_token_ref(4).token, Token::SingleQuotedString(_)) =>
            {
                Some(forms::precise_interval(parser))
            }
            // A name of a function may be this word.
            Keyword::IS if !quoted && opens => {
                let name = ident(w, word.span);
                parser.advance_token();
                Some(parser.parse_function(ObjectName::from(vec![name])))
            }
            // Reserved by Postgres too: here something is missing.
            Keyword::AND
            | Keyword::OR
            | Keyword::THEN
            | Keyword::ELSE
            | Keyword::END
            | Keyword::WHEN
            | Keyword::IS
            | Keyword::IN
            | Keyword::FROM
            | Keyword::WHERE
            | Keyword::HAVING
            | Keyword::AS
            | Keyword::ON
            | Keyword::USING
            | Keyword::UNION
            | Keyword::INTERSECT
            | Keyword::EXCEPT
            | Keyword::LIMIT
            | Keyword::OFFSET
            | Keyword::ASC
            | Keyword::DESC
            | Keyword::SELECT
                if !quoted =>
            {
                Some(unexpected(parser))
            }
            Keyword::LIKE | Keyword::ILIKE if !quoted && !opens => Some(unexpected(parser)),
            Keyword::SYMMETRIC | Keyword::ASYMMETRIC if !quoted => {
                Some(forms::prefixed(parser, self.prec_value(Precedence::Between)))
            }
            Keyword::VARIADIC if !quoted => Some(forms::prefixed(parser, NONE)),
            Keyword::NOT if !quoted => {
                parser.advance_token();
                Some(parser.parse_not())
            }
            Keyword::EXISTS if !quoted => {
                parser.advance_token();
                Some(parser.parse_exists_expr(false))
            }
            Keyword::ARRAY if !quoted && *next == Token::LBracket => {
                parser.advance_token();
                parser.advance_token();
                Some(parser.parse_array_expr(true))
            }
            keyword if quoted || keyword == Keyword::NoKeyword || plain(keyword) => {
                let xml = !quoted && w.value.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("xml"));
                if xml {
                    return None;
                }
                if string && (quoted || keyword == Keyword::NoKeyword) {
                    if w.value.starts_with('_') && !quoted {
                        return None;
                    }
                    return Some(forms::typed(parser));
                }
                if matches!(next, Token::Period)
                    && matches!(parser.peek_nth_token_ref(3).token, Token::SingleQuotedString(_))
                    && matches!(parser.peek_nth_token_ref(2).token, Token::Word(_))
                {
                    return Some(forms::typed(parser));
                }
                let ident = ident(w, word.span);
                parser.advance_token();
                Some(if opens {
                    parser.parse_function(ObjectName::from(vec![ident]))
                } else {
                    Ok(Expr::Identifier(ident))
                })
            }
            _ => None,
        }
    }
}

/// Whether Postgres takes the word for the name of a table.
fn may_name(kw: &Keyword) -> bool {
    *kw == Keyword::NoKeyword || specc_facts::may_name_table(&format!("{kw:?}").to_ascii_lowercase())
}

/// Keywords of other systems or other statements that are names in an expression.
fn plain(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::NAME
            | Keyword::TYPE
            | Keyword::STATUS
            | Keyword::VALUE
            | Keyword::ROLE
            | Keyword::OWNER
            | Keyword::ACTION
            | Keyword::PUBLIC
            | Keyword::COUNT
            | Keyword::MIN
            | Keyword::MAX
            | Keyword::SUM
            | Keyword::AVG
            | Keyword::LOWER
            | Keyword::UPPER
            | Keyword::COALESCE
            | Keyword::CONVERT
            | Keyword::NULLIF
            | Keyword::ABS
            | Keyword::DATA
            | Keyword::EVENT
            | Keyword::KEY
            | Keyword::LANGUAGE
            | Keyword::LEVEL
            | Keyword::LOCATION
            | Keyword::MESSAGE
            | Keyword::METADATA
            | Keyword::MODE
            | Keyword::PASSWORD
            | Keyword::RANK
            | Keyword::ROW_NUMBER
            | Keyword::SCHEMA
            | Keyword::SOURCE
            | Keyword::STORAGE
            | Keyword::TAG
            | Keyword::TARGET
            | Keyword::URL
            | Keyword::VERSION
            | Keyword::VIEW
    )
}

pub(crate) fn keyword_after(parser: &Parser, n: usize) -> Keyword {
    match &parser.peek_nth_token_ref(n).token {
        Token::Word(w) if w.quote_style.is_none() => w.keyword,
        _ => Keyword::NoKeyword,
    }
}

pub(crate) fn ident(word: &Word, span: Span) -> Ident {
    Ident { value: word.value.clone(), quote_style: word.quote_style, span }
}

/// The word that comes next.
pub(crate) fn next_ident(parser: &mut Parser) -> Result<Ident, ParserError> {
    let token = parser.next_token();
    match &token.token {
        Token::Word(w) => Ok(ident(w, token.span)),
        _ => parser.expected("a name", token),
    }
}

fn unexpected(parser: &mut Parser) -> Result<Expr, ParserError> {
    let found: TokenWithSpan = parser.peek_token();
    parser.expected("an expression", found)
}

/// Inside `array[…]` an inner array stands without the word.
fn within_array(parser: &Parser) -> bool {
    let before = |n: usize| {
        let at = parser.get_current_index();
        (0..=at).rev().map(|i| &parser.token_at(i).token).filter(|t| !matches!(t, Token::Whitespace(_))).nth(n)
    };
    // The current token is the one before the bracket: `[` or `,` of an outer array.
    match before(0) {
        Some(Token::LBracket) => true,
        Some(Token::Comma) => matches!(before(1), Some(Token::RBracket)),
        _ => false,
    }
}

fn unary(parser: &mut Parser, op: UnaryOperator, level: u8) -> Result<Expr, ParserError> {
    parser.advance_token();
    Ok(Expr::UnaryOp { op, expr: Box::new(parser.parse_subexpr(level)?) })
}
