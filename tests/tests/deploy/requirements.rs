//! The questions of `specc plan`, and what a spec does not meet of the answers.

use super::site::{SPEC, Site};
use std::collections::BTreeMap;

const RICH: &str = "entity customers {
  id:    uuid = gen_random_uuid()  key
  email: text                      unique pii
}

entity orders {
  id:          int            key
  customer_id -> customers    on delete cascade
  placed_at:   timestamptz

  retain 2 years from placed_at
  index (customer_id, placed_at)

  policy {
    owners_read: allow select  to authenticated  when customer_id = viewer
  }
}

realtime {
  orders
}

viewer -> auth.users

bucket receipts {
  size 5 MB
}
";

/// Each answer that is not met, and what is said of it; and beside it one that is.
const ANSWERS: &[(&str, &str, &str, &str)] = &[
    ("Entities", "order: placed_at", "no entity of the spec is `order`", "orders: placed_at, customer_id"),
    ("Entities", "orders: total", "`orders` has no column `total`", "customers"),
    (
        "Roles",
        "authentikated: reads orders",
        "no role of the spec is `authentikated`",
        "authenticated: reads own orders",
    ),
    (
        "Roles",
        "authenticated: adds own orders",
        "no rule lets `authenticated` insert rows of `orders`",
        "service_role: deletes orders",
    ),
    (
        "Roles",
        "service_role: reads own orders",
        "`service_role` reads every row of `orders`, not only its own",
        "service_role: reads orders",
    ),
    (
        "Roles",
        "authenticated: sees orders",
        "`sees orders` is not an answer that can be checked",
        "authenticated: reads some orders",
    ),
    (
        "Roles",
        "authenticated: reads orders",
        "`authenticated` reads only the rows of `orders` that a condition lets through, not every row",
        "authenticated: reads own orders",
    ),
    (
        "Security",
        "orders: closed to authenticated",
        "`authenticated` may select rows of `orders`",
        "orders: closed to anon",
    ),
    (
        "Security",
        "customers.email: secret",
        "the spec does not say that `customers.email` is `secret`",
        "customers.email: pii",
    ),
    ("Security", "orders: kept 1 year", "rows of `orders` are kept 2 years, not 1 year", "orders: kept 2 years"),
    (
        "Security",
        "customers: kept 1 year",
        "nothing says how long rows of `customers` are kept",
        "customers: closed to anon",
    ),
    ("Security", "orders: safe", "`orders: safe` is not an answer that can be checked", "none"),
    (
        "Scale",
        "orders: 200000000 rows",
        "`orders` is to have 200000000 rows, and has no partitions",
        "orders: 1_000_000 rows",
    ),
    ("Scale", "orders: 3000000000 rows", "the key of `orders` counts to 2147483647", "customers: 3000 rows"),
    (
        "Scale",
        "orders: found by placed_at",
        "no index of `orders` begins with placed_at",
        "orders: found by placed_at, customer_id",
    ),
    ("Scale", "customers: found by name", "`customers` has no column `name`", "customers: found by email"),
    ("Scale", "orders: many rows", "`orders: many rows` is not an answer that can be checked", "orders: 0 rows"),
    ("Integrations", "realtime: customers", "the spec has no realtime `customers`", "realtime: orders"),
    ("Integrations", "storage: avatars", "the spec has no storage `avatars`", "storage: receipts"),
    ("Integrations", "search: orders", "the spec has no search `orders`", "none"),
    ("Integrations", "webhook: orders", "the spec has no webhook `orders`", "none"),
    ("Integrations", "schedule: nightly", "the spec has no schedule `nightly`", "none"),
    ("Integrations", "extension: vector", "the spec has no extension `vector`", "none"),
    ("Integrations", "fax: orders", "`fax: orders` is not an answer that can be checked", "none"),
];

const TITLES: [&str; 5] = ["Entities", "Roles", "Security", "Scale", "Integrations"];

/// A file in which one question has this answer, and the others none.
fn file(title: &str, answer: &str) -> String {
    let line = |other: &&str| format!("## {other}\n\n- {}\n\n", if *other == title { answer } else { "none" });
    TITLES.iter().map(line).collect()
}

#[test]
fn each_answer_is_held_against_the_spec() {
    let site = Site::bare(18);
    site.write("shop.dbspec", RICH);
    site.run(&["check"]).ends(0, &[]);
    let plan = ["plan", "--requirements", "requirements.md", "--format", "json"];
    for (title, wrong, says, right) in ANSWERS {
        site.write("requirements.md", &file(title, wrong));
        let ran = site.run(&plan);
        let json: serde_json::Value = serde_json::from_str(ran.out.trim()).expect("JSON");
        let found = json["diagnostics"].as_array().expect("findings");
        let is = |one: &&serde_json::Value| {
            one["code"] == "E0984" && one["message"].as_str().expect("a text").starts_with(says)
        };
        assert!(ran.code == 1 && found.iter().any(|one| is(&one)), "{wrong}: {ran:?}");
        assert!(found.iter().all(|one| one["code"] == "E0984"), "{wrong}: {ran:?}");
        site.write("requirements.md", &file(title, right));
        let ran = site.run(&plan);
        assert_eq!(ran.code, 0, "{right}: {ran:?}");
    }
    // What is asked of one entity in several lines is counted each.
    let mut titles = BTreeMap::new();
    ANSWERS.iter().for_each(|(title, ..)| *titles.entry(title).or_insert(0) += 1);
    assert!(titles.len() == 5 && titles.values().all(|n| *n > 1), "{titles:?}");
}

#[test]
fn questions_are_written_once_and_asked_until_they_are_answered() {
    let site = Site::bare(18);
    let plan = ["plan", "--requirements", "requirements.md"];
    site.run(&plan).ends(0, &["wrote requirements.md"]);
    let questions = site.read("requirements.md");
    assert!(TITLES.iter().all(|title| questions.contains(&format!("## {title}\n"))), "{questions}");
    site.write("shop.dbspec", SPEC);
    let asked = site.run(&plan).ends(1, &["W0430", "0 errors, 5 warnings"]);
    assert!(TITLES.iter().all(|title| asked.err.contains(&format!("nobody has answered `{title}`"))), "{asked:?}");
    assert_eq!(site.read("requirements.md"), questions, "what is there stays");
    // Examples in the questions, and what stands in a block, are no answers; each example can be read as one.
    site.write("requirements.md", &questions.replace("For example: ", "```\n- orders: x\n```\n- none\n\n"));
    site.run(&plan).ends(0, &["0 things"]);
    let examples = questions.replace("For example: `- ", "- ").replace("`, `- ", "\n- ").replace("`\n", "\n");
    site.write("requirements.md", &examples);
    let said = site.run(&plan).ends(1, &["E0984"]);
    assert!(!said.err.contains("is not an answer that can be checked"), "{said:?}");
}

#[test]
fn no_answer_is_passed_over() {
    let site = Site::bare(18);
    site.write("shop.dbspec", RICH);
    let plan = ["plan", "--requirements", "requirements.md"];
    for mark in ["-", "*", "+", "  *"] {
        site.write("requirements.md", &file("Entities", "order").replace("- order", &format!("{mark} order")));
        site.run(&plan).ends(1, &["no entity of the spec is `order`"]);
    }
    let wrong = file("Security", "orders: closed to anon").replace("## Security", "## Securty");
    site.write("requirements.md", &wrong);
    site.run(&plan).ends(1, &["`Securty` is none of the questions", "did you mean `## Security`?", "W0430"]);
    // Text that answers nothing is anybody's.
    let notes = format!("{}## Meeting\n\nAsked on Monday.\n", file("Entities", "orders"));
    site.write("requirements.md", &notes);
    site.run(&plan).ends(0, &[]);
    site.write("requirements.md", &format!("{notes}- nobody knew\n- nobody asked\n"));
    let said = site.run(&plan).ends(1, &["`Meeting` is none of the questions", "text that answers none of"]);
    assert_eq!(said.err.matches("none of the questions").count(), 1, "{said:?}");
}
