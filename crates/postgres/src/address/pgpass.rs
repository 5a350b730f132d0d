//! Passwords from `.pgpass`.

use super::home;
use super::parse::Settings;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// The password of the first line that fits, from a file that nobody else can read.
pub(super) fn find(settings: &Settings, env: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let file = settings.get("passfile").map(PathBuf::from).or_else(|| Some(home(env)?.join(".pgpass")))?;
    let meta = fs::metadata(&file).ok()?;
    if !meta.is_file() || meta.permissions().mode() & 0o077 != 0 {
        return None;
    }
    let get = |key: &str| settings.get(key).map(String::as_str).unwrap_or_default();
    let host = match get("host") {
        "" => get("hostaddr"),
        // As libpq has it: the usual socket goes by the machine's name.
        "/var/run/postgresql" | "/tmp" => "localhost",
        host => host,
    };
    find_in(&fs::read_to_string(file).ok()?, [host, get("port"), get("dbname"), get("user")])
}

pub(super) fn find_in(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let fits = fields.len() >= 5 && fields.iter().zip(wanted).all(|(field, want)| field == "*" || field == want);
        fits.then(|| fields[4].clone())
    })
}

/// The fields of a line; a backslash takes the next character as it is.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        let last = fields.len() - 1;
        match c {
            ':' => fields.push(String::new()),
            '\\' => fields[last].extend(rest.next()),
            c => fields[last].push(c),
        }
    }
    fields
}
