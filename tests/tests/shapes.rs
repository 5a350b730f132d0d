//! Shapes of JSON: which values their checks let pass on Postgres 15 and 18, and that they are read back as they were.

use specc_tests::build::{Layout, project_for};
use specc_tests::{Rows, VERSIONS};

const SPEC: &str = "enum theme { light, dark }

entity accounts {
  id:       int  key identity
  settings: jsonb?  shape { theme: theme, \"fontSize\": int?, tags: text[], home: { city: text, at: { x: numeric, on: boolean }[] }?, more: jsonb, grid: int[][]?, any: jsonb[]? }

  rls off
}
";

/// A value, and whether it has the shape.
const VALUES: &[(&str, bool)] = &[
    (r#"{"theme": "dark", "tags": [], "more": null}"#, true),
    (r#"{"theme": "dark", "tags": ["a"], "more": [1], "else": 1, "fontSize": 12}"#, true),
    (r#"{"theme": "dark", "tags": [], "more": {}, "fontSize": null, "home": null}"#, true),
    (r#"{"theme": "light", "tags": [], "more": 1, "home": {"city": "x", "at": [{"x": 1.5, "on": true}]}}"#, true),
    (r#"{"theme": "light", "tags": [], "more": 1, "fontSize": 12.0, "home": {"city": "x", "at": []}}"#, true),
    (r#"{"theme": "dark", "tags": [], "more": 1, "grid": [[1, 2], []], "any": [1, [2], null]}"#, true),
    (r#"{"theme": "dark", "tags": [], "more": 1, "grid": [1]}"#, false),
    (r#"{"theme": "dark", "tags": [], "more": 1, "grid": [[[1]]]}"#, false),
    (r#"{"theme": "dark", "tags": [], "more": 1, "grid": [[1.5]]}"#, false),
    (r#"{"theme": "dark", "tags": [], "more": 1, "any": {}}"#, false),
    ("[]", false),
    ("null", false),
    ("1", false),
    ("{}", false),
    (r#"[{"theme": "dark", "tags": [], "more": null}]"#, false),
    (r#"{"theme": "dark", "tags": []}"#, false),
    (r#"{"theme": "blue", "tags": [], "more": 1}"#, false),
    (r#"{"theme": ["dark"], "tags": [], "more": 1}"#, false),
    (r#"{"theme": null, "tags": [], "more": 1}"#, false),
    (r#"{"theme": "dark", "tags": "a", "more": 1}"#, false),
    (r#"{"theme": "dark", "tags": [1], "more": 1}"#, false),
    (r#"{"theme": "dark", "tags": ["a", null], "more": 1}"#, false),
    (r#"{"theme": "dark", "tags": [["a"]], "more": 1}"#, false),
    (r#"{"theme": "dark", "tags": [], "more": 1, "fontSize": 1.5}"#, false),
    (r#"{"theme": "dark", "tags": [], "more": 1, "fontSize": "1"}"#, false),
    (r#"{"theme": "dark", "tags": [], "more": 1, "fontSize": [1]}"#, false),
    (r#"{"theme": "dark", "tags": [], "more": 1, "home": {"city": 1, "at": []}}"#, false),
    (r#"{"theme": "dark", "tags": [], "more": 1, "home": [{"city": "x", "at": []}]}"#, false),
    (r#"{"theme": "dark", "tags": [], "more": 1, "home": {"city": "x", "at": [{"x": 1}]}}"#, false),
    (r#"{"theme": "dark", "tags": [], "more": 1, "home": {"city": "x", "at": [{"x": 1, "on": 1}]}}"#, false),
];

#[test]
fn a_check_lets_pass_what_has_the_shape() {
    let built = project_for(Layout::Postgres, SPEC);
    let sql: String = built.migrations().into_iter().map(|(_, text)| text).collect();
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().expect("a session");
        owner.batch_execute("insert into accounts (settings) values (null)").expect("a null has any shape");
        for (value, fits) in VALUES {
            let done = owner.batch_execute(&format!("insert into accounts (settings) values ('{value}')"));
            assert_eq!(done.is_ok(), *fits, "{value} on {major}");
        }
        let row = owner
            .query_one("select pg_get_expr(conbin, conrelid), provolatile::text from pg_constraint, pg_proc where conname = 'accounts_settings_check' and proname = 'jsonb_path_match'", &[])
            .expect("the check");
        let (text, volatility): (String, String) = (row.get(0), row.get(1));
        assert_eq!(volatility, "i");
        let (column, shape) = specc_sql::read_shape(&text).expect("it is read back");
        assert_eq!(column, "settings");
        // As Postgres shows it, it is as it was written.
        let written = specc_sql::shape_check(&column, &shape);
        assert!(sql.contains(&written), "{written}\n{sql}");
        assert_eq!(text.trim_start_matches('(').trim_end_matches(')'), written.trim_end_matches(')'));
    }
}
