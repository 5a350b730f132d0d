//! Statements end where Postgres says, whatever is in them.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use specc_runner::{Kind, Script, classify, split};

fn texts(text: &str) -> Vec<&str> {
    split(text).unwrap().iter().map(|piece| piece.text).collect()
}

#[test]
fn semicolons_that_end_nothing() {
    let whole = [
        "select ';', E'\\';', 'a'';b', $$;$$, $a$ ; $$ ; $a$, \";\" -- ;\n",
        "select /* ; /* ; */ ; */ 1",
        "select 'a' /* ' */ , b$a$;b$a$",
        "create rule r as on insert to t do also (insert into u values (1); insert into v values (2))",
        "create function f() returns int language sql begin atomic select 1; select case when true then 2 else 3 end; end",
        "create or replace procedure p() language sql begin atomic insert into t values (1); end",
        "create function f() returns int as $f$ begin return 1; end; $f$ language plpgsql",
        "select E'a'\n  'it\\'s;'",
        "select U&\"d\\0061;t\", U&'\\0061;', B'1', x'1f'",
        "select 1$$;$$",
        "select a[1:2], b::int, c->>'x;'",
        "do $do$ begin execute $e$select ';'$e$; end $do$",
    ];
    for text in whole {
        let want = text.trim_end().trim_end_matches("-- ;").trim_end();
        if text.contains("b$a$;b$a$") {
            // A dollar sign inside a name begins no body.
            assert_eq!(texts(text), ["select 'a' /* ' */ , b$a$", "b$a$"]);
        } else {
            assert_eq!(texts(text), [want], "{text}");
        }
        assert_eq!(texts(&format!("select 1;{text};select 2")).len(), 2 + texts(text).len(), "{text}");
    }
}

#[test]
fn begin_is_only_a_body_in_a_routine() {
    assert_eq!(
        texts("begin; select 1; end; begin atomic; select 2"),
        ["begin", "select 1", "end", "begin atomic", "select 2"]
    );
}

#[test]
fn lines_are_those_of_the_first_word() {
    let pieces = split("-- a\n\n/* b\n*/ select 1;\n\n;;\nselect\n2;\n").unwrap();
    assert_eq!(
        pieces.iter().map(|piece| (piece.line, piece.text)).collect::<Vec<_>>(),
        [(4, "select 1"), (7, "select\n2")]
    );
}

#[test]
fn what_only_psql_understands_is_refused_with_its_line() {
    for (text, line, said) in [
        ("select 1;\n\\connect other\n", 2, "command of psql"),
        ("\n\ncopy t (a) from stdin;\n1\t'\n\\.\n", 3, "`copy` from stdin"),
        ("copy t to stdout;", 1, "`copy` from stdin"),
        ("select 'a", 1, "string"),
        ("\nselect $x$ $y$", 2, "dollar"),
        ("select 1 /* /* */", 1, "comment"),
        ("select \"a", 1, "quoted name"),
        ("select 1;\nselect '\0', \0;", 2, "zero byte"),
    ] {
        let error = split(text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.message.contains(said), "{text}: {error}");
    }
    assert_eq!(texts("copy t from '/tmp/x'; select '\\.'; select stdin from copy").len(), 3);
}

#[test]
fn statements_are_told_apart() {
    let index =
        |name: Option<&str>, table: &str| Kind::CreateIndex { name: name.map(str::to_owned), table: table.into() };
    for (text, kind) in [
        ("create index concurrently a on b (c)", index(Some("a"), "b")),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"A\"\"b\" ON ONLY public.\"T\" USING btree (c)",
            index(Some("A\"b"), "public.\"T\""),
        ),
        ("create index /* x */ concurrently on b (c)", index(None, "b")),
        ("create index a on b (c)", Kind::Plain),
        ("drop index concurrently if exists s.a", Kind::DropIndex { index: "s.a".into() }),
        ("reindex (verbose) index concurrently s.a", Kind::Reindex { index: Some("s.a".into()) }),
        ("reindex table concurrently s.t", Kind::Reindex { index: None }),
        (
            "alter table only a.p detach partition a.c concurrently",
            Kind::Detach { table: "a.p".into(), partition: "a.c".into() },
        ),
        ("alter table p detach partition c", Kind::Plain),
        ("vacuum (analyze) t", Kind::Upkeep),
        ("do $$ begin commit; end $$", Kind::Block),
        ("call p()", Kind::Outside),
        ("alter system set x = 1", Kind::Outside),
        ("set lock_timeout = '1s'", Kind::Setting),
        ("select pg_catalog.set_config('search_path', '', false)", Kind::Setting),
        ("set constraints all deferred", Kind::Plain),
        ("start transaction", Kind::Begin),
        ("end", Kind::Commit),
        ("rollback to savepoint a", Kind::Plain),
        ("rollback", Kind::Rollback),
        ("alter type t add value 'x'", Kind::Plain),
    ] {
        assert_eq!(classify(text), kind, "{text}");
    }
}

#[test]
fn a_file_is_one_transaction_unless_it_cannot_be() {
    let read = |text: &str| Script::read(text).unwrap();
    assert!(read("create table a (b int); alter table a add c int").transaction);
    assert!(!read("-- a title\n-- specc: no-transaction\nselect 1").transaction);
    assert!(read("select 1; -- specc: no-transaction").transaction);
    assert!(!read("create index concurrently a on b (c)").transaction);
    assert_eq!(
        read("-- specc: loses column a.b\n-- specc: loses all rows of c\nselect 1").loses,
        ["column a.b", "all rows of c"]
    );
    let wrapped = read("begin;\nselect 1;\nselect 2;\ncommit;\n");
    assert_eq!((wrapped.transaction, wrapped.steps.len(), wrapped.steps[1].line), (true, 2, 3));
    assert!(Script::read("select 1; commit; select 2").unwrap_err().message.contains("two files"));
    let grouped = read("-- specc: no-transaction\nselect 0; begin; select 1; select 2; commit; vacuum t");
    assert_eq!(
        grouped.steps.iter().map(|step| step.text.as_str()).collect::<Vec<_>>(),
        ["select 0", "select 1; select 2", "vacuum t"]
    );
    assert!(Script::read("-- specc: no-transaction\nbegin; vacuum t; commit").is_err());
    assert!(Script::read("-- specc: no-transaction\nbegin; select 1").unwrap_err().message.contains("no `commit`"));
}

/// A part of a statement that has its own idea of semicolons and quotes. A plain string has no backslash: in the line after
/// a string with escapes it would be a part of that.
fn part() -> impl Strategy<Value = String> {
    let inside = "[a-z;$'\"\\\\ /*\n-]{0,12}";
    prop_oneof![
        "[a-z_][a-z0-9_]{0,6}",
        "[0-9]{1,4}",
        inside.prop_map(|s| format!("'{}'", s.replace('\\', "/").replace('\'', "''"))),
        inside.prop_map(|s| format!("E'{}'", s.replace('\\', "\\\\").replace('\'', "\\'"))),
        inside.prop_map(|s| format!("\"{}\"", s.replace('"', "\"\""))),
        inside.prop_map(|s| format!("$q_1${}$q_1$", s)),
        inside.prop_map(|s| format!("$${}$$", s.replace('$', "."))),
        "[a-z;'\" ]{0,8}".prop_map(|s| format!("/* {s} /* ; */ */")),
        "[a-z;'\" ]{0,8}".prop_map(|s| format!("-- {s}\n")),
        "[a-z;]{0,3}".prop_map(|s| format!("( '{s}' ; 1 )")),
    ]
}

fn statement() -> impl Strategy<Value = String> {
    // Words between blanks: no two parts run into each other; the last one is no comment.
    let parts = prop::collection::vec(part(), 0..6);
    let plain = (parts, "[a-z]{1,5}").prop_map(|(parts, last)| format!("select {} {last}", parts.join(" ")));
    let body = (
        prop::collection::vec("select case when a then 1 end|insert into t values \\(1\\)", 1..4),
        "function|procedure",
    )
        .prop_map(|(body, what)| format!("create {what} f() begin atomic {}; end", body.join("; ")));
    prop_oneof![4 => plain, 1 => body]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn joined_statements_come_apart_again(all in prop::collection::vec((statement(), "[ \n;]{0,3}|-- x;\n|/\\*;\\*/"), 0..8)) {
        let text: String = all.iter().map(|(statement, between)| format!("{between}{statement};")).collect();
        let pieces = split(&text).unwrap();
        let wanted: Vec<_> = all.iter().map(|(statement, _)| statement.as_str()).collect();
        prop_assert_eq!(pieces.iter().map(|piece| piece.text).collect::<Vec<_>>(), wanted);
        for piece in &pieces {
            prop_assert_eq!(&text[piece.start..piece.start + piece.text.len()], piece.text);
            prop_assert_eq!(piece.line, 1 + text[..piece.start].matches('\n').count());
        }
    }

    #[test]
    fn any_text_is_taken_apart_or_refused(text in "[a-zE;$'\"\\\\/* \n().-]{0,60}") {
        if let Ok(pieces) = split(&text) {
            for piece in pieces {
                // Each is one statement again, alone.
                prop_assert_eq!(split(piece.text).unwrap().iter().map(|p| p.text).collect::<Vec<_>>(), [piece.text]);
                let _ = classify(piece.text);
            }
        }
        let _ = Script::read(&text);
    }
}
