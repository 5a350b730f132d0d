//! Formulas printed: in the author's words, with the parentheses that they need, and every literal as its value.

use proptest::prelude::*;
use specc_diag::{FileId, Span};
use specc_expr::parse_expr;
use specc_model::Model;
use specc_model::formula::{Formula, Node, Part, Plain, Value, print};
use specc_model::scope::Scope;
use specc_model::typing::{Expect, Place, check};

fn formula(text: &str) -> Formula {
    let at = Span::new(FileId(0), 100, 100 + text.len());
    let ast = parse_expr(text, at).unwrap_or_else(|d| panic!("{text}: {}", d.message));
    check(&Model::default(), &Scope::default(), &ast, text, at, Expect::any(Place::Query), &mut Vec::new())
}

fn printed(text: &str) -> String {
    print(&formula(text), &mut Plain)
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
        "f(variadic array[1, 2])",
        "array[[1, 2], [3, 4]]",
        "a between symmetric 1 and 2",
        "a like any (array['x'])",
        "(a, b) overlaps (c, d)",
        "not exists (select 1)",
        "case a when 1 then 'x' else 'y' end",
        "a is not json",
        "count(t.*)",
        "(storage.foldername(name))[1] = auth.uid()::text",
        "$x$A'b$x$ || E'it\\'s ON' || \"On\"",
    ] {
        assert_eq!(printed(text), text);
    }
}

#[test]
fn a_sign_never_becomes_a_comment_or_another_operator() {
    assert_eq!(printed("- - 1"), "- -1");
    assert_eq!(printed("- @ a"), "- (@ a)");
    assert_eq!(printed("@ -5 + 2"), "@ -5 + 2");
    assert_eq!(printed("0x1F"), "0x1f");
    assert_eq!(printed("U&'\\0041'"), "'A'");
}

#[test]
fn parts_put_in_get_their_parentheses() {
    let put = |outer: &str, inner: &str| {
        let mut outer = formula(outer);
        let inner = formula(inner);
        match &mut outer.node {
            Node::Binary(_, sides) => sides.0 = inner,
            Node::Not(of) | Node::IsNull(of, _) => **of = inner,
            Node::Cast(cast) => cast.of = inner,
            Node::InList(list, _) => list.0 = inner,
            Node::Form(form) => match &mut form.parts[0] {
                Part::Operand(of, _) => *of = inner,
                _ => panic!("no operand"),
            },
            _ => panic!("nothing to put it into"),
        }
        print(&outer, &mut Plain)
    };
    assert_eq!(put("x and y", "a or b"), "(a or b) and y");
    assert_eq!(put("x or y", "a and b"), "a and b or y");
    assert_eq!(put("not x", "a or b"), "not (a or b)");
    assert_eq!(put("not x", "a and b"), "not (a and b)");
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
fn a_literal_is_its_value() {
    assert_eq!(printed("'a''''b'"), "'a''''b'");
    assert_eq!(printed(r"c <> '\''; drop table x; --'"), r"c <> '\''; drop table x; --'");
    assert_eq!(printed(r"p !~ '^\''[A-Z]+\''$'"), r"p !~ '^\''[A-Z]+\''$'");
    assert_eq!(
        printed(r"(select U&'\0041''''B' from t where x = 'a''b')"),
        "(select 'A''''B' from t where x = 'a''b')"
    );
    assert_eq!(printed("replace(path, '''', '''''')"), "replace(path, '''', '''''')");
    assert_eq!(printed(r"E'\\\' x' || 'y'"), r"E'\\\' x' || 'y'");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_string_is_read_again_as_what_it_was(text in r#"[a-zA-Zé \'"$;\n\t-]{0,12}"#, within in 0..4usize) {
        for spelling in [Value::Text(text.as_str().into()), Value::Escaped(text.as_str().into())] {
            let written = spelling.sql();
            let whole = match within {
                0 => written.clone(),
                1 => format!("lower({written})"),
                2 => format!("(select c from t where c <> {written})"),
                _ => format!("case when c = {written} then 1 end"),
            };
            let once = printed(&whole);
            prop_assert!(once.contains(&written), "{whole} became {once}");
            prop_assert_eq!(printed(&once), once);
            if within == 0 {
                let Node::Literal(value) = formula(&written).node else { panic!("a literal") };
                prop_assert_eq!(value.text(), Some(&*text));
            }
        }
    }
}
