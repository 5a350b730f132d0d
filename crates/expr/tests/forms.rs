//! What is read, and how refusals read.

#![allow(clippy::disallowed_methods)]

use specc_diag::{FileId, Span, codes};
use specc_expr::{MAX_EXPR_TOKENS, expr_span, ident_span, parse_expr, parse_query};
use sqlparser::ast::{BinaryOperator, Expr};

fn at(text: &str) -> Span {
    Span::new(FileId(0), 100, 100 + text.len())
}

/// The message and the text under the place.
fn refused(text: &str) -> (String, String) {
    let d = parse_expr(text, at(text)).expect_err(text);
    let span = d.span();
    (d.message, text[span.start as usize - 100..span.end as usize - 100].to_string())
}

#[test]
fn postgres_precedence_holds() {
    let Expr::BinaryOp { op, .. } = parse_expr("-a ^ 2", at("-a ^ 2")).unwrap() else { panic!() };
    assert_eq!(op, BinaryOperator::PGExp);
    let text = "a ~ 'x' || b";
    let Expr::BinaryOp { op, .. } = parse_expr(text, at(text)).unwrap() else { panic!() };
    assert_eq!(op, BinaryOperator::StringConcat);
}

#[test]
fn errors_name_the_place_in_the_authors_words() {
    assert_eq!(refused("a and"), ("expected an operand after `and`".into(), "and".into()));
    assert_eq!(refused("a or or b"), ("expected an operand after `or`, found `or`".into(), "or".into()));
    assert_eq!(refused("é = 'ü' b"), ("expected an operator after `'ü'`, found `b`".into(), "b".into()));
    assert_eq!(refused("(a + (b * c)"), ("expected `)` after `)`".into(), ")".into()));
    assert_eq!(refused("a)"), ("`)` closes nothing".into(), ")".into()));
    assert_eq!(refused("a\n  == b"), ("expected an operator after `a`, found `==`".into(), "==".into()));
    assert_eq!(refused("f(a,)"), ("expected an operand after `,`, found `)`".into(), ")".into()));
    assert_eq!(refused("case when a then"), ("expected an operand after `then`".into(), "then".into()));
    assert_eq!(refused(""), ("expected an operand".into(), "".into()));
    assert_eq!(parse_expr("a = 'x", at("a = 'x")).unwrap_err().code, codes::UNCLOSED);
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = [
        format!("{}1{}", "(".repeat(2_000), ")".repeat(2_000)),
        format!("{}1", "- ".repeat(2_000)),
        format!("{}a", "not ".repeat(2_000)),
        format!("{}1{}", "f(".repeat(1_500), ")".repeat(1_500)),
        format!("a{}", " notnull".repeat(2_400)),
        format!("a{}", "::int".repeat(2_400)),
        vec!["a"; 1_200].join(" + "),
        "exists a (".repeat(900) + "b" + &")".repeat(900),
        "case when ".repeat(1_000),
        vec!["a"; MAX_EXPR_TOKENS].join(","),
        "[".repeat(4_000),
        format!("array{}", "[".repeat(2_000)),
        "(select ".repeat(1_500),
    ];
    for text in deep {
        let d = std::thread::spawn(move || parse_expr(&text, at(&text)).expect_err("too deep")).join().unwrap();
        assert!(d.code == codes::TOO_DEEP || d.code == codes::BAD_EXPRESSION, "{}", d.message);
    }
}

#[test]
fn what_is_accepted_can_be_walked_on_a_small_stack() {
    let text = vec!["a"; 450].join(" or ");
    std::thread::spawn(move || {
        let expr = parse_expr(&text, at(&text)).unwrap();
        let copy = expr.clone();
        assert_eq!(copy, expr);
        assert!(format!("{expr:?}").len() > 1_000);
    })
    .join()
    .unwrap();
}

#[test]
fn a_long_query_is_read() {
    let list = (0..5_000).map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", ");
    let text = format!("select * from t where a in ({list});");
    parse_query(&text, at(&text)).unwrap();
    let text = format!("select {}", vec!["a"; 20_000].join(" + "));
    assert_eq!(parse_query(&text, at(&text)).unwrap_err().code, codes::TOO_DEEP);
}

#[test]
fn spans_are_exact_in_bytes() {
    let text = "é = 1\n  and ünï.\"Tägë\" = f(b, (c))";
    let expr = parse_expr(text, at(text)).unwrap();
    let Expr::BinaryOp { right, .. } = &expr else { panic!() };
    let Expr::BinaryOp { left, right: call, .. } = &**right else { panic!() };
    let Expr::CompoundIdentifier(parts) = &**left else { panic!() };
    let of = |s: Span| &text[s.start as usize - 100..s.end as usize - 100];
    assert_eq!(of(ident_span(&parts[0], text, at(text))), "ünï");
    assert_eq!(of(ident_span(&parts[1], text, at(text))), "\"Tägë\"");
    assert_eq!(of(expr_span(call, text, at(text))), "f(b, (c))");
    assert_eq!(of(expr_span(&expr, text, at(text))), text);
    for text in ["(a)::numeric(10, 2)[]", "f(x)::double precision", "count(*)", "now()", "(select 1)", "a[1]", "(a, b)"]
    {
        let expr = parse_expr(text, at(text)).unwrap();
        let s = expr_span(&expr, text, at(text));
        assert_eq!(&text[s.start as usize - 100..s.end as usize - 100], text);
    }
}
