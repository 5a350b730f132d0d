//! No page and no message names a command or an option that is not there.

#![allow(clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn help(args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_specc")).args(args).arg("--help").output().expect("specc runs");
    String::from_utf8(out.stdout).expect("UTF-8")
}

/// Each command with its options.
fn commands() -> BTreeMap<String, BTreeSet<String>> {
    let all = help(&[]);
    let (_, list) = all.split_once("Commands:\n").expect("the commands");
    let names = list.lines().map_while(|line| line.split_whitespace().next());
    names.map(|name| (name.to_owned(), options(&help(&[name])).collect())).collect()
}

/// The words of a text that are options.
fn options(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
    words.filter(|word| word.len() > 2 && word.starts_with("--")).map(str::to_owned)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let is_text = path.extension().is_some_and(|end| end == "rs" || end == "md");
        match path.is_dir() {
            true if !path.ends_with("target") => files(&path, found),
            false if is_text => found.push(path),
            _ => {}
        }
    }
}

/// What stands behind `specc` in a text: in backticks, or at the start of a line of a block.
fn calls(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split("`specc ").skip(1).filter_map(|rest| rest.split('`').next());
    let fenced = text.split("```").skip(1).step_by(2).flat_map(str::lines);
    let lines = fenced.map(|line| line.trim_start_matches("$ "));
    quoted.chain(lines.filter_map(|line| line.strip_prefix("specc ")?.split('#').next()))
}

#[test]
fn every_command_and_option_that_is_named_is_there() {
    let commands = commands();
    assert!(commands.len() > 15 && commands["build"].contains("--offline-ok"), "{commands:?}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = vec![root.join("README.md")];
    ["docs", "crates"].iter().for_each(|folder| files(&root.join(folder), &mut paths));
    let (mut named, mut wrong) = (0, Vec::new());
    for path in paths {
        let text = fs::read_to_string(&path).expect("UTF-8");
        // An option that stands alone is one of some command.
        let is_page = path.extension() == Some("md".as_ref()) && !path.to_string_lossy().contains("/fuzz/");
        let quoted = text.split('`').filter(|part| is_page && part.starts_with("--"));
        let alone = quoted.filter_map(|part| options(part).next());
        let unknown = alone.filter(|option| !commands.values().any(|known| known.contains(option)));
        wrong.extend(unknown.map(|option| format!("{}: {option}", path.display())));
        for call in calls(&text) {
            let mut words = call.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
            let command = words.next().unwrap_or_default();
            // `specc CODE` and the like stand for any, and a sentence may go on after the program's name.
            if command.is_empty() || !call.starts_with(command) || command.starts_with('-') {
                continue;
            }
            named += 1;
            match commands.get(command) {
                None => wrong.push(format!("{}: specc {call}", path.display())),
                Some(known) => {
                    let unknown = options(call).filter(|option| !known.contains(option));
                    wrong.extend(unknown.map(|option| format!("{}: specc {command} {option}", path.display())));
                }
            }
        }
    }
    assert!(named > 100, "{named} calls");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_requirements_list_every_command() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/requirements.md");
    let page = fs::read_to_string(page).expect("UTF-8");
    let (_, list) = page.split_once("The commands are ").expect("the list");
    let list = list.split('.').next().unwrap_or_default();
    let named: BTreeSet<&str> = list.split('`').skip(1).step_by(2).collect();
    let commands = commands();
    let there: BTreeSet<&str> = commands.keys().map(String::as_str).filter(|name| *name != "help").collect();
    assert_eq!(named, there);
}
