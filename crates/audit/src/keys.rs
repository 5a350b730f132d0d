//! Keys in the code of clients: what lets its holder past row level security.

use crate::check::{BASE, Check, How, Need, Section, Seen, Severity};
use crate::look::{Look, Refusal, Row};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A file of code.
pub struct Text {
    /// Where it lies.
    pub path: String,
    /// What is in it; none where it is no text, or too long.
    pub text: Option<String>,
}

/// The checks.
pub const ALL: &[Check] = &[Check {
    name: "secret_in_code",
    section: Section::Integration,
    severity: Severity::Error,
    asks: "keys of the service role, secret keys and addresses with passwords in the code of clients",
    says: "{path}:{line} has {what}",
    why: "whoever opens the page reads it, and then every row",
    mend: "take it out of {path}, make a new one at the provider, and end the old one: it stays in the history of the repository",
    needs: &[Need::Code],
    how: How::Asked(code),
    ..BASE
}];

fn code(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let mut seen = Seen::default();
    for file in look.subject.code.iter().flatten() {
        let Some(text) = &file.text else {
            seen.unseen.push(format!("{}: it is no text, or longer than is read: look at it yourself", file.path));
            continue;
        };
        for (line, what) in secrets(text) {
            let mut row = Row::new();
            row.insert("object".into(), json!(format!("{} {what}", file.path)));
            row.insert("path".into(), json!(file.path));
            row.insert("line".into(), json!(line));
            row.insert("what".into(), json!(what));
            seen.rows.push(row);
        }
    }
    Ok(seen)
}

/// Secrets in a text: the line, and what sort. Never the secret itself.
pub fn secrets(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let words = line
            .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '(' | ')' | '<' | '>'));
        let mut here: Vec<&'static str> = words.flat_map(parts).filter_map(kind).collect();
        here.dedup();
        found.extend(here.into_iter().map(|what| (at + 1, what)));
    }
    found
}

/// A word, and what stands behind an equals sign in it.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    std::iter::once(word).chain(word.split_once('=').map(|(_, behind)| behind))
}

/// What a word is, if it is a secret.
fn kind(word: &str) -> Option<&'static str> {
    let is_key = |rest: &str, least: usize| {
        rest.len() >= least && rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    };
    if word.strip_prefix("sb_secret_").is_some_and(|rest| is_key(rest, 8)) {
        return Some("a secret key of Supabase (sb_secret_…)");
    }
    if word.strip_prefix("sbp_").is_some_and(|rest| is_key(rest, 30)) {
        return Some("an access token of Supabase (sbp_…)");
    }
    if ["sk_live_", "rk_live_"].iter().any(|start| word.strip_prefix(start).is_some_and(|rest| is_key(rest, 10))) {
        return Some("a secret key of Stripe (sk_live_…)");
    }
    if is_service_token(word) {
        return Some("a token of `service_role` (JWT)");
    }
    has_password(word).then_some("an address of a database with a password")
}

/// Whether it is a token whose role is past row level security.
fn is_service_token(word: &str) -> bool {
    let mut parts = word.split('.');
    let (Some(head), Some(body), Some(_)) = (parts.next(), parts.next(), parts.next()) else { return false };
    if !head.starts_with("eyJ") {
        return false;
    }
    let decoded = URL_SAFE_NO_PAD.decode(body.trim_end_matches('=')).ok();
    let claims: Option<Value> = decoded.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    claims.is_some_and(|claims| claims.get("role").and_then(Value::as_str) == Some("service_role"))
}

/// Whether it is an address of Postgres with a password that is no placeholder.
fn has_password(word: &str) -> bool {
    let Some((scheme, rest)) = word.split_once("://") else { return false };
    if !matches!(scheme, "postgres" | "postgresql") {
        return false;
    }
    let Some((login, _)) = rest.rsplit_once('@') else { return false };
    let Some((_, password)) = login.split_once(':') else { return false };
    let is_placeholder = password.starts_with(['$', '[', '{', '<', '%'])
        || password.bytes().all(|b| matches!(b, b'*' | b'.' | b'x' | b'X'))
        || ["password", "PASSWORD", "pass", "secret", "postgres"].contains(&password);
    !is_placeholder
}

#[cfg(test)]
mod tests {
    use super::secrets;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn token(role: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!(
            "{}.{}.{}",
            part(r#"{"alg":"HS256"}"#),
            part(&format!(r#"{{"role":"{role}","iss":"supabase"}}"#)),
            part("signed")
        )
    }

    #[test]
    fn keys_that_pass_the_rules_are_found_and_public_ones_are_not() {
        let service = token("service_role");
        let anon = token("anon");
        let text = format!(
            "const a = createClient(url, '{service}');\nconst b = createClient(url, \"{anon}\");\n\
             KEY=sb_secret_abcdefgh12\nexport const k = 'sb_publishable_abcdefgh12';\n\
             const db = 'postgresql://app:hunter22@db.internal:5432/app?sslmode=require';\n\
             const doc = 'postgresql://app:${{PASSWORD}}@db/app'; // postgres://user:password@host/db\nsk_live_4eC39HqLyjWDarjt\n"
        );
        let lines: Vec<usize> = secrets(&text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 3, 5, 7]);
    }
}
