//! What a deployment does, in its order, and where it waits for somebody.

use serde::{Deserialize, Serialize};

/// A step of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// What may go wrong is looked at.
    Preflight,
    /// What would be done is said.
    Plan,
    /// The project of Supabase is made.
    Provision,
    /// What is there is dumped.
    Backup,
    /// The migrations run.
    Apply,
    /// The database is compared with the spec, and its rows with those before.
    Verify,
    /// Each role asks.
    Smoke,
    /// The file with what programs need is written.
    Environment,
    /// What was done is written down.
    Report,
}

impl Step {
    /// All, in their order.
    pub const ALL: [Step; 9] = [
        Step::Preflight,
        Step::Plan,
        Step::Provision,
        Step::Backup,
        Step::Apply,
        Step::Verify,
        Step::Smoke,
        Step::Environment,
        Step::Report,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Step::Preflight => "preflight",
            Step::Plan => "plan",
            Step::Provision => "provision",
            Step::Backup => "backup",
            Step::Apply => "apply",
            Step::Verify => "verify",
            Step::Smoke => "smoke",
            Step::Environment => "environment",
            Step::Report => "report",
        }
    }
}

/// Where a deployment waits until somebody has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Checkpoint {
    /// The plan is made, and nothing is changed.
    Design,
    /// The database has what the plan says.
    Provisioning,
    /// The database is verified.
    Testing,
}

impl Checkpoint {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Checkpoint::Design => "design",
            Checkpoint::Provisioning => "provisioning",
            Checkpoint::Testing => "testing",
        }
    }
}
