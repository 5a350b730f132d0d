//! The projects of an organisation, as the platform's API says them: what else there is beside the database that is examined.

use crate::check::{BASE, Check, How, Need, Section, Seen, Severity};
use crate::look::{Look, Refusal, Row};
use serde_json::json;

/// A project of the organisation.
pub struct Project {
    /// Its name.
    pub name: String,
    /// By which the platform knows it.
    pub reference: String,
    /// Where it is.
    pub region: String,
    /// As the platform says it.
    pub status: String,
    /// Its services that are not healthy, or why that is not known.
    pub unhealthy: Result<Vec<String>, String>,
    /// The environments of the settings that lead to it.
    pub environments: Vec<String>,
}

/// What the platform says of a project that is in use.
const HEALTHY: &str = "ACTIVE_HEALTHY";

/// The checks.
pub const ALL: &[Check] = &[
    Check {
        name: "project_not_healthy",
        section: Section::Integration,
        severity: Severity::Warning,
        asks: "projects of the organisation that are paused, or with services that are not healthy",
        says: "the project {name} ({reference}, {region}) is {state}",
        why: "a paused project answers nobody, and one that stays so is deleted after some time",
        mend: "look at {name} in the platform's dashboard: restore it, or delete it if nobody needs it",
        needs: &[Need::Organization],
        how: How::Asked(not_healthy),
        ..BASE
    },
    Check {
        name: "project_of_no_environment",
        section: Section::Integration,
        severity: Severity::Info,
        asks: "projects of the organisation that no environment of the settings leads to",
        says: "no environment leads to the project {name} ({reference}, {region}, {state})",
        why: "what nobody deploys to is not kept up to date, and may hold rows of persons all the same",
        mend: "write an environment for {name} in `specc.toml` (`host` is the host of its database), or delete the project",
        needs: &[Need::Organization],
        how: How::Asked(of_no_environment),
        ..BASE
    },
];

fn row(project: &Project, state: &str) -> Row {
    let mut row = Row::new();
    for (name, value) in [
        ("object", project.name.as_str()),
        ("name", &project.name),
        ("reference", &project.reference),
        ("region", &project.region),
        ("state", state),
    ] {
        row.insert(name.into(), json!(value));
    }
    row
}

fn not_healthy(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let mut seen = Seen::default();
    for project in look.subject.projects.iter().flatten().flatten() {
        match &project.unhealthy {
            _ if project.status != HEALTHY => seen.rows.push(row(project, &project.status)),
            Ok(services) if services.is_empty() => {}
            Ok(services) => seen.rows.push(row(project, &format!("in use, but not healthy: {}", services.join(", ")))),
            Err(why) => seen.unseen.push(format!("the services of {}: {why}", project.name)),
        }
    }
    Ok(seen)
}

fn of_no_environment(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let all = look.subject.projects.iter().flatten().flatten();
    let rows = all.filter(|project| project.environments.is_empty()).map(|project| row(project, &project.status));
    Ok(Seen { rows: rows.collect(), ..Seen::default() })
}
