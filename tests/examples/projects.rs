//! Whether the official command line takes what the stand-in for the Management API answers:
//! `cargo run -p specc-tests --example projects -- CLI`, with the program of the npm package `supabase`.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use specc_tests::management::{Api, TOKEN};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let Some(cli) = std::env::args().nth(1) else {
        println!("usage: projects CLI");
        return ExitCode::from(2);
    };
    let api = Api::start("db.localhost");
    let home = tempfile::tempdir().expect("a folder");
    let profile = home.path().join("profile.yaml");
    let url = &api.url;
    let text = format!(
        "name: standin\napi_url: {url}\ndashboard_url: {url}\ndocs_url: {url}\nproject_host: localhost\npooler_host: localhost\n"
    );
    std::fs::write(&profile, text).expect("the profile");
    let run = |args: &[&str]| {
        let mut command = Command::new(&cli);
        command.args(args).arg("--profile").arg(&profile).args(["--output", "json"]);
        command.env("SUPABASE_ACCESS_TOKEN", TOKEN).env("HOME", home.path()).current_dir(home.path());
        command.env("DO_NOT_TRACK", "1").env("SUPABASE_TELEMETRY_DISABLED", "1");
        let output = command.output().expect("the program runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        println!(
            "{} {}: {} {}",
            args.join(" "),
            output.status,
            said.trim(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        (output.status.success(), said)
    };
    let mut wrong = 0;
    let mut holds = |what: &str, is: bool| {
        println!("{} {what}", if is { "ok   " } else { "WRONG" });
        wrong += usize::from(!is);
    };
    let (ok, said) = run(&["orgs", "list"]);
    let orgs: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
    let org = orgs[0]["id"].as_str().unwrap_or_default().to_owned();
    holds("organisations are listed", ok && !org.is_empty());
    let create = [
        "projects",
        "create",
        "standin",
        "--org-id",
        &org,
        "--db-password",
        "p4ssw0rd-of-it-And-More-0123456789",
        "--region",
        "eu-central-1",
        "--yes",
    ];
    holds("a project is made", run(&create).0 && api.references().len() == 1);
    let reference = api.references().first().cloned().unwrap_or_default();
    let (ok, said) = run(&["projects", "list"]);
    holds("it is listed", ok && !reference.is_empty() && said.contains(&reference));
    let (ok, said) = run(&["projects", "api-keys", "--project-ref", &reference]);
    holds("its keys are listed", ok && said.contains("anon") && said.contains("service_role"));
    holds("it is deleted", run(&["projects", "delete", &reference, "--yes"]).0 && api.references().is_empty());
    ExitCode::from(u8::from(wrong > 0))
}
