//! The two forms of an address: a URL, and `key=value` pairs.

use std::collections::BTreeMap;

/// By the names that libpq gives them.
pub(super) type Settings = BTreeMap<String, String>;

/// Reads either form. The errors repeat no value: it may be a password.
pub(super) fn parse(text: &str) -> Result<Settings, String> {
    let text = text.trim();
    let url = ["postgresql://", "postgres://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let mut settings = match url {
        Some(rest) => url_parts(rest)?,
        None if text.contains("://") => {
            return Err("the address of a database begins with postgresql://".into());
        }
        None => pairs(text)?,
    };
    settings.retain(|_, value| !value.is_empty());
    for key in settings.keys() {
        if !KNOWN.contains(&key.as_str()) {
            return Err(format!("unknown setting `{key}` in the address; known are {}", KNOWN.join(", ")));
        }
    }
    Ok(settings)
}

const KNOWN: &[&str] = &[
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "passfile",
    "options",
    "sslmode",
    "sslrootcert",
    "connect_timeout",
    "target_session_attrs",
    "application_name",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "channel_binding",
];

fn url_parts(rest: &str) -> Result<Settings, String> {
    let mut settings = Settings::new();
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (place, database) = place.split_once('/').unwrap_or((place, ""));
    if database.contains('@') {
        return Err("a `/` in a user's name or password is written as `%2F`".into());
    }
    let (who, hosts) = place.rsplit_once('@').unwrap_or(("", place));
    let (user, password) = who.split_once(':').unwrap_or((who, ""));
    let mut set = |key: &str, value: &str| -> Result<(), String> {
        if !value.is_empty() {
            settings.insert(key.to_owned(), decode(value)?);
        }
        Ok(())
    };
    set("user", user)?;
    set("password", password)?;
    set("dbname", database)?;
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',') {
        // The brackets of an IPv6 address keep its colons together.
        let (name, port) = match host.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
            Some((name, port)) => (name, port.strip_prefix(':').unwrap_or_default()),
            None => host.rsplit_once(':').unwrap_or((host, "")),
        };
        names.push(name);
        ports.push(if port.is_empty() { "5432" } else { port });
    }
    set("host", &names.join(","))?;
    if ports.len() > 1 || hosts.contains(':') {
        set("port", &ports.join(","))?;
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or("a setting after `?` has no `=`")?;
        set(&decode(key)?, value)?;
    }
    Ok(settings)
}

fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
            let code = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
            bytes
                .push(code.ok_or("a `%` in the address is not followed by two hexadecimal digits; write it as `%25`")?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| "the address is not UTF-8".into())
}

fn pairs(text: &str) -> Result<Settings, String> {
    let mut settings = Settings::new();
    let mut rest = text.chars().peekable();
    loop {
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        if rest.peek().is_none() {
            return Ok(settings);
        }
        let mut key = String::new();
        while let Some(c) = rest.next_if(|c| *c != '=' && !c.is_whitespace()) {
            key.push(c);
        }
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        if rest.next() != Some('=') {
            return Err("this is no address of a database; write postgresql://user@host/database".into());
        }
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = rest.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match rest.next() {
                Some('\\') => value.extend(rest.next()),
                Some('\'') if quoted => break,
                Some(c) if !quoted && c.is_whitespace() => break,
                Some(c) => value.push(c),
                None if quoted => return Err(format!("the value of `{key}` has no closing quote")),
                None => break,
            }
        }
        settings.insert(key, value);
    }
}
