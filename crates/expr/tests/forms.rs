//! What is read, how it is printed, and how refusals read.

#![allow(clippy::disallowed_methods)]

use specc_diag::{FileId, Span, codes};
use specc_expr::{MAX_EXPR_TOKENS, expr_span, ident_span, lower_keywords, parse_expr, parse_query, print_expr};
use sqlparser::ast::{BinaryOperator, Expr};

fn at(text: &str) -> Span {
    Span::new(FileId(0), 100, 100 + text.len())
}

fn printed(text: &str) -> String {
    print_expr(&parse_expr(text, at(text)).unwrap_or_else(|d| panic!("{text}: {}", d.message)))
}

/// The message and the text under the place.
fn refused(text: &str) -> (String, String) {
    let d = parse_expr(text, at(text)).expect_err(text);
    let span = d.span();
    (d.message, text[span.start as usize - 100..span.end as usize - 100].to_string())
}

#[test]
fn common_forms_print_as_written() {
    for text in [
        "a at time zone 'utc'",
        "a is distinct from b and c",
        "a not similar to '%x' escape '!'",
        "(a.b)[1]",
        "a[1:2]",
        "(f(x)).y",
        "a operator(pg_catalog.+) b",
        "id = any(array(select id from t))",
        "tags @> any(array['{a}'])",
        "row(1, 2) = row(a, b)",
        "interval '7 days'",
        "extract(epoch from a)",
        "overlay('abc' placing 'x' from 2 for 1)",
        "position('a' in b)",
        "trim(both ' ' from a)",
        "inet '10.0.0.1'",
        "public.mood 'happy'",
        "a ?| array['k']",
        "a #- '{a}'",
        "v @@ to_tsquery('x')",
        "a -|- b",
        "e <=> '[1,2]' < 0.5",
        "e <+> f",
        "a::text collate \"C\" = b",
        "count(*) filter (where a > 1)",
        "percentile_cont(0.5) within group (order by a)",
        "a::public.mood[]",
        "make_interval(days => 7)",
        "make_interval(days := 7)",
        "f(variadic array[1, 2])",
        "array[[1, 2], [3, 4]]",
        "a between symmetric 1 and 2",
        "a like any (array['x'])",
        "(a, b) overlaps (c, d)",
        "not exists (select 1)",
        "case a when 1 then 'x' else 'y' end",
        "a is not json",
        "count(t.*)",
        "exists s.members(user_id = viewer)",
        "not exists s.members(a = (select max(b) from t where exists q(x)))",
        "(storage.foldername(name))[1] = auth.uid()::text",
        "$x$A'b$x$ || E'it\\'s ON' || \"On\"",
    ] {
        assert_eq!(printed(text), text);
    }
}

#[test]
fn a_sign_never_becomes_a_comment_or_another_operator() {
    assert_eq!(printed("- - 1"), "- -1");
    assert_eq!(printed("- @ a"), "- @ a");
    assert_eq!(printed("@ -5 + 2"), "@ -5 + 2");
    assert_eq!(printed("0x1F"), "0x1f");
    assert_eq!(printed("U&'\\0041'"), "'A'");
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
fn parts_put_in_get_their_parentheses() {
    let put = |outer: &str, inner: &str| {
        let mut outer = parse_expr(outer, at(outer)).unwrap();
        let inner = parse_expr(inner, at(inner)).unwrap();
        match &mut outer {
            Expr::BinaryOp { left, .. } | Expr::AtTimeZone { timestamp: left, .. } => **left = inner,
            Expr::UnaryOp { expr, .. } | Expr::Cast { expr, .. } | Expr::IsNull(expr) => **expr = inner,
            Expr::InList { expr, .. } => **expr = inner,
            _ => panic!(),
        }
        print_expr(&outer)
    };
    assert_eq!(put("x and y", "a or b"), "(a or b) and y");
    assert_eq!(put("x or y", "a and b"), "a and b or y");
    assert_eq!(put("not x", "a or b"), "not (a or b)");
    assert_eq!(put("x::text", "-1"), "(-1)::text");
    assert_eq!(put("x::text", "a ->> 'b'"), "(a ->> 'b')::text");
    assert_eq!(put("x is null", "a = b"), "a = b is null");
    assert_eq!(put("x is null", "a and b"), "(a and b) is null");
    assert_eq!(put("x = y", "a = b"), "(a = b) = y");
    assert_eq!(put("x in (1)", "a = b"), "(a = b) in (1)");
    assert_eq!(put("x at time zone 'utc'", "a + b"), "(a + b) at time zone 'utc'");
    assert_eq!(put("x * y", "case when a then 1 end"), "case when a then 1 end * y");
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
        assert_eq!(print_expr(&copy), text);
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

#[test]
fn lowercase_leaves_texts_alone() {
    assert_eq!(
        lower_keywords("SELECT 'A', E'B\\'C', \"D\", $T$E$T$, x$A -- F\n, $1 /* G */ FROM É"),
        "select 'A', E'B\\'C', \"D\", $T$E$T$, x$a -- F\n, $1 /* G */ from É"
    );
}
