//! Making a project of Supabase, and deleting it again.

use super::preflight::Known;
use super::target::{Secrets, Target};
use super::{Deployment, asked, now};
use crate::args::{Api, Deploy};
use crate::config::Environment;
use crate::report::{Failure, note};
use specc_deploy::management::{ApiError, Management, Project};
use specc_deploy::{Created, Creation, Ended, Looked, Plan, PlannedFile, Record, State, Step, Verdict, worst};
use specc_http::{Client, Options, Secret};
use specc_runner::Script;
use std::io::Read;
use std::time::{Duration, Instant};

/// The variable with the token.
const TOKEN: &str = "SUPABASE_ACCESS_TOKEN";

/// The API, where there is a token.
pub fn management(api: &Api) -> Option<Management> {
    let token = std::env::var(TOKEN).ok().filter(|token| !token.trim().is_empty())?;
    let options = Options { timeout: Duration::from_secs_f64(api.api_timeout), ..Options::default() };
    Some(Management::new(Client::new(options), &api.api_url, Secret::new(token.trim())))
}

fn words(error: ApiError) -> Failure {
    match error {
        ApiError::Refused { .. } => Failure::Refused(None, error.to_string()),
        error => Failure::broken(error.to_string()),
    }
}

/// What can be known before a project is made, and what would be done.
pub fn preflight(
    args: &Deploy,
    known: &Known<'_>,
    environment: &Environment,
    prior: Option<&Record>,
) -> Result<(Vec<Looked>, Plan), Failure> {
    let need = |value: &Option<String>, name: &str, example: &str| {
        value.clone().ok_or_else(|| {
            Failure::broken(format!(
                "the environment `{0}` does not say its `{name}`\n  help: write `{name} = \"{example}\"` under `[environments.{0}]`",
                args.environment
            ))
        })
    };
    let asked = prior.and_then(|record| record.plan.create.clone());
    let creation = || -> Result<Creation, Failure> {
        Ok(Creation {
            name: args
                .name
                .clone()
                .unwrap_or_else(|| format!("{}-{}", known.compilation.config.name, args.environment)),
            organization: need(&environment.organization, "organization", "my-organisation")?,
            region: need(&environment.region, "region", "eu-central-1")?,
            plan: environment.plan.clone(),
        })
    };
    // What was to be made is what is made, whatever the settings say by now.
    let creation = match asked {
        Some(asked) if prior.is_some_and(|record| record.state(Step::Provision).is_some()) => asked,
        _ => creation()?,
    };
    // A project that this deployment may have made has the name of the one that is to be made.
    let own = prior.is_some_and(|record| record.state(Step::Provision).is_some());
    let looked = look(args, environment, &creation, own);
    let mut files = Vec::new();
    for migration in &known.migrations.all {
        let script = Script::read(&migration.up.text)
            .map_err(|error| Failure::Refused(None, format!("{}: {error}", migration.up.path)))?;
        files.push(PlannedFile {
            title: migration.title(),
            stamp: migration.stamp.clone(),
            checksum: migration.checksum.clone(),
            statements: script.steps.len(),
            transaction: script.transaction,
            loses: script.loses,
        });
    }
    let plan = Plan {
        project: known.compilation.config.name.clone(),
        environment: known.environment.to_owned(),
        target: format!("a new project `{}`", creation.name),
        create: Some(creation),
        files,
        wanted: super::sum(&known.compilation.catalog),
        seed: known
            .seed
            .as_ref()
            .map(|file| specc_deploy::Seed { path: file.path.clone(), checksum: specc_catalog::checksum(&file.text) }),
        env_file: known.env_file_name(),
        ..Plan::default()
    };
    Ok((looked, plan))
}

/// The account, its organisation and plan, and whether the name is free.
fn look(args: &Deploy, environment: &Environment, creation: &Creation, own: bool) -> Vec<Looked> {
    let Some(management) = management(&args.api) else {
        let way = format!("make one under Account → Access Tokens, and put it into {TOKEN}");
        return vec![Looked::failed("account", "there is no token of the Management API", way)];
    };
    let organizations = match management.organizations() {
        Ok(all) => all,
        Err(error) => return vec![Looked::failed("account", one(&error), "see what it says")],
    };
    if !organizations.iter().any(|one| one.slug == creation.organization) {
        let names: Vec<String> = organizations.iter().map(|one| format!("`{}` ({})", one.slug, one.name)).collect();
        return vec![Looked::failed(
            "account",
            format!("the token reaches no organisation `{}`", creation.organization),
            if names.is_empty() {
                "it reaches none at all".to_owned()
            } else {
                format!("it reaches {}", names.join(", "))
            },
        )];
    }
    let mut looked =
        vec![Looked::passed("account", format!("the token reaches the organisation `{}`", creation.organization))];
    looked.push(billing(&management, environment, &creation.organization));
    looked.push(match management.named(&creation.name, &creation.organization) {
        Ok(None) => Looked::passed("name", format!("`{}` is free", creation.name)),
        Ok(Some(_)) if own => {
            Looked::passed("name", format!("`{}` is the one that this deployment makes", creation.name))
        }
        Ok(Some(there)) => Looked::failed(
            "name",
            format!("there is a project `{}` already ({})", there.name, there.reference),
            "name another one with `--name`, or deploy to that one without `--create`",
        ),
        Err(error) => Looked::failed("name", one(&error), "see what it says"),
    });
    looked
}

fn billing(management: &Management, environment: &Environment, organization: &str) -> Looked {
    match (management.plan_of(organization), &environment.plan) {
        (Ok(Some(plan)), Some(expected)) if plan != *expected => Looked::failed(
            "billing",
            format!("the organisation has the plan `{plan}`, and `{expected}` is expected"),
            "change the plan in the dashboard, or `plan` in specc.toml",
        ),
        (Ok(Some(plan)), _) => Looked::passed("billing", format!("plan `{plan}`")),
        (Ok(None), _) => Looked::unknown("billing", "the API does not say the plan", "look in the dashboard"),
        (Err(error), _) => Looked::unknown("billing", one(&error), "look in the dashboard"),
    }
}

/// A message on one line.
fn one(error: &ApiError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// The account of a project that is there, where the settings name it and there is a token.
pub fn account(args: &Deploy, environment: &Environment) -> Vec<Looked> {
    let Some(reference) = &environment.project else { return Vec::new() };
    let Some(management) = management(&args.api) else {
        let way = format!("put a token into {TOKEN}");
        return vec![Looked::unknown("account", "without a token the platform is not asked", way)];
    };
    match management.project(reference) {
        Err(error) => vec![Looked::failed("account", one(&error), "look at `project` in specc.toml, and at the token")],
        Ok(project) => {
            let status = match project.status.as_str() {
                "ACTIVE_HEALTHY" => Looked::passed("account", format!("project `{}` is active", project.name)),
                other => Looked::failed(
                    "account",
                    format!("project `{}` is {other}", project.name),
                    "restore it in the dashboard",
                ),
            };
            let organization = if project.organization.is_empty() { None } else { Some(project.organization) };
            let billing = organization.map(|organization| billing(&management, environment, &organization));
            [status].into_iter().chain(billing).collect()
        }
    }
}

/// A password that nobody has to type.
fn password() -> Result<Secret, Failure> {
    let mut bytes = [0; 24];
    let mut source = std::fs::File::open("/dev/urandom")
        .map_err(|error| Failure::broken(format!("this machine gives no random numbers: {error}")))?;
    source
        .read_exact(&mut bytes)
        .map_err(|error| Failure::broken(format!("this machine gives no random numbers: {error}")))?;
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}

impl Deployment<'_> {
    /// Makes the project, waits until it is healthy, and gets its URL and keys.
    pub(super) fn provision(&mut self) -> Result<(Target, Plan), Failure> {
        let management = management(&self.args.api)
            .ok_or_else(|| Failure::broken(format!("there is no token of the Management API in {TOKEN}")))?;
        self.step(Step::Provision, |this| this.made(&management))?;
        let name = self.args.environment.as_str();
        let (root, config) = (&self.compilation.root, &self.compilation.config);
        let target = Target::of(root, config, (name, self.environment), Some((&self.record, self.folder)))?;
        // Now there is a database to look at.
        let seen = super::preflight::database(&self.known, &target, false)?;
        let failed = worst(&seen.looked) == Verdict::Failed;
        let lines: Vec<String> =
            seen.looked.iter().filter(|one| one.verdict == Verdict::Failed).flat_map(Looked::lines).collect();
        self.record.preflight.extend(seen.looked);
        if failed || !self.record.plan.covers(&seen.plan) {
            self.record.set(Step::Preflight, State::Failed, now(), "the new project is not as it must be");
            self.save()?;
            return Err(Failure::Refused(None, format!("the new project is not as it must be\n{}", lines.join("\n"))));
        }
        if let Some(found) = &seen.found {
            self.folder.keep_before(&mut self.record, found)?;
        }
        self.save()?;
        // What runs is what is looked at now, a part of what was approved.
        Ok((target, seen.plan))
    }

    fn made(&mut self, management: &Management) -> Result<Option<String>, Failure> {
        let creation = self.record.plan.create.clone();
        let creation = creation.ok_or_else(|| Failure::broken("the plan makes no project".to_owned()))?;
        let mut secrets = match Secrets::read(self.folder) {
            Some(secrets) => secrets,
            None => Secrets { password: password()?.expose().to_owned(), ..Secrets::default() },
        };
        // Before it is asked for: whoever comes after a crash has to know the password.
        secrets.keep(self.folder)?;
        let known = management.named(&creation.name, &creation.organization).map_err(words)?;
        let project = match known {
            Some(project) => project,
            None => management.create(&creation, &Secret::new(secrets.password.clone())).map_err(words)?,
        };
        self.record.created = Some(Created { reference: project.reference.clone(), name: project.name, host: None });
        self.save()?;
        note(&format!("made the project {}", project.reference));
        let project = healthy(management, &project.reference, Duration::from_secs(self.args.healthy_within))?;
        let host = project.host.unwrap_or_else(|| format!("db.{}.supabase.co", project.reference));
        let keys = management.keys(&project.reference).map_err(words)?;
        let database = self.environment.database_name().unwrap_or("postgres");
        secrets.url = Some(url(&host, &secrets.password, database));
        secrets.public = Some(keys.public.expose().to_owned());
        secrets.service = Some(keys.service.expose().to_owned());
        secrets.keep(self.folder)?;
        if let Some(made) = &mut self.record.created {
            made.host = Some(host);
        }
        Ok(Some(format!("project {}", project.reference)))
    }

    /// Deletes the project that the deployment made, where that was asked for.
    pub(super) fn delete_if_wanted(&mut self) {
        let Some(made) = self.record.created.clone().filter(|_| self.record.ended.is_none()) else { return };
        let question = format!("Delete the project `{}` again? Type `yes`: ", made.reference);
        if !self.args.delete_on_failure && !asked(&question) {
            note(&format!(
                "the project {} is there still: `specc rollback {}` says how to delete it",
                made.reference, self.args.environment
            ));
            return;
        }
        let Some(management) = management(&self.args.api) else { return };
        match management.delete(&made.reference) {
            Ok(()) => {
                self.record.ended = Some(Ended::Deleted);
                self.folder.remove(super::target::SECRETS);
                note(&format!("deleted the project {} again", made.reference));
                if self.save().is_err() {
                    note("the record could not be written");
                }
            }
            Err(error) => note(&format!("the project {} could not be deleted: {error}", made.reference)),
        }
    }
}

/// Waits until a project and its services work.
fn healthy(management: &Management, reference: &str, within: Duration) -> Result<Project, Failure> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(500);
    loop {
        let project = management.project(reference).map_err(words)?;
        let services =
            if project.status == "ACTIVE_HEALTHY" { management.health(reference).map_err(words)? } else { Vec::new() };
        match project.status.as_str() {
            "ACTIVE_HEALTHY" if !services.is_empty() && services.iter().all(|service| service.is_healthy()) => {
                return Ok(project);
            }
            "INIT_FAILED" | "REMOVED" | "GOING_DOWN" | "INACTIVE" | "PAUSE_FAILED" | "RESTORE_FAILED" => {
                return Err(Failure::Refused(None, format!("the project {reference} is {}", project.status)));
            }
            _ => {}
        }
        if began.elapsed() + pause > within {
            let ill: Vec<String> = services
                .iter()
                .filter(|service| !service.is_healthy())
                .map(|service| format!("{} is {}", service.name, service.status))
                .collect();
            let how = if ill.is_empty() { project.status } else { ill.join(", ") };
            return Err(Failure::Refused(
                None,
                format!(
                    "the project {reference} is not healthy after {} s: {how}\n  help: the same command waits again",
                    within.as_secs()
                ),
            ));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}

/// The URL of the database; a host that is a folder has a socket in it.
fn url(host: &str, password: &str, database: &str) -> String {
    match host.starts_with('/') {
        true => format!("host={host} user=postgres password={password} dbname={database}"),
        false => format!("postgresql://postgres:{password}@{host}:5432/{database}?sslmode=require"),
    }
}
