//! Seed rows: what is an error of the spec is refused by a server, and what is none is taken.

use specc_tests::build::findings;
use specc_tests::stage::said;
use specc_tests::{Layout, Rows, VERSIONS, project_for};

const SHOPS: &str = "
enum stage { draft, live, gone }
domain slug: text? { check value <> '' and char_length(value) <= 8 }
entity shops {
  id:      int  key
  seats:   int = 2
  name:    text
  code:    slug?
  price:   numeric(8, 2) = 1
  opens:   date = '2026-01-01'
  closes:  date?
  stage:   stage = 'draft'
  main:    boolean = false
  check closes_later: closes > opens
  check seats_some: seats between 1 and 9
  check named: name <> '' and length(btrim(name)) < 6
  check priced: price > 0.5 or seats <> 2
  check gone_late: not (stage = 'gone' and closes is null)
  unique (seats) where main
  workflow stage {
    -> draft, gone
    draft -> live
    live -> gone
  }
  rls off
}
entity visits {
  id:      int
  day:     date
  area:    text = 'n'
  shop_id  -> shops
  key (id, day, area)
  limit few: id > 0 per shop_id to shop.seats
  partition by range (day, area)
  partition visits_1 from ('2026-01-01', 'a') to ('2026-02-01', minvalue)
  rls off
}
";

/// Rows of the seeds, and the statements that put them in.
const ROWS: &[(&str, &str)] = &[
    ("shops { id: 1, name: 'a' }", "insert into shops (id, name) values (1, 'a')"),
    ("shops { id: 1, name: 'a', stage: 'live' }", "insert into shops (id, name, stage) values (1, 'a', 'live')"),
    (
        "shops { id: 1, name: 'a', stage: 'gone', closes: '2026-01-02' }",
        "insert into shops (id, name, stage, closes) values (1, 'a', 'gone', '2026-01-02')",
    ),
    ("shops { id: 1, name: 'a', stage: 'gone' }", "insert into shops (id, name, stage) values (1, 'a', 'gone')"),
    ("shops { id: 1, name: 'a', seats: 0 }", "insert into shops (id, name, seats) values (1, 'a', 0)"),
    ("shops { id: 1, name: 'a', seats: 9 }", "insert into shops (id, name, seats) values (1, 'a', 9)"),
    ("shops { id: 1, name: ' abcde ' }", "insert into shops (id, name) values (1, ' abcde ')"),
    ("shops { id: 1, name: 'abcdef' }", "insert into shops (id, name) values (1, 'abcdef')"),
    ("shops { id: 1, name: 'a', code: '' }", "insert into shops (id, name, code) values (1, 'a', '')"),
    ("shops { id: 1, name: 'a', code: null }", "insert into shops (id, name, code) values (1, 'a', null)"),
    ("shops { id: 1, name: 'a', closes: '2026-01-01' }", "insert into shops (id, name, closes) values (1, 'a', '2026-01-01')"),
    ("shops { id: 1, name: 'a', price: 0.50 }", "insert into shops (id, name, price) values (1, 'a', 0.50)"),
    ("shops { id: 1, name: 'a', price: 0.51 }", "insert into shops (id, name, price) values (1, 'a', 0.51)"),
    (
        "shops { id: 1, name: 'a', price: -1, seats: 3 }",
        "insert into shops (id, name, price, seats) values (1, 'a', -1, 3)",
    ),
    (
        "shops { id: 1, name: 'a', main: true }\n  shops { id: 2, name: 'b', main: true }",
        "insert into shops (id, name, main) values (1, 'a', true), (2, 'b', true)",
    ),
    (
        "shops { id: 1, name: 'a', main: true }\n  shops { id: 2, name: 'b' }",
        "insert into shops (id, name, main) values (1, 'a', true), (2, 'b', false)",
    ),
    (
        "shops a { id: 1, name: 'a' }\n  visits { id: 1, day: '2026-01-01', shop_id: a }",
        "insert into shops (id, name) values (1, 'a'); insert into visits values (1, '2026-01-01', 'n', 1)",
    ),
    (
        "shops a { id: 1, name: 'a' }\n  visits { id: 1, day: '2026-02-01', shop_id: a }",
        "insert into shops (id, name) values (1, 'a'); insert into visits values (1, '2026-02-01', 'n', 1)",
    ),
    (
        "shops a { id: 1, name: 'a' }\n  visits { id: 1, day: '2026-01-31', shop_id: 2 }",
        "insert into shops (id, name) values (1, 'a'); insert into visits values (1, '2026-01-31', 'n', 2)",
    ),
    (
        "shops a { id: 1, name: 'a' }\n  visits { id: 1, day: '2026-01-03', shop_id: 1 }\n  visits { id: 2, day: '2026-01-03', shop_id: a }",
        "insert into shops (id, name) values (1, 'a'); insert into visits values (1, '2026-01-03', 'n', 1), (2, '2026-01-03', 'n', 1)",
    ),
    (
        "shops a { id: 1, name: 'a' }\n  visits { id: 1, day: '2026-01-03', shop_id: 1 }\n  visits { id: 2, day: '2026-01-03', shop_id: a }
         visits { id: 3, day: '2026-01-04', shop_id: a }",
        "insert into shops (id, name) values (1, 'a');
         insert into visits values (1, '2026-01-03', 'n', 1), (2, '2026-01-03', 'n', 1), (3, '2026-01-04', 'n', 1)",
    ),
];

#[test]
fn rows_that_a_server_refuses_are_errors_and_no_others() {
    let built = project_for(Layout::Postgres, SHOPS);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        for (rows, statement) in ROWS {
            let found = findings(&format!("{SHOPS}\nseed base {{\n  {rows}\n}}\n"));
            let codes: Vec<&str> = found
                .iter()
                .map(|(code, _)| code.as_str())
                .filter(|code| code.starts_with("E08") || *code == "E0336")
                .collect();
            let done = owner.batch_execute(&format!("begin; {statement}; commit"));
            let refused = done.as_ref().err().map(said);
            assert_eq!(!codes.is_empty(), refused.is_some(), "version {major}: {rows}: {codes:?}, {refused:?}");
            owner.batch_execute("rollback; truncate visits, shops").unwrap();
        }
    }
}
