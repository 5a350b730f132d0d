//! The answers of a request that goes wrong: one for each status.

use crate::errors::Error;
use crate::json::Json;
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// One answer for each status.
pub(crate) fn of(errors: Vec<Error>) -> Vec<(String, Json)> {
    let mut by_status: BTreeMap<&str, BTreeMap<SmolStr, Vec<String>>> = BTreeMap::new();
    for (code, status, what) in errors {
        let what = what.words(|name| format!("`{name}`"));
        let said = by_status.entry(status).or_default().entry(code).or_default();
        if !said.contains(&what) {
            said.push(what);
        }
    }
    let answer = |(status, codes): (&str, BTreeMap<SmolStr, Vec<String>>)| {
        let lines: Vec<String> = codes.iter().map(|(code, said)| format!("- `{code}`: {}", said.join(", "))).collect();
        let code = Json::object([(
            "properties",
            Json::object([("code", Json::object([("enum", Json::texts(codes.into_keys()))]))]),
        )]);
        let schema = Json::object([("allOf", Json::List(vec![Json::to("schemas", "Error"), code]))]);
        let content = Json::object([("application/json", Json::object([("schema", schema)]))]);
        (status.to_owned(), Json::object([("description", Json::text(lines.join("\n"))), ("content", content)]))
    };
    by_status.into_iter().map(answer).collect()
}
