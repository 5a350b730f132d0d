//! What the session is set to: for itself, or up to the end of the transaction.

use crate::statement::Setting;

/// The settings that decide what a statement means or how long it waits.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The schema of names without one.
    pub(crate) path: String,
    /// Whether waiting for a lock ends.
    pub(crate) lock_timeout: bool,
    /// Whether times without a zone are those of UTC.
    pub(crate) utc: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { path: "public".into(), lock_timeout: false, utc: false }
    }
}

impl Settings {
    /// No value is the default.
    fn set(&mut self, name: &str, value: &[String]) {
        match name {
            "search_path" => {
                let first = value.iter().find(|part| *part != "$user" && *part != "pg_catalog");
                self.path = first.cloned().unwrap_or_else(|| "public".into());
            }
            "lock_timeout" => self.lock_timeout = value.first().is_some_and(|value| !is_zero(value)),
            "timezone" => {
                let zones = ["utc", "etc/utc", "gmt", "etc/gmt", "zulu", "universal", "uct"];
                self.utc = value.first().is_some_and(|zone| zones.contains(&zone.to_lowercase().as_str()));
            }
            _ => {}
        }
    }
}

fn is_zero(value: &str) -> bool {
    let number = value.trim_end_matches(|c: char| c.is_alphabetic() || c.is_whitespace());
    number.trim().parse::<f64>().is_ok_and(|number| number == 0.0)
}

/// The settings now, and those to which the end of the transaction goes back.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) now: Settings,
    /// After a commit.
    committed: Settings,
    /// After a rollback.
    before: Settings,
}

impl Session {
    pub(crate) fn set(&mut self, setting: &Setting) {
        self.now.set(&setting.name, &setting.value);
        if !setting.local {
            self.committed.set(&setting.name, &setting.value);
        }
    }

    pub(crate) fn reset(&mut self) {
        self.now = Settings::default();
        self.committed = Settings::default();
    }

    /// What the transaction set is undone.
    pub(crate) fn roll_back(&mut self) {
        self.committed = self.before.clone();
        self.now = self.before.clone();
    }

    /// Another transaction begins.
    pub(crate) fn begin(&mut self) {
        self.now = self.committed.clone();
        self.before = self.committed.clone();
    }
}
