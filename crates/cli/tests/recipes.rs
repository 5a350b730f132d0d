//! The pages for who uses specc: their commands run, and their settings are all there are.

#![allow(clippy::disallowed_methods)]

use crate::program::run;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    fs::read_to_string(path).expect("a page")
}

/// The blocks of a page, each with its language. A block in a list is moved to the left.
fn blocks(text: &str) -> Vec<(String, String)> {
    let (mut found, mut open): (Vec<(String, String)>, Option<usize>) = (Vec::new(), None);
    for line in text.lines() {
        let bare = line.trim_start();
        match (bare.strip_prefix("```"), open) {
            (Some(_), Some(_)) => open = None,
            (Some(language), None) => {
                found.push((language.to_owned(), String::new()));
                open = Some(line.len() - bare.len());
            }
            (None, Some(margin)) => {
                let (_, block) = found.last_mut().expect("it was opened");
                block.push_str(line.get(margin..).unwrap_or_default());
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

/// What a block runs: a block of shell itself, of YAML the lines with commands.
fn commands(language: &str, block: &str) -> Option<String> {
    match language {
        "sh" => Some(block.to_owned()),
        "yaml" => {
            let lines = block.lines().filter_map(|line| {
                let at = line.find("specc ")?;
                let before = line[..at].trim();
                ["-", "- run:", "entry:"].contains(&before).then(|| format!("{}\n", &line[at..]))
            });
            Some(lines.collect())
        }
        "console" | "dockerfile" | "toml" => None,
        other => panic!("a block of `{other}`"),
    }
}

/// A project in a repository of its own, and a shell in which `specc` is a command.
struct Shell {
    dir: tempfile::TempDir,
    url: String,
}

impl Shell {
    fn new(url: String) -> Self {
        let shell = Self { dir: tempfile::tempdir().expect("a folder"), url };
        shell
            .run("git init --quiet . && git config user.name a && git config user.email a@example.com && specc init .");
        shell
    }

    fn run(&self, text: &str) {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_specc"));
        let folder = program.parent().expect("its folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let out = Command::new("bash")
            .args(["-euo", "pipefail", "-c", text])
            .current_dir(self.dir.path())
            .env("PATH", format!("{}:{path}", folder.display()))
            .env("DATABASE_URL", &self.url)
            .env_remove("SPECC_PROJECT")
            .env_remove("SPECC_STAMP")
            .output()
            .expect("a shell");
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(out.status.success(), "{text}\n{}{}", said(&out.stdout), said(&out.stderr));
    }
}

#[test]
fn every_command_of_the_pages_runs() {
    let mut ran = 0;
    for name in ["installing.md", "recipes.md", "troubleshooting.md", "deploying.md"] {
        let db = specc_postgres::shared(15).platform_database().expect("a database");
        let shell = Shell::new(db.url("postgres"));
        for (language, block) in blocks(&page(name)) {
            if let Some(text) = commands(&language, &block) {
                assert!(text.contains("specc "), "{name}: this block runs nothing of ours\n{block}");
                ran += text.lines().filter(|line| line.contains("specc ")).count();
                shell.run(&text);
            }
        }
    }
    assert!(ran > 35, "{ran} commands");
}

/// The settings at this place, as the reader of a project file lists them where one is unknown.
fn settings(table: &str) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a folder");
    let text = format!("name = \"shop\"\n{table}\nzzzzzzzzzzzz = 1\n");
    fs::write(dir.path().join("specc.toml"), text).expect("a file");
    let (code, _, said) = run(dir.path(), &["check"]);
    let said: Vec<&str> = said.split_whitespace().collect();
    let said = said.join(" ");
    let (_, list) = said.split_once("settings here are ").unwrap_or_else(|| panic!("exit code {code}: {said}"));
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_setting_is_on_its_page() {
    let text = page("settings.md");
    let whole = blocks(&text).into_iter().map(|(_, block)| block).find(|block| block.contains("[output]"));
    let whole = whole.expect("the block with all settings");
    let rows: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    for table in ["", "[schemas]", "[postgres]", "[environments.production]", "[types]", "[output]"] {
        let found = settings(table);
        assert!(found.len() > 1, "{found:?}");
        for setting in found.iter().filter(|name| !text.contains(&format!("## `[{name}"))) {
            assert!(rows.contains(&setting.as_str()), "{table} has `{setting}`, which has no row");
            assert!(whole.contains(&format!("\n{setting} = ")) || setting == "name", "`{setting}` is not in the block");
        }
    }
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), whole).expect("a file");
    fs::write(dir.path().join("a.dbspec"), "entity notes { id: uuid key, rls off }\n").expect("a file");
    let (code, _, said) = run(dir.path(), &["check"]);
    assert_eq!(code, 0, "{said}");
}
