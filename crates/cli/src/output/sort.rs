//! What a file of specc's has in it, told by how it begins: one that is written by name replaces none of another sort.

use specc_catalog::{MARK, STORED_HEAD};

/// Bytes of a file that tell what it is.
pub const HEAD: usize = 1024;

/// What a file that begins like this has in it, for a message; empty where nothing says that specc wrote it.
pub fn sort(head: &str) -> String {
    let Some((before, after)) = head.split_once(MARK) else {
        return if head.starts_with(STORED_HEAD) { "a stored catalog".to_owned() } else { String::new() };
    };
    let first = after.lines().skip(1).find(|line| !line.trim().is_empty()).unwrap_or_default();
    let title = before.split_once("\"title\":").and_then(|(_, title)| title.trim_start().strip_prefix('"'));
    let found = match before.trim() {
        "//" if first.starts_with("import ") => "schemas of zod",
        "//" if first.starts_with("export ") => "types of TypeScript",
        "//" => "structs of Rust",
        "<!--" if first.starts_with("# Data flows of ") => "a map of data flows",
        "<!--" => "a page",
        "%%" => "a diagram",
        json if json.contains("\"openapi\"") => {
            let title = title.and_then(|title| title.split("\",").next().or(Some(title)));
            return format!("a document of OpenAPI, \"{}\"", title.unwrap_or_default().trim_end_matches('"'));
        }
        json if json.contains("\"$comment\"") => "metadata for generators",
        json if json.starts_with('{') => "a map of data flows for programs",
        sql if sql.starts_with("--") => "SQL",
        _ => "something else",
    };
    found.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_how_it_begins() {
        let is = |head: &str| sort(&head.replace("MARK", MARK));
        assert_eq!(is("mine"), "");
        assert_eq!(is("// MARK\n\nimport { z } from \"zod\"\n"), "schemas of zod");
        // A formatter has been over it.
        assert_eq!(is("// MARK\nimport { z } from 'zod';\n"), "schemas of zod");
        assert_eq!(is("// MARK\n"), "structs of Rust");
        assert_eq!(is("-- shop: first\n-- MARK\n"), "SQL");
        let api = "{\"openapi\": \"3.1.0\", \"info\": {\"title\": \"The API as `a`\", \"description\": \"MARK\"}}";
        assert_eq!(is(api), "a document of OpenAPI, \"The API as `a`\"");
    }
}
