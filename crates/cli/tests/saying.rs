//! Where a command writes what it says, and what it never says.

#![allow(clippy::disallowed_methods)]

use std::process::{Command, Stdio};

const STARTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/starter");

fn specc(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specc"));
    command.args(args).current_dir(STARTER).stdin(Stdio::null());
    for name in ["SPECC_PROJECT", "SPECC_STAMP", "DATABASE_URL", "PGPASSWORD"] {
        command.env_remove(name);
    }
    command
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_device_is_an_error() {
    let commands: [&[&str]; 5] = [
        &["explain", "E0102"],
        &["completions", "bash"],
        &["check", "--format", "json"],
        &["diff", "--sql", "--offline-ok"],
        &["explain", "--format", "json"],
    ];
    for args in commands {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("the device");
        let out = specc(args).stdout(full).stderr(Stdio::piped()).output().expect("specc runs");
        let said = String::from_utf8_lossy(&out.stderr);
        let told = said.contains("cannot write to stdout");
        // What has nothing to say does not notice.
        assert!(told && out.status.code() == Some(2) || args[0] == "check", "{args:?}: {:?} {said}", out.status);
    }
}

#[test]
fn a_reader_that_went_away_is_none() {
    for args in [&["completions", "bash"][..], &["explain"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let out = specc(args).stdout(writer).stderr(Stdio::piped()).output().expect("specc runs");
        assert_eq!((out.status.code(), String::from_utf8_lossy(&out.stderr).as_ref()), (Some(0), ""), "{args:?}");
    }
}

/// Every way in which a command takes the address of a database.
fn uses_of_an_address(address: &str) -> Vec<Vec<&str>> {
    let uses: [&[&str]; 21] = [
        &["diff", "--to", address],
        &["diff", "--from", address],
        &["status", "--database-url", address],
        &["apply", "--database-url", address],
        &["reset", "--yes", "--database-url", address],
        &["drift", "--database-url", address],
        &["backup", "--database-url", address],
        &["restore", "--database-url", address, "nothing.dump"],
        &["pull", "--out", "nowhere", "--database-url", address],
        &["prove", "--database-url", address],
        &["prove", "--run", "--scratch-url", address],
        &["prove", "--against", address],
        &["why", "authenticated", "select", "notes", "--row", "1", "--as", "1", "--database-url", address],
        &["types", "--database-url", address],
        &["test", "--scratch-url", address],
        &["verify", "--scratch-url", address],
        &["audit", "--no-spec", "--database-url", address],
        &["drill", "--database-url", address],
        &["seed", "--rows", "notes=1", "--database-url", address],
        &["smoke", "--database-url", address],
        &["smoke", "--scratch-url", address],
    ];
    uses.map(<[&str]>::to_vec).into()
}

#[test]
fn every_command_that_takes_an_address_is_tried_with_one() {
    let told = |args: &[&str]| String::from_utf8(specc(args).output().expect("specc runs").stdout).expect("text");
    let help = told(&["--help"]);
    let commands = help.lines().skip_while(|line| !line.starts_with("Commands")).skip(1);
    let commands = commands.take_while(|line| line.starts_with("  ")).filter_map(|line| line.split_whitespace().next());
    let mut seen = 0;
    for command in commands.filter(|command| *command != "help") {
        let help = told(&[command, "--help"]);
        for option in ["--database-url", "--scratch-url"] {
            if help.contains(option) {
                let tried = |args: &Vec<&str>| args[0] == command && args.contains(&option);
                assert!(uses_of_an_address("x").iter().any(tried), "{command} {option} is not tried");
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "{seen}");
}

/// A password is never shown, however the address is written.
#[test]
fn no_password_is_shown() {
    const PARTS: [&str; 2] = ["CANARY", "SECRET"];
    let addresses = [
        "postgres//u:CANARYSECRET@h/x",
        "postgres://u:CANARYSECRET@localhost:1/x",
        "postgresql://u:CANARY/SECRET@localhost:1/x",
        "postgres://u:CANARY:SECRET@localhost:1/x",
        "postgres://u:CANARY?SECRET@localhost:1/x",
        "postgres://u:CANARY#SECRET@localhost:1/x",
        "postgres://u:CANARY%SECRET@localhost:1/x",
        "postgres://u:CANARY@SECRET@localhost:1/x",
        "postgres:/u:CANARYSECRET@localhost:1/x",
        "postgres://localhost:CANARYSECRET",
        "postgres://localhost:1/x?password=CANARYSECRET&port=y",
        "mysql://u:CANARYSECRET@localhost:1/x",
        "u:CANARYSECRET@localhost",
        "host=localhost password=CANARYSECRET port=1",
        "host=localhost password='CANARYSECRET port=1",
        "password = CANARYSECRET sslmode=x",
        "host=localhost port=1 passwrd=CANARYSECRET",
    ];
    for address in addresses {
        let uses = uses_of_an_address(address);
        for args in &uses {
            for format in [&["--format", "text"][..], &["--format", "json"]] {
                let all: Vec<&str> = args.iter().chain(format).copied().collect();
                let out = specc(&all).output().expect("specc runs");
                let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
                // Without a counterexample no server is asked.
                assert!(!out.status.success() || args.contains(&"--run"), "{all:?}: {said}");
                assert!(PARTS.iter().all(|part| !said.contains(part)), "{all:?}: {said}");
            }
        }
    }
    // The option before it was forgotten.
    let out = specc(&["status", "postgres://u:CANARYSECRET@localhost:1/x"]).output().expect("specc runs");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(2) && said.contains("unexpected argument") && !said.contains("CANARY"), "{said}");
}

#[test]
fn a_new_project_is_called_after_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    for (at, name) in [("my_project", "my_project"), ("it's \"two\" words", "it's \"two\" words")] {
        let dir = folder.path().join(at);
        let out = specc(&["init"]).arg(&dir).output().expect("specc runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let text = std::fs::read_to_string(dir.join("specc.toml")).expect("the settings");
        let settings: toml::Table = text.parse().expect("settings");
        assert_eq!(settings.get("name").and_then(toml::Value::as_str), Some(name));
        assert!(specc(&["check", "--project"]).arg(&dir).output().expect("specc runs").status.success());
    }
}

#[test]
fn help_begins_with_what_the_program_is_for() {
    let out = specc(&["--help"]).output().expect("specc runs");
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(said.starts_with("Compile .dbspec files"), "{said}");
}

/// What moves the cursor of a terminal, hides what it shows, or begins a line that a CI server obeys.
const ORDERS: &str = "\u{1b}[2Jx\u{1b}]0;title\u{7}\u{9b}31m\r\u{8}\n::stop-commands::x\n::error::x\n\u{202e}\u{2028}";

/// Author's text in what a person reads is text.
#[test]
fn no_text_of_a_spec_orders_a_terminal_about() {
    let dir = tempfile::tempdir().expect("a folder");
    let spec = format!(
        "entity t {{\n  id: int key\n  a: text = '{ORDERS}'\n  policy {{\n    all_of: allow all to anon, authenticated \
         when a <> '{ORDERS}'\n    some: allow select to authenticated when lower(a) = '{ORDERS}'\n  }}\n}}\n\
         promise '{ORDERS}' on t {{\n  deny select when a = '{ORDERS}'\n  deny select when lower(a) = '{ORDERS}'\n}}\n\
         scenario '{ORDERS}' {{\n  given {{\n    t one {{ id: 1, a: '{ORDERS}' }}\n  }}\n  as anon {{\n    t -> 7 rows\n  }}\n}}\n"
    );
    std::fs::write(dir.path().join("specc.toml"), "name = \"q\"\n").expect("a file");
    std::fs::write(dir.path().join("a.dbspec"), spec).expect("a file");
    let path = dir.path().to_str().expect("a path");
    let uses: [(&[&str], bool); 6] = [
        (&["check"], false),
        (&["prove", "--all"], true),
        (&["why", "authenticated", "select", "t"], true),
        (&["explain", "access"], true),
        (&["test", "--all"], true),
        (&["test", "--format", "junit"], true),
    ];
    for (args, speaks) in uses {
        let out = specc(args).args(["--project", path]).output().expect("specc runs");
        let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        assert!(!speaks || said.contains("::stop-commands::x"), "{args:?}: {said}");
        let obeyed = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202e}' | '\u{2028}');
        assert!(!said.contains(obeyed), "{args:?}: {said:?}");
        assert!(said.lines().all(|line| !line.trim_start().starts_with("::")), "{args:?}: {said}");
    }
}
