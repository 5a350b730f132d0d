//! A folder of `tests/changes`.

use crate::changes::given::{Given, compile_after};
use crate::changes::halfway;
use crate::changes::run::Way;
use specc_catalog::Catalog;
use specc_model::Target;
use specc_tests::root;
use std::fs;
use std::path::PathBuf;

/// One change.
pub struct Case {
    pub name: String,
    dir: PathBuf,
    options: toml::Table,
}

impl Case {
    /// All of them, by name.
    pub fn all() -> Vec<Self> {
        let folders = fs::read_dir(root().join("tests/changes")).expect("the cases");
        let mut all: Vec<Self> = folders
            .map(|entry| entry.expect("a folder").path())
            .filter(|dir| dir.is_dir())
            .map(|dir| {
                let name = dir.file_name().expect("a name").to_string_lossy().into_owned();
                let text = fs::read_to_string(dir.join("options.toml")).unwrap_or_default();
                let options = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
                Self { name, dir, options }
            })
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    fn is(&self, option: &str) -> bool {
        self.options.get(option).and_then(toml::Value::as_bool).unwrap_or_default()
    }

    /// 15, and a tenth of the cases on 18 too; those that need 18 there alone.
    pub fn versions(&self) -> Vec<u32> {
        if self.is("only_18") {
            return vec![18];
        }
        if let Ok(majors) = std::env::var("CHANGES_ON") {
            return majors.split(',').filter_map(|major| major.trim().parse().ok()).collect();
        }
        let hash = self.name.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
        if hash % 10 == 0 { vec![15, 18] } else { vec![15] }
    }

    fn list(&self, option: &str) -> Vec<String> {
        let all = self.options.get(option).and_then(toml::Value::as_array).cloned().unwrap_or_default();
        all.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }

    fn target(&self) -> Target {
        match self.options.get("target").and_then(toml::Value::as_str) {
            Some("supabase") => Target::Supabase,
            _ => Target::Postgres,
        }
    }

    /// Both specs, the second one as it follows the first.
    fn given(&self) -> Result<(Given, Given), Vec<String>> {
        let one = |file: &str, last: Option<&Catalog>| {
            let text = fs::read_to_string(self.dir.join(file)).map_err(|error| format!("{file}: {error}"))?;
            compile_after(file, &text, self.target(), !self.is("as_written"), last)
        };
        let from = one("before.dbspec", None);
        let to = one("after.dbspec", from.as_ref().ok().map(|from| &from.catalog));
        match (from, to) {
            (Ok(from), Ok(mut to)) => {
                if self.is("keep_old") {
                    to.keep(&from.catalog).map_err(|error| vec![format!("{error:?}")])?;
                }
                Ok((from, to))
            }
            (from, to) => Err(from.err().into_iter().chain(to.err()).collect()),
        }
    }

    /// The scripts of the change and of its way back.
    pub fn scripts(&self) -> Result<(Vec<String>, Vec<String>), String> {
        let (from, to) = self.given().map_err(|wrong| wrong.join("\n"))?;
        let (dropped, spelled_anew) = (self.list("drop"), self.list("spelled_anew"));
        self.way(&from, &to, &dropped, &spelled_anew, ["", ""], 15).scripts()
    }

    /// Whether a spec of it has this in its text.
    pub fn says(&self, text: &str) -> bool {
        let specs = ["before.dbspec", "after.dbspec"];
        specs.iter().any(|file| fs::read_to_string(self.dir.join(file)).is_ok_and(|spec| spec.contains(text)))
    }

    fn way<'a>(
        &self,
        from: &'a Given,
        to: &'a Given,
        dropped: &'a [String],
        spelled_anew: &'a [String],
        [rows, there]: [&'a str; 2],
        major: u32,
    ) -> Way<'a> {
        let (target, data_loss, offline) = (self.target(), self.is("allow_data_loss"), self.is("offline"));
        Way { from, to, target, major, rows, data_loss, offline, dropped, spelled_anew, there }
    }

    /// What is wrong with it on this version.
    pub fn check(&self, major: u32) -> Vec<String> {
        let (from, to) = match self.given() {
            Ok(both) => both,
            Err(wrong) => return wrong,
        };
        let rows = fs::read_to_string(self.dir.join("rows.sql")).unwrap_or_default();
        let there = fs::read_to_string(self.dir.join("there.sql")).unwrap_or_default();
        let (dropped, spelled_anew) = (self.list("drop"), self.list("spelled_anew"));
        let way = self.way(&from, &to, &dropped, &spelled_anew, [&rows, &there], major);
        let mut outcome = match way.go() {
            Ok(outcome) => outcome,
            Err(stopped) => return vec![stopped],
        };
        let nothing = self.is("refused") || self.is("nothing");
        if outcome.up.is_empty() != nothing || outcome.summary.contains("refused: ") != self.is("refused") {
            outcome.wrong.push(format!("what is said is not what was expected: {}", outcome.summary));
        }
        for (file, text) in [("up.sql", &outcome.up), ("down.sql", &outcome.down), ("summary.txt", &outcome.summary)] {
            self.snapshot(file, text, &mut outcome.wrong);
        }
        outcome.wrong
    }

    /// What is wrong when it is stopped at each of its steps and taken back; none where it has one file.
    pub fn stopped(&self, major: u32) -> Option<Vec<String>> {
        let (from, to) = match self.given() {
            Ok(both) => both,
            Err(wrong) => return Some(wrong),
        };
        let rows = fs::read_to_string(self.dir.join("rows.sql")).unwrap_or_default();
        let there = fs::read_to_string(self.dir.join("there.sql")).unwrap_or_default();
        let (dropped, spelled_anew) = (self.list("drop"), self.list("spelled_anew"));
        let way = self.way(&from, &to, &dropped, &spelled_anew, [&rows, &there], major);
        halfway::check(&way).unwrap_or_else(|stopped| Some(vec![stopped]))
    }

    /// Holds a text against the file, or writes the file.
    fn snapshot(&self, file: &str, text: &str, wrong: &mut Vec<String>) {
        let path = self.dir.join(file);
        let stored = fs::read_to_string(&path).unwrap_or_default();
        if stored == text {
            return;
        }
        if std::env::var_os("CHANGES_UPDATE").is_some() {
            fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            return;
        }
        let at = stored.lines().zip(text.lines()).take_while(|(a, b)| a == b).count();
        let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_owned();
        wrong.push(format!("{file} is not as stored, line {}:\n    {}\n    {}", at + 1, line(&stored), line(text)));
    }
}
